package scope_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/scope"
)

// aloft runs test with a flight of a scope that lasts as long as test.
func aloft(t *testing.T, test func(t *testing.T, s *scope.Scope, f *scope.Flight[string, int])) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		err := run(func(_ context.Context, s *scope.Scope) error {
			test(t, s, scope.NewFlight[string, int](s))
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		nothingRuns(t)
	})
}

func TestCallersOfOneKeyShareOneCall(t *testing.T) {
	aloft(t, func(t *testing.T, s *scope.Scope, f *scope.Flight[string, int]) {
		var calls atomic.Int32
		_, err := scope.Map(t.Context(), 10, numbers(10), func(ctx context.Context, i int) (int, error) {
			v, err := f.Do(ctx, "key", func(context.Context) (int, error) {
				time.Sleep(time.Second)
				return int(calls.Add(1)), errBoom
			})
			if v != 1 || err != errBoom {
				t.Errorf("caller %d got %v, %v", i, v, err)
			}
			return 0, nil
		})
		if err != nil || calls.Load() != 1 {
			t.Errorf("%v after %d calls", err, calls.Load())
		}
		// Results are shared, not kept.
		if v, _ := f.Do(t.Context(), "key", func(context.Context) (int, error) { return int(calls.Add(1)), nil }); v != 2 {
			t.Errorf("the next call returned %d", v)
		}
	})
}

func TestKeysDoNotWaitForEachOther(t *testing.T) {
	aloft(t, func(t *testing.T, s *scope.Scope, f *scope.Flight[string, int]) {
		start := time.Now()
		scope.Map(t.Context(), 3, []string{"a", "b", "c"}, func(ctx context.Context, key string) (int, error) {
			return f.Do(ctx, key, after(time.Second, 1, nil))
		})
		if took := time.Since(start); took != time.Second {
			t.Errorf("three keys took %v", took)
		}
	})
}

func TestACallerWhoLeavesTakesNothingFromTheOthers(t *testing.T) {
	aloft(t, func(t *testing.T, s *scope.Scope, f *scope.Flight[string, int]) {
		fn := func(ctx context.Context) (int, error) {
			if err := scope.Sleep(ctx, time.Minute); err != nil {
				t.Errorf("the call was cancelled: %v", err)
			}
			return 7, nil
		}
		s.Go(func(ctx context.Context) error { // the first caller: it starts the call
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			if _, err := f.Do(ctx, "key", fn); fault.KindOf(err) != fault.Deadline {
				t.Errorf("who left got %v", err)
			}
			return nil
		})
		time.Sleep(time.Millisecond)
		if v, err := f.Do(t.Context(), "key", fn); v != 7 || err != nil {
			t.Errorf("who stayed got %v, %v", v, err)
		}
	})
}

func TestACallThatEverybodyHasLeftIsCancelled(t *testing.T) {
	aloft(t, func(t *testing.T, s *scope.Scope, f *scope.Flight[string, int]) {
		ended := make(chan error, 1)
		for range 3 {
			s.Go(func(ctx context.Context) error {
				ctx, cancel := context.WithTimeout(ctx, time.Second)
				defer cancel()
				f.Do(ctx, "key", func(ctx context.Context) (int, error) {
					<-ctx.Done()
					ended <- context.Cause(ctx)
					time.Sleep(time.Second)
					return 0, ctx.Err()
				})
				return nil
			})
		}
		start := time.Now()
		if err := <-ended; err == nil || time.Since(start) != time.Second {
			t.Errorf("ended with %v after %v", err, time.Since(start))
		}
		// While it cleans up, the key is free.
		if v, err := f.Do(t.Context(), "key", after(0, 7, nil)); v != 7 || err != nil {
			t.Errorf("the next call: %v, %v", v, err)
		}
	})
}

func TestACallSeesTheValuesOfItsFirstCaller(t *testing.T) {
	type key struct{}
	aloft(t, func(t *testing.T, s *scope.Scope, f *scope.Flight[string, int]) {
		ctx := context.WithValue(t.Context(), key{}, 7)
		v, err := f.Do(ctx, "key", func(ctx context.Context) (int, error) { return ctx.Value(key{}).(int), nil })
		if v != 7 || err != nil {
			t.Errorf("%v, %v", v, err)
		}
	})
}

func TestACallEndsWithItsScope(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f *scope.Flight[string, int]
		run(func(ctx context.Context, s *scope.Scope) error {
			f = scope.NewFlight[string, int](s)
			go func() {
				_, err := f.Do(t.Context(), "key", func(ctx context.Context) (int, error) { return 0, stay(ctx) })
				if !errors.Is(err, context.Canceled) {
					t.Errorf("the caller outside got %v", err)
				}
			}()
			time.Sleep(time.Second)
			s.Cancel(errCause)
			return nil
		})
		_, err := f.Do(t.Context(), "key", func(context.Context) (int, error) { t.Error("called"); return 0, nil })
		if e := (*fault.Error)(nil); !errors.As(err, &e) || e.Kind != fault.Invalid || e.Started {
			t.Errorf("on a finished scope: %#v", err)
		}
	})
}

func TestAPanicInACallIsTheScopesAndEveryCallersError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told atomic.Int32
		err := run(func(_ context.Context, s *scope.Scope) error {
			f := scope.NewFlight[string, int](s)
			for range 3 {
				s.Go(func(ctx context.Context) error {
					_, err := f.Do(ctx, "key", func(context.Context) (int, error) { time.Sleep(time.Second); panic("no") })
					if fault.KindOf(err) == fault.Panicked {
						told.Add(1)
					}
					return nil
				})
			}
			return nil
		}, scope.Contain())
		if err != nil || told.Load() != 3 {
			t.Errorf("contained: %v, %d callers were told", err, told.Load())
		}
		p := panicOfRun(t, func(ctx context.Context, s *scope.Scope) error {
			scope.NewFlight[string, int](s).Do(ctx, "key", func(context.Context) (int, error) { panic("no") })
			return nil
		})
		if p.Value != "no" {
			t.Errorf("panicked with %v", p.Value)
		}
		journal.take()
	})
}

// singleflight hangs here for ever.
func TestACallThatAsksForItsOwnKeyIsADeadlock(t *testing.T) {
	aloft(t, func(t *testing.T, s *scope.Scope, f *scope.Flight[string, int]) {
		var call source
		call = func(ctx context.Context) (int, error) { return f.Do(ctx, "key", call) }
		_, err := f.Do(t.Context(), "key", call)
		d := (*fault.Deadlock)(nil)
		if !errors.As(err, &d) || len(d.Members) != 1 {
			t.Errorf("got %v", err)
		}
		// So are two keys that ask for each other.
		var a, b source
		a = func(ctx context.Context) (int, error) { time.Sleep(time.Second); return f.Do(ctx, "b", b) }
		b = func(ctx context.Context) (int, error) { time.Sleep(time.Second); return f.Do(ctx, "a", a) }
		_, err = f.Do(t.Context(), "a", a)
		if !errors.As(err, &d) || len(d.Members) != 2 {
			t.Errorf("got %v", err)
		}
	})
}

func TestAFlightOfNil(t *testing.T) {
	wantPanic(t, "scope: NewFlight with a nil scope", func() { scope.NewFlight[string, int](nil) })
	aloft(t, func(t *testing.T, s *scope.Scope, f *scope.Flight[string, int]) {
		wantPanic(t, "scope: Flight.Do with a nil context", func() { f.Do(noContext, "key", after(0, 1, nil)) })
		if _, err := f.Do(t.Context(), "key", nil); fault.KindOf(err) != fault.Invalid {
			t.Errorf("a nil function: %v", err)
		}
	})
}

func TestAFlightUnderManyHands(t *testing.T) {
	err := run(func(_ context.Context, s *scope.Scope) error {
		f := scope.NewFlight[int, int](s)
		for i := range 8 {
			s.Go(func(ctx context.Context) error {
				for j := range 500 {
					ctx, cancel := context.WithCancel(ctx)
					if (i+j)%3 == 0 {
						cancel()
					}
					v, err := f.Do(ctx, j%4, func(ctx context.Context) (int, error) { return j % 4, ctx.Err() })
					if err == nil && v != j%4 || err != nil && !errors.Is(err, context.Canceled) {
						t.Errorf("key %d: %v, %v", j%4, v, err)
					}
					cancel()
				}
				return nil
			})
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	nothingRuns(t)
}
