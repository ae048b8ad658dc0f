package scope_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"runtime"
	"slices"
	"strconv"
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

// numbers returns 0, 1, … n-1.
func numbers(n int) []int { return slices.Collect(upTo(n)) }

func upTo(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

// gauge counts how many are in at once.
type gauge struct{ now, most atomic.Int32 }

func (g *gauge) enter() {
	n := g.now.Add(1)
	for most := g.most.Load(); n > most && !g.most.CompareAndSwap(most, n); most = g.most.Load() {
	}
}

func (g *gauge) leave() { g.now.Add(-1) }

func TestMapKeepsTheOrderOfItsItemsAndNeverExceedsN(t *testing.T) {
	for _, size := range []int{1, 2, 7, 40} {
		for _, n := range []int{1, 2, 3, 8, 100} {
			synctest.Test(t, func(t *testing.T) {
				var in gauge
				start := time.Now()
				got, err := scope.Map(t.Context(), n, numbers(size), func(_ context.Context, i int) (string, error) {
					in.enter()
					defer in.leave()
					time.Sleep(time.Second)
					return strconv.Itoa(i), nil
				})
				if err != nil || len(got) != size {
					t.Fatalf("%d of %d: %v, %v", n, size, got, err)
				}
				for i, s := range got {
					if s != strconv.Itoa(i) {
						t.Errorf("result %d is %s", i, s)
					}
				}
				if most := int(in.most.Load()); most != min(n, size) {
					t.Errorf("%d at once, want %d", most, min(n, size))
				}
				if took, want := time.Since(start), time.Duration((size+n-1)/n)*time.Second; took != want {
					t.Errorf("%d of %d took %v, want %v", n, size, took, want)
				}
				nothingRuns(t)
			})
		}
	}
}

func TestMapWithAnNOfOneStartsNothing(t *testing.T) {
	me := identity()
	_, err := scope.Map(context.Background(), 1, numbers(5), func(context.Context, int) (int, error) {
		if identity() != me {
			t.Error("it runs on another goroutine")
		}
		return 0, nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestTheFirstFailureOfMapCancelsTheRestAndIsReturnedAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls, told atomic.Int32
		got, err := scope.Map(t.Context(), 3, numbers(100), func(ctx context.Context, i int) (int, error) {
			calls.Add(1)
			if i == 4 {
				time.Sleep(time.Second / 2)
				return 0, errBoom
			}
			if err := scope.Sleep(ctx, time.Second); err != nil {
				told.Add(1)
				return 0, err
			}
			return i, nil
		})
		if got != nil || err != errBoom {
			t.Errorf("got %v, %v", got, err)
		}
		if calls.Load() != 6 || told.Load() != 2 {
			t.Errorf("%d calls, %d were told; want 6 and 2", calls.Load(), told.Load())
		}
	})
}

func TestMapUnderAContextThatEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(1500*time.Millisecond, func() { cancel(errCause) })
		deaf := func(_ context.Context, i int) (int, error) { time.Sleep(time.Second); return i, nil }
		// Items were left.
		if got, err := scope.Map(ctx, 2, numbers(5), deaf); got != nil || err != errCause {
			t.Errorf("during: %v, %v", got, err)
		}
		// It had ended before.
		got, err := scope.Map(ctx, 2, numbers(5), func(context.Context, int) (int, error) { t.Error("called"); return 0, nil })
		if got != nil || err != errCause {
			t.Errorf("before: %v, %v", got, err)
		}
		if got, err := scope.Map(ctx, 2, nil, deaf); got != nil || err != nil {
			t.Errorf("without items: %v, %v", got, err)
		}
		// It ended when no item was left.
		ctx, cancel = context.WithCancelCause(t.Context())
		time.AfterFunc(500*time.Millisecond, func() { cancel(errCause) })
		if got, err := scope.Map(ctx, 5, numbers(5), deaf); len(got) != 5 || err != nil {
			t.Errorf("after the last item was taken: %v, %v", got, err)
		}
	})
}

func TestMapAndEachOfWrongInputAreInvalid(t *testing.T) {
	ctx := context.Background()
	double := func(_ context.Context, i int) (int, error) { return 2 * i, nil }
	each := func(context.Context, int) error { return nil }
	var errs []error
	for _, n := range []int{0, -1} {
		_, err := scope.Map(ctx, n, numbers(3), double)
		errs = append(errs, err, scope.Each(ctx, n, upTo(3), each))
	}
	_, err := scope.Map[int, int](ctx, 1, numbers(3), nil)
	errs = append(errs, err, scope.Each(ctx, 1, upTo(3), nil), scope.Each(ctx, 1, nil, each))
	for i, err := range errs {
		e := (*fault.Error)(nil)
		if !errors.As(err, &e) || e.Kind != fault.Invalid || e.Started || !strings.Contains(err.Error(), " is ") {
			t.Errorf("%d: %#v", i, err)
		}
	}
	wantPanic(t, "scope: ", func() { scope.Map(noContext, 1, numbers(3), double) })
	wantPanic(t, "scope: ", func() { scope.Each(noContext, 1, upTo(3), each) })
}

func TestAPanicOfMapsFunctionComesOutWhenAllHaveEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, where := range []string{"caller", "worker"} {
			var in gauge
			end := endOf(func() {
				me := identity()
				scope.Map(t.Context(), 2, numbers(2), func(ctx context.Context, i int) (int, error) {
					in.enter()
					defer in.leave()
					time.Sleep(time.Second)
					if (identity() == me) == (where == "caller") {
						panic(io.EOF)
					}
					<-ctx.Done()
					time.Sleep(time.Second)
					return i, nil
				})
			})
			if err, ok := end.(error); !ok || !errors.Is(err, io.EOF) || in.now.Load() != 0 {
				t.Errorf("%s: ended with %v while %d still ran", where, end, in.now.Load())
			}
		}
		nothingRuns(t)
		journal.take()
	})
}

func TestTheTasksOfMapAreCalledAfterItsFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		scope.Map(t.Context(), 2, numbers(2), func(ctx context.Context, i int) (int, error) {
			task := graph.FromContext(ctx)
			if name := task.Name(); name != "scope_test.TestTheTasksOfMapAreCalledAfterItsFunction.func1.1" {
				t.Errorf("a worker is called %s", name)
			}
			if at := task.Site(); at.Line == 0 || at.Func != "github.com/hemgo/hem/scope_test.TestTheTasksOfMapAreCalledAfterItsFunction.func1" {
				t.Errorf("a worker was started at %v", at)
			}
			time.Sleep(time.Second)
			return 0, nil
		})
	})
}

func TestEachRunsEveryItemAndNeverMoreThanN(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var in gauge
		var mu sync.Mutex
		var seen []int
		start := time.Now()
		err := scope.Each(t.Context(), 3, upTo(10), func(_ context.Context, i int) error {
			in.enter()
			defer in.leave()
			time.Sleep(time.Second)
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, i)
			return nil
		})
		slices.Sort(seen)
		if err != nil || !slices.Equal(seen, numbers(10)) || in.most.Load() != 3 || time.Since(start) != 4*time.Second {
			t.Errorf("%v: items %v, %d at once, in %v", err, seen, in.most.Load(), time.Since(start))
		}
		nothingRuns(t)
	})
}

// Back-pressure: a queue that items takes from loses nothing that must wait.
func TestEachAsksForItemsOnlyWhenThereIsRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		me := identity()
		start := time.Now()
		var asked []time.Duration
		err := scope.Each(t.Context(), 2, func(yield func(int) bool) {
			for i := range 6 {
				if identity() != me {
					t.Error("items runs on another goroutine")
				}
				asked = append(asked, time.Since(start))
				if !yield(i) {
					return
				}
			}
		}, func(ctx context.Context, i int) error { return scope.Sleep(ctx, time.Second) })
		if want := []time.Duration{0, 0, time.Second, time.Second, 2 * time.Second, 2 * time.Second}; err != nil || !slices.Equal(asked, want) {
			t.Errorf("%v; asked for items after %v, want %v", err, asked, want)
		}
	})
}

func TestAFailureOfEachStopsItsItems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, cleaned := 0, false
		err := scope.Each(t.Context(), 2, func(yield func(int) bool) {
			defer func() { cleaned = true }()
			for i := 0; ; i++ {
				asked++
				if !yield(i) {
					return
				}
			}
		}, func(ctx context.Context, i int) error {
			if i == 1 {
				return errBoom
			}
			return stay(ctx)
		})
		if err != errBoom || asked != 2 || !cleaned {
			t.Errorf("%v after %d items, sequence cleaned up: %v", err, asked, cleaned)
		}
		// A context that has ended starts nothing.
		dead, cancel := context.WithCancelCause(t.Context())
		cancel(errCause)
		err = scope.Each(dead, 2, upTo(5), func(context.Context, int) error { t.Error("called"); return nil })
		if err != errCause {
			t.Errorf("under a dead context: %v", err)
		}
		if err := scope.Each(dead, 2, upTo(0), failWith2); err != nil {
			t.Errorf("without items: %v", err)
		}
	})
}

func TestEachUnderAContextThatEndsWhileItWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errCause) })
		asked, start := 0, time.Now()
		err := scope.Each(ctx, 1, func(yield func(int) bool) {
			for asked++; yield(0); asked++ {
			}
		}, func(context.Context, int) error { time.Sleep(time.Minute); return nil })
		if err != errCause || asked != 1 || time.Since(start) != time.Minute {
			t.Errorf("%v after %d items and %v", err, asked, time.Since(start))
		}
	})
}

// Before the place of an item that failed is free, the failure is known.
func TestNoItemStartsAfterOneHasFailed(t *testing.T) {
	for range 2000 {
		asked := 0
		scope.Each(t.Context(), 1, func(yield func(int) bool) {
			for asked++; yield(0); asked++ {
			}
		}, failWith2)
		if asked != 1 {
			t.Fatalf("item %d was asked for after a failure", asked)
		}
	}
}

func failWith2(context.Context, int) error { return errBoom }

// Both items in the room wait for the one that waits to get in.
func TestARoomThatCanNeverEmptyIsADeadlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := run(func(_ context.Context, s *scope.Scope) error {
			ready := make(chan *scope.Future[int], 1)
			f := scope.Try(s, func(ctx context.Context) (int, error) {
				whole := <-ready
				return 0, scope.Each(ctx, 2, upTo(3), func(ctx context.Context, i int) error {
					runtime.Gosched()
					_, err := whole.Await(ctx)
					return err
				})
			}, scope.Name("each"))
			ready <- f
			_, err := f.Await(s.Context())
			return err
		})
		d := (*fault.Deadlock)(nil)
		if !errors.As(err, &d) || len(d.Members) != 3 {
			t.Fatalf("Run returned %v", err)
		}
		nothingRuns(t)
	})
}

func TestThePanicOfItemsComesOutWhenTheTasksHaveEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var in gauge
		end := endOf(func() {
			scope.Each(t.Context(), 5, func(yield func(int) bool) {
				yield(1)
				panic("items")
			}, func(ctx context.Context, i int) error {
				in.enter()
				defer in.leave()
				<-ctx.Done()
				time.Sleep(time.Second)
				return nil
			})
		})
		if end != "items" || in.now.Load() != 0 {
			t.Errorf("ended with %v while %d still ran", end, in.now.Load())
		}
	})
}
