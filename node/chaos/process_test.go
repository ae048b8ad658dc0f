//go:build linux

package chaos_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/task"
)

// What a handler knows of its job, and the PID of the process in which it does.
type known struct {
	Token     job.FencingToken
	Fenced    bool
	Attempt   int
	Tick      time.Time
	Scheduled bool
	Link      task.Trace
	Current   bool
	PID       int
}

func knows(ctx context.Context) (k known) {
	k.Token, k.Fenced = job.Token(ctx)
	k.Tick, k.Scheduled = job.Scheduled(ctx)
	k.Attempt, k.Link = job.Attempt(ctx), job.Link(ctx)
	k.Current = job.Current(ctx) != nil
	job.Logf(ctx, "nobody hears of this, and nothing breaks")
	k.PID = os.Getpid()
	return k
}

// kidTasks are those of handlers that run in processes.
var kidTasks = []task.Task{kidTells, kidFails, kidDeaf, kidDies}

var (
	kidTells = task.Define("kid.tells", func(ctx context.Context, _ task.Void) (known, error) { return knows(ctx), nil })

	// kidFails does so the first time.
	kidFails = task.Define("kid.fails", func(ctx context.Context, _ task.Void) (known, error) {
		if job.Attempt(ctx) == 1 {
			return known{}, errors.New("the first time")
		}
		return knows(ctx), nil
	})

	// kidDeaf reports that it has begun, and hears nothing but the first time.
	kidDeaf = task.Define("kid.deaf", func(ctx context.Context, until int) (known, error) {
		task.Report(ctx, task.Progress{Done: 1, Total: 2, Note: "deaf"})
		for job.Attempt(ctx) <= until {
			time.Sleep(time.Millisecond)
		}
		return knows(ctx), nil
	})

	// kidDies takes its process down, in another way each time.
	kidDies = task.Define("kid.dies", func(ctx context.Context, _ task.Void) (known, error) {
		switch job.Attempt(ctx) {
		case 1:
			os.Exit(3)
		case 2:
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		return knows(ctx), nil
	})
)

// aloof opens an owner, and a worker whose handlers run in processes.
func aloof(t *testing.T) *job.Client {
	t.Helper()
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	kids, err := proc.New(proc.Config{Workers: 2, Grace: 100 * time.Millisecond, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	owner, err := job.Open(t.Context(), jobtest.NewMemory(), job.Config{Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- job.Work(ctx, owner.Client(), job.WorkerConfig{Tasks: kidTasks, Runner: kids, Slots: 2, Log: quiet})
	}()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, owner.Close(context.Background()), kids.Close(context.Background())); err != nil {
			t.Error(err)
		}
	})
	return owner.Client().With(job.Backoff(time.Millisecond, time.Millisecond))
}

// isOf checks that a handler in another process knew what the log says of its job.
func (k known) isOf(t *testing.T, c *job.Client, id job.ID, attempt int, epoch uint32) {
	t.Helper()
	st, err := c.Status(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	want := job.FencingToken{Log: k.Token.Log, Job: id, Epoch: epoch}
	if !k.Fenced || k.Token != want || k.Token.Log == [16]byte{} || k.Attempt != attempt || st.Attempt != attempt || st.Epoch != epoch {
		t.Errorf("the handler knew %v, attempt %d; it is %v, attempt %d, epoch %d", k.Token, k.Attempt, want, st.Attempt, st.Epoch)
	}
	if k.PID == os.Getpid() || k.PID == 0 {
		t.Errorf("the handler ran in process %d, this is %d", k.PID, os.Getpid())
	}
	if k.Current {
		t.Error("job.Current is not nil in another process")
	}
}

func TestAHandlerInAProcessKnowsWhatItWorksOn(t *testing.T) {
	t.Parallel()
	c := aloof(t)
	trace := task.Trace{Parent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", State: "shop=1"}
	ctx := task.WithTrace(t.Context(), trace)
	h, err := job.Enqueue(ctx, c, kidFails, task.Void{})
	if err != nil {
		t.Fatal(err)
	}
	k, err := h.Wait(t.Context())
	if err != nil || k.Scheduled || k.Link != trace {
		t.Errorf("%+v, %v", k, err)
	}
	k.isOf(t, c, h.ID(), 2, 2)

	// A call of somebody who works on no job is of none.
	kids, err := proc.New(proc.Config{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer kids.Close(context.Background())
	if k, err := kidTells.Do(ctx, kids, task.Void{}); err != nil || k.Fenced || k.Attempt != 0 || k.Scheduled || k.Link != (task.Trace{}) {
		t.Errorf("without a job: %+v, %v", k, err)
	}
}

func TestAHandlerInAProcessKnowsItsTick(t *testing.T) {
	t.Parallel()
	c := aloof(t)
	if err := job.Schedule(t.Context(), c, "often", job.Every(time.Second), kidTells, task.Void{}); err != nil {
		t.Fatal(err)
	}
	var found []job.Status
	within(t, patience, "a tick is done", func() bool {
		page, err := c.Search(t.Context(), job.Query{Schedule: "often", States: []job.State{job.Done}}, 1)
		found = page.Jobs
		return err != nil || len(found) > 0
	})
	if len(found) == 0 {
		t.Fatal("none is found")
	}
	k, err := job.Find(c, kidTells, found[0].ID).Wait(t.Context())
	if err != nil || !k.Scheduled || !k.Tick.Equal(found[0].Tick) {
		t.Errorf("%+v, %v; the tick is %v", k, err, found[0].Tick)
	}
	k.isOf(t, c, found[0].ID, 1, 1)
}

func TestAHandlerInAProcessThatIgnoresItsContextIsKilledAfterTheGrace(t *testing.T) {
	t.Parallel()
	c := aloof(t)
	why := fault.Sentinel("chaos_test: enough")
	h, err := job.Enqueue(t.Context(), c, kidDeaf, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	within(t, patience, "its progress is seen", func() bool {
		p, err := h.Progress(t.Context())
		return err == nil && p.Done == 1 && p.Total == 2 && p.Note == "deaf"
	})
	if state, err := c.CancelCause(t.Context(), h.ID(), why); err != nil || state != job.Running {
		t.Fatal(state, err)
	}
	if _, err := h.Wait(t.Context()); fault.KindOf(err) != fault.Cancelled || !errors.Is(err, why) {
		t.Errorf("Wait says %v", err)
	}
	if st, err := h.Status(t.Context()); err != nil || st.State != job.Cancelled || st.Epoch != 1 {
		t.Errorf("%+v, %v", st, err)
	}
}

func TestAHandlerInAProcessThatTakesTooLongIsKilledAndTriedAgain(t *testing.T) {
	t.Parallel()
	c := aloof(t)
	h, err := job.Enqueue(t.Context(), c, kidDeaf, 1, job.Timeout(200*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	k, err := h.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	k.isOf(t, c, h.ID(), 2, 2)
}

func TestAProcessThatDiesFailsOneAttempt(t *testing.T) {
	t.Parallel()
	c := aloof(t)
	h, err := job.Enqueue(t.Context(), c, kidDies, task.Void{})
	if err != nil {
		t.Fatal(err)
	}
	k, err := h.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	k.isOf(t, c, h.ID(), 3, 3)
	if st, err := h.Status(t.Context()); err != nil || len(st.Failures) != 2 {
		t.Errorf("%+v, %v", st, err)
	}
}
