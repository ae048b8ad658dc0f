package job_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/task"
)

var (
	resize = task.Define("resize", func(_ context.Context, in int) (int, error) { return 2 * in, nil })
	rotate = task.Define("rotate", func(_ context.Context, in string) (string, error) { return in, nil })
	store  = task.Define("store", func(context.Context, []byte) (task.Void, error) { return task.Void{}, nil })
)

// quiet tells nobody anything.
var quiet = slog.New(slog.DiscardHandler)

// bubble runs f in virtual time.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// open opens an owner that lives as long as the test, or until it is closed.
func open(t testing.TB, log job.Log, c job.Config) *job.Owner {
	t.Helper()
	if c.Log == nil {
		c.Log = quiet
	}
	o, err := job.Open(t.Context(), log, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, o) })
	return o
}

func shut(t testing.TB, o *job.Owner) {
	t.Helper()
	if err := o.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// put enqueues a call of resize, which must be accepted.
func put(t testing.TB, c *job.Client, in int, opts ...job.Option) job.ID {
	t.Helper()
	h, err := job.Enqueue(t.Context(), c, resize, in, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return h.ID()
}

func session(t testing.TB, c *job.Client) *job.Session {
	t.Helper()
	s, err := c.Session(t.Context(), job.SessionConfig{Name: "tester"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// claim claims one job, which must be there or come.
func claim(t testing.TB, s *job.Session) *job.Lease {
	t.Helper()
	l, err := s.Claim(t.Context(), 1, job.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	return l[0]
}

// none checks that there is nothing to claim now.
func none(t testing.TB, s *job.Session) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	if l, err := s.Claim(ctx, 1, job.Filter{}); err == nil {
		t.Fatalf("job %v was claimed", l[0].ID())
	}
}

func wantState(t testing.TB, c *job.Client, id job.ID, want job.State) job.Status {
	t.Helper()
	s, err := c.Status(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if s.State != want {
		t.Errorf("job %v is %v, want %v", id, s.State, want)
	}
	return s
}

// wantFault checks kind and Started of err, and that its text has all of texts.
func wantFault(t testing.TB, err error, kind fault.Kind, started bool, texts ...string) {
	t.Helper()
	if fault.KindOf(err) != kind || fault.Started(err) != started {
		t.Errorf("got %v (%v, started %v), want %v, started %v", err, fault.KindOf(err), fault.Started(err), kind, started)
		return
	}
	if _, ok := errors.AsType[*fault.Error](err); !ok {
		t.Errorf("%v is a %T", err, err)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q is not in %q", text, err)
		}
	}
}

// later runs f, and returns a function that waits for what it returned.
func later[T any](f func() T) (wait func() T) {
	c := make(chan T, 1)
	go func() { c <- f() }()
	return func() T { return <-c }
}

var errEnough = errors.New("enough")
