package job_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/wire"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/task"
)

// A hand is a connection on which a test speaks by itself.
type hand struct {
	t    *testing.T
	conn net.Conn
	r    *wire.Reader
	n    uint64
}

func byHand(t *testing.T, o *job.Owner) *hand {
	t.Helper()
	here, there := net.Pipe()
	served := later(func() error { return o.Serve(context.Background(), there) })
	t.Cleanup(func() {
		_ = here.Close()
		_ = served()
	})
	h := &hand{t: t, conn: here, r: wire.NewReader(here)}
	hello := wire.Put(nil)
	hello.Greeting(&wire.Greeting{Name: "by hand"})
	h.write(wire.Append(nil, wire.Hello, 0, hello.Bytes()))
	if f, err := h.r.Next(); err != nil || f.Kind != wire.Welcome {
		t.Fatalf("%v, %v", f.Kind, err)
	}
	return h
}

func (h *hand) write(b []byte) {
	h.t.Helper()
	if _, err := h.conn.Write(b); err != nil {
		h.t.Fatal(err)
	}
}

// ask asks, and returns the answer.
func (h *hand) ask(r *owner.Request) *owner.Request {
	h.t.Helper()
	h.n++
	f := wire.Put(wire.Begin(nil, wire.Ask, h.n))
	f.Request(r)
	h.write(wire.Finish(f.Bytes(), 0))
	for {
		got, err := h.r.Next()
		if err != nil {
			h.t.Fatal(err)
		}
		if got.Kind != wire.Answer || got.ID != h.n {
			continue
		}
		a := &owner.Request{Op: r.Op}
		var names wire.Names
		body := wire.Take(got.Body, &names)
		if body.Answer(a, 0); !body.Whole() {
			h.t.Fatalf("%x", got.Body)
		}
		return a
	}
}

// What an older connection brings late must not take back what was claimed over the
// newer one.
func TestWhatAnOlderConnectionBringsLateChangesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t, jobtest.NewMemory(), job.Config{})
		older, newer := byHand(t, o), byHand(t, o)
		session := older.ask(&owner.Request{Op: owner.OpenSession, Name: "s", Remote: true}).IDs[0]
		attach := func(h *hand, number uint64) error {
			return h.ask(&owner.Request{Op: owner.Attach, Session: session, Seen: number}).Err
		}
		if err := attach(newer, 2); err != nil {
			t.Fatal(err)
		}
		id := put(t, o.Client(), 1)
		if got := newer.ask(&owner.Request{Op: owner.Claim, Session: session}); len(got.Jobs) != 1 {
			t.Fatalf("%+v", got)
		}
		if err := attach(older, 1); !errors.Is(err, owner.ErrDropped) {
			t.Errorf("the older attach: %v", err)
		}
		put(t, o.Client(), 2)
		if got := older.ask(&owner.Request{Op: owner.Claim, Session: session}); len(got.Jobs) != 0 {
			t.Errorf("the older claim got %+v", got.Jobs)
		}
		synctest.Wait()
		wantState(t, o.Client(), id, job.Running)
		// Nor when the newer one has gone.
		_ = newer.conn.Close()
		synctest.Wait()
		if err := attach(older, 1); !errors.Is(err, owner.ErrDropped) {
			t.Errorf("the older attach, later: %v", err)
		}
		if err := attach(older, 3); err != nil { // as a newest, it has nothing: so that is ready again
			t.Error(err)
		}
		synctest.Wait()
		if st, err := o.Client().Status(t.Context(), id); err != nil || st.State != job.Ready {
			t.Errorf("%+v, %v", st, err)
		}
	})
}

// Over a connection as well callers are there while they look at progress.
func TestACallerElsewhereWhoLooksAtProgressIsStillThere(t *testing.T) {
	desks(t, job.Config{}, func(t *testing.T, d desk) {
		begun := make(chan context.Context, 1)
		long := does("long", func(ctx context.Context, n int) (int, error) {
			task.Report(ctx, task.Progress{Done: 1})
			begun <- ctx
			return lasts(ctx, time.Minute, n)
		}).Keyed(func(n int) string { return fmt.Sprint(n) })
		working(t, d.owner.Client(), job.WorkerConfig{Tasks: []task.Task{long}})
		looks := task.OnProgress(t.Context(), func(task.Progress) { time.Sleep(10 * time.Second) })
		looker := later(func() error { _, err := long.Do(looks, d.client, 1); return err })
		handler := <-begun
		time.Sleep(time.Second)
		ctx, leave := context.WithTimeout(t.Context(), 2*time.Second)
		defer leave()
		if _, err := long.Do(ctx, d.client, 1); fault.KindOf(err) != fault.Deadline {
			t.Errorf("who left: %v", err)
		}
		synctest.Wait()
		if handler.Err() != nil {
			t.Errorf("the job was cancelled under the one who looks: %v", context.Cause(handler))
		}
		if err := looker(); err != nil {
			t.Errorf("who looked: %v", err)
		}
	})
}
