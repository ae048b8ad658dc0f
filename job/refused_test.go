package job_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/pool"
	"github.com/hemgo/hem/task"
)

// A moody rung refuses work so often, with an error of a kind.
type moody struct {
	kind  fault.Kind
	times int
	runs  int
}

func (m *moody) Run(ctx context.Context, c *task.Call) error {
	if m.runs++; m.runs <= m.times {
		return &fault.Error{Op: "moody: run", Task: c.Name(), Kind: m.kind, Err: errWhy}
	}
	return c.Invoke(ctx)
}

func TestARungThatRefusesWorkCostsNoAttemptAndIsNotAskedAllTheTime(t *testing.T) {
	for _, kind := range []fault.Kind{fault.Overloaded, fault.Lost, fault.Cancelled} {
		bubble(t, func(t *testing.T) {
			rung := &moody{kind: kind, times: 9}
			double := does("double", func(ctx context.Context, n int) (int, error) { return n * job.Attempt(ctx), nil })
			c := worked(t, job.WorkerConfig{Tasks: []task.Task{double}, Runner: rung, Slots: 1})
			began := time.Now()
			h, err := job.Enqueue(t.Context(), c, double, 7)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := h.Wait(t.Context()); got != 7 || err != nil {
				t.Errorf("%v: got %d, %v", kind, got, err)
			}
			// 0.1 + 0.2 + … + 6.4 + 10 + 10 s.
			if took := time.Since(began); took < 32*time.Second || took > 34*time.Second {
				t.Errorf("%v: done after %v", kind, took)
			}
			if st, err := h.Status(t.Context()); err != nil || st.Attempt != 1 || len(st.Failures) != 0 {
				t.Errorf("%v: %+v, %v", kind, st, err)
			}
		})
	}
}

// It cannot be told from work that no rung would take, so it counts; but another
// worker may come.
func TestWorkThatARungCallsInvalidIsTriedAgainAndNotBuriedAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		rung := &moody{kind: fault.Invalid, times: 2}
		double := does("double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{double}, Runner: rung})
		h, err := job.Enqueue(t.Context(), c, double, 7)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := h.Wait(t.Context()); got != 14 || err != nil {
			t.Errorf("got %d, %v", got, err)
		}
		if st, err := h.Status(t.Context()); err != nil || st.Attempt != 3 || len(st.Failures) != 2 {
			t.Errorf("%+v, %v", st, err)
		}
		// A caller, who has one attempt, is told so.
		rung.runs = 0
		if _, err := double.Do(t.Context(), c, 7); !errors.Is(err, errWhy) || fault.KindOf(err) != fault.Invalid {
			t.Errorf("got %v", err)
		}
	})
}

// What the handler itself returns, be it an error that says that something has not
// started, is the job's.
func TestAnErrorOfTheHandlersThatHasNotStartedIsItsOwn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		calls := does("calls", func(context.Context, int) (int, error) {
			return 0, &fault.Error{Op: "shop: ask", Kind: fault.Overloaded, Err: errWhy}
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{calls}})
		h, err := job.Enqueue(t.Context(), c, calls, 1, job.Attempts(2))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Wait(t.Context()); !errors.Is(err, errWhy) {
			t.Errorf("got %v", err)
		}
		if st, err := h.Status(t.Context()); err != nil || st.State != job.Dead || st.Attempt != 2 {
			t.Errorf("%+v, %v", st, err)
		}
	})
}

// A worker that ends does not wait for a rung that refuses.
func TestAWorkerThatEndsGivesBackWhatItsRungHasRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		rung := &moody{kind: fault.Overloaded, times: 1 << 30}
		double := does("double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })
		_, c := opened(t, jobtest.NewMemory())
		var said bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- job.Work(ctx, c, job.WorkerConfig{Tasks: []task.Task{double}, Runner: rung, Log: slog.New(slog.NewTextHandler(&said, nil))})
		}()
		h, err := job.Enqueue(t.Context(), c, double, 7)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(65 * time.Second)
		cancel()
		began := time.Now()
		if err := <-done; err != nil || time.Since(began) > 0 {
			t.Errorf("%v, after %v", err, time.Since(began))
		}
		if st, err := h.Status(t.Context()); err != nil || st.State != job.Ready || st.Attempt != 0 {
			t.Errorf("%+v, %v", st, err)
		}
		if n := strings.Count(said.String(), "Runner refuses work"); n != 2 {
			t.Errorf("it was said %d times in 65 s:\n%s", n, said.String())
		}
	})
}

func TestHandlersOfAPoolThatIsClosedAreNotBuried(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cpu, err := pool.New(pool.Config{Size: 1})
		if err != nil {
			t.Fatal(err)
		}
		double := does("double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{double}, Runner: cpu})
		h, err := job.Enqueue(t.Context(), c, double, 7)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := h.Wait(t.Context()); got != 14 || err != nil {
			t.Errorf("got %d, %v", got, err)
		}
		if err := cpu.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if h, err = job.Enqueue(t.Context(), c, double, 7); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if st, err := h.Status(t.Context()); err != nil || !st.State.Live() || len(st.Failures) == 0 {
			t.Errorf("%+v, %v", st, err)
		}
	})
}

// While a new version of a task is rolled out there are jobs that an old worker cannot
// read: they wait for a new one.
func TestAnInputThatThisWorkerCannotReadWaitsForOneThatCan(t *testing.T) {
	bubble(t, func(t *testing.T) {
		old := task.Define("pay", func(_ context.Context, n int) (int, error) { return n, nil })
		now := task.Define("pay", func(_ context.Context, s string) (string, error) { return s + "!", nil })
		_, c := opened(t, jobtest.NewMemory())
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- job.Work(ctx, c, job.WorkerConfig{Tasks: []task.Task{old}, Log: quiet}) }()
		h, err := job.Enqueue(t.Context(), c, now, "seven")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		if st, err := h.Status(t.Context()); err != nil || st.State != job.Delayed || len(st.Failures) < 3 {
			t.Errorf("%+v, %v", st, err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		working(t, c, job.WorkerConfig{Tasks: []task.Task{now}, Log: quiet})
		if got, err := h.Wait(t.Context()); got != "seven!" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestAWorkerNamesAHandlerThatKeepsItFromEnding(t *testing.T) {
	bubble(t, func(t *testing.T) {
		begun, end := make(chan context.Context, 1), make(chan bool)
		deaf := does("deaf", func(ctx context.Context, n int) (int, error) {
			begun <- ctx
			<-end
			return n, nil
		})
		_, c := opened(t, jobtest.NewMemory())
		said := make(lines, 9)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- job.Work(ctx, c, job.WorkerConfig{Tasks: []task.Task{deaf}, Grace: time.Second, Log: slog.New(slog.NewTextHandler(said, nil))})
		}()
		if _, err := job.Enqueue(t.Context(), c, deaf, 7); err != nil {
			t.Fatal(err)
		}
		<-begun
		cancel()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if len(said) > 0 {
			t.Errorf("after 10 s: %s", <-said)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if s := <-said; !strings.Contains(s, "is waited for") || !strings.Contains(s, "task=deaf") {
			t.Errorf("after 12 s: %q", s)
		}
		close(end)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// lines are those of a log.
type lines chan string

func (l lines) Write(b []byte) (int, error) {
	l <- string(b)
	return len(b), nil
}
