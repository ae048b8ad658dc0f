package scope_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/scope"
)

// wantKnot fails the test unless err is a deadlock of exactly those tasks, and
// every one of them is told with its path and stack.
func wantKnot(t *testing.T, err error, names ...string) {
	t.Helper()
	d := (*fault.Deadlock)(nil)
	if !errors.As(err, &d) {
		t.Errorf("got %v, want a deadlock of %v", err, names)
		return
	}
	var got []string
	for _, m := range d.Members {
		name, _, _ := strings.Cut(m.Task, "#")
		got = append(got, name)
		if len(m.Path) == 0 || len(m.Stack) == 0 || m.WaitsFor == "" {
			t.Errorf("%s is told without path, stack or what it waits for: %+v", name, m)
		}
	}
	slices.Sort(got)
	slices.Sort(names)
	if !slices.Equal(got, names) {
		t.Errorf("the knot is %v, want %v", got, names)
	}
	if d.Members[0].Task != d.Task {
		t.Errorf("the verdict fell on %s, listed first is %s", d.Task, d.Members[0].Task)
	}
}

func TestAFutureAwaitedByItsOwnTaskIsADeadlockOfOne(t *testing.T) {
	ready := make(chan *scope.Future[int], 1)
	err := run(func(_ context.Context, s *scope.Scope) error {
		ready <- scope.Go(s, func(ctx context.Context) (int, error) {
			f := <-ready
			_, err := f.Await(ctx)
			wantKnot(t, err, "narcissus")
			return 0, err
		}, scope.Name("narcissus"))
		return nil
	})
	wantKnot(t, err, "narcissus")
}

func TestARingOfFuturesIsADeadlockThatOneOfThemIsTold(t *testing.T) {
	for n := 2; n <= 3; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			names := []string{"a", "b", "c"}[:n]
			futures := make([]*scope.Future[int], n)
			var ready sync.WaitGroup
			ready.Add(1)
			var told atomic.Int32
			err := run(func(_ context.Context, s *scope.Scope) error {
				for i := range n {
					futures[i] = scope.Try(s, func(ctx context.Context) (int, error) {
						ready.Wait()
						v, err := futures[(i+1)%n].Await(ctx)
						if d, ok := err.(*fault.Deadlock); ok && strings.HasPrefix(d.Task, names[i]) {
							told.Add(1)
							wantKnot(t, err, slices.Clone(names)...)
							return 7, nil // the others can go on
						}
						return v, err
					}, scope.Name(names[i]))
				}
				ready.Done()
				return nil
			})
			if err != nil || told.Load() != 1 {
				t.Errorf("Run: %v; %d were told", err, told.Load())
			}
			for i, f := range futures {
				if v, err := f.Await(t.Context()); v != 7 || err != nil {
					t.Errorf("%s ended with %v, %v", names[i], v, err)
				}
			}
		})
	}
}

// A body waits for a child that waits for the body's own future: the join of
// the inner scope cannot return early, so its verdict becomes the cause.
func TestTheVerdictOnAJoinIsWhatItsRunReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var outer *scope.Future[int]
		err := run(func(_ context.Context, s *scope.Scope) error {
			ready := make(chan struct{})
			outer = scope.Go(s, func(ctx context.Context) (int, error) {
				<-ready
				err := scope.Run(ctx, func(ctx context.Context, inner *scope.Scope) error {
					inner.Go(func(ctx context.Context) error {
						_, err := outer.Await(ctx)
						wantKnot(t, context.Cause(ctx), "parent", "child")
						return err
					}, scope.Name("child"))
					time.Sleep(time.Second) // the child waits first, the join closes the knot
					return nil
				})
				wantKnot(t, err, "parent", "child")
				return 0, err
			}, scope.Name("parent"))
			close(ready)
			return nil
		})
		wantKnot(t, err, "parent", "child")
		nothingRuns(t)
	})
}

// until is a wait that only by's acting could end, as far as the graph can see.
type until struct{ by *graph.Task }

func (u until) Blocked(_ *graph.Task, stuck func(*graph.Task) bool) bool { return stuck(u.by) }
func (u until) Label() graph.Label                                       { return graph.Label{Kind: "signal"} }

// A join that has had its verdict goes on waiting, and is not told again.
func TestAJoinIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		err := run(func(ctx context.Context, s *scope.Scope) error {
			owner := graph.FromContext(ctx)
			s.Go(func(ctx context.Context) error {
				var w graph.Wait
				w.Begin(context.WithoutCancel(ctx), until{owner}) // it does not heed its cancellation
				w.Publish()
				time.AfterFunc(2*time.Second, func() { w.Grant() })
				return w.Park()
			}, scope.Name("deaf"))
			time.Sleep(time.Second)
			return nil
		})
		if d := (*fault.Deadlock)(nil); !errors.As(err, &d) || len(d.Members) != 2 {
			t.Errorf("Run returned %v", err)
		}
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// The other order: the join waits first, and the child closes the knot.
func TestAChildThatWaitsForWhoJoinsItIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var outer *scope.Future[int]
		err := run(func(_ context.Context, s *scope.Scope) error {
			ready := make(chan struct{})
			outer = scope.Go(s, func(ctx context.Context) (int, error) {
				<-ready
				return 7, scope.Run(ctx, func(_ context.Context, inner *scope.Scope) error {
					inner.Go(func(ctx context.Context) error {
						time.Sleep(time.Second)
						_, err := outer.Await(ctx)
						wantKnot(t, err, "parent", "child")
						return nil // it can live without
					}, scope.Name("child"))
					return nil
				})
			}, scope.Name("parent"))
			close(ready)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// Do gives a goroutine that somebody else started an identity.
func TestADeadlockThroughDoIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run(func(_ context.Context, s *scope.Scope) error {
			handled := make(chan *scope.Future[int], 1)
			f := scope.Try(s, func(ctx context.Context) (int, error) {
				mine := <-handled
				return mine.Await(ctx)
			}, scope.Name("asker"))
			go s.Do(t.Context(), func(ctx context.Context) error {
				return scope.Run(ctx, func(_ context.Context, inner *scope.Scope) error {
					handled <- scope.Try(inner, func(ctx context.Context) (int, error) { return f.Await(ctx) }, scope.Name("helper"))
					return nil
				})
			}, scope.Name("handler"))
			_, err := f.Await(s.Context())
			wantKnot(t, err, "asker", "helper")
			return nil
		})
	})
}
