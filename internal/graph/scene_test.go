package graph_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/scope"
)

// scene is a small program whose interleaving its steps decide. It plays in a
// bubble: when everybody is blocked for good, the bubble knows at once.
type scene struct {
	s    *scope.Scope
	over chan struct{} // closed when the scene must end

	mu       sync.Mutex
	verdicts map[*fault.Deadlock]bool
	errs     map[string]error // by task's name
}

// outcome is what became of a scene.
type outcome struct {
	verdicts []*fault.Deadlock
	errs     map[string]error
	hung     bool // somebody had to be freed by cancelling everything
}

// play runs direct in a bubble and lets the tasks that it starts come to rest.
func play(t *testing.T, direct func(sc *scene)) (out outcome) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(context.Background())
		defer cancel(nil)
		sc := &scene{over: make(chan struct{}), verdicts: make(map[*fault.Deadlock]bool), errs: make(map[string]error)}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
				sc.s = s
				direct(sc)
				return nil
			})
		}()
		select {
		case <-ended:
		case <-time.After(time.Hour): // of the bubble's time: everybody rests
			out.hung = true
			close(sc.over)
			cancel(errMissed)
			<-ended
		}
		for d := range sc.verdicts {
			out.verdicts = append(out.verdicts, d)
		}
		out.errs = sc.errs
	})
	return out
}

// task starts a task whose error is noted, not fatal, and waits until it and
// everybody else has come to rest.
func (sc *scene) task(name string, f func(ctx context.Context) error) *scope.Future[int] {
	fut := sc.start(name, f)
	synctest.Wait()
	return fut
}

func (sc *scene) start(name string, f func(ctx context.Context) error) *scope.Future[int] {
	return sc.startIn(sc.s, name, f)
}

func (sc *scene) startIn(s *scope.Scope, name string, f func(ctx context.Context) error) *scope.Future[int] {
	return scope.Go(s, func(ctx context.Context) (int, error) {
		sc.note(name, f(ctx))
		return 0, nil
	}, scope.Name(name))
}

func (sc *scene) note(name string, err error) {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.errs[name] = err
	if d := (*fault.Deadlock)(nil); errors.As(err, &d) && fault.KindOf(err) == fault.Deadlocked {
		sc.verdicts[d] = true
	}
}

// hold is a task's turn with m, and what it does meanwhile.
func hold(ctx context.Context, m *mutex, f func() error) error {
	if err := m.Lock(ctx); err != nil {
		return err
	}
	defer m.Unlock()
	return f()
}

// until waits outside the graph, as a running task does.
func (sc *scene) until(c <-chan struct{}) error {
	select {
	case <-c:
	case <-sc.over:
	}
	return nil
}

// once makes a hook that stops the first who comes to a moment, while armed.
func (sc *scene) once(at moment) (hook func(moment), arm func(), arrived, goOn chan struct{}) {
	var mu sync.Mutex
	armed := false
	arrived, goOn = make(chan struct{}), make(chan struct{})
	arm = func() { mu.Lock(); armed = true; mu.Unlock() }
	hook = func(m moment) {
		mu.Lock()
		stop := armed && m == at
		armed = armed && !stop
		mu.Unlock()
		if stop {
			close(arrived)
			sc.until(goOn)
		}
	}
	return hook, arm, arrived, goOn
}

// crowd is what waits for tasks alone: for any of them to be stuck to hang, or
// only all of them. It is never granted.
type crowd struct {
	tasks []*graph.Task
	all   bool
	hasty bool // wrong: asks only until it knows
}

func (c *crowd) Label() graph.Label { return graph.Label{Kind: "crowd"} }

func (c *crowd) wait(ctx context.Context) error {
	w := new(graph.Wait)
	w.Begin(ctx, c)
	w.Publish()
	return w.Park()
}

func (c *crowd) Blocked(_ *graph.Task, stuck func(*graph.Task) bool) bool {
	n := 0
	for _, t := range c.tasks {
		if stuck(t) {
			n++
			if c.hasty && !c.all {
				return true
			}
		}
	}
	return n > 0 && (!c.all || n == len(c.tasks))
}
