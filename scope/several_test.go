package scope_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/scope"
)

type source = func(context.Context) (int, error)

// minding returns a source that heeds its context, and counts itself in.
func minding(in *gauge, d time.Duration, v int, err error) source {
	return func(ctx context.Context) (int, error) {
		in.enter()
		defer in.leave()
		if err := scope.Sleep(ctx, d); err != nil {
			time.Sleep(time.Minute) // it takes its time to clean up
			return 0, err
		}
		return v, err
	}
}

func TestFirstReturnsTheFirstSuccessAndJoinsTheLosers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var in gauge
		start := time.Now()
		v, err := scope.First(t.Context(),
			minding(&in, time.Hour, 1, nil),
			minding(&in, time.Second, 0, errBoom),
			minding(&in, 2*time.Second, 3, nil),
			minding(&in, 3*time.Second, 4, nil))
		if v != 3 || err != nil || in.now.Load() != 0 {
			t.Errorf("%v, %v while %d still ran", v, err, in.now.Load())
		}
		if took := time.Since(start); took != 2*time.Second+time.Minute {
			t.Errorf("it took %v: the losers' cleanup is waited for, their work is not", took)
		}
		nothingRuns(t)
	})
}

func TestFirstJoinsTheErrorsInOrderIfNoneSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, err := scope.First(t.Context(), after(2*time.Second, 1, errBoom), after(time.Second, 2, errBang))
		if v != 0 || !errors.Is(err, errBoom) || !errors.Is(err, errBang) || err.Error() != "boom\nbang" {
			t.Errorf("%v, %v", v, err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errCause) })
		var in gauge
		if _, err := scope.First(ctx, minding(&in, time.Hour, 1, nil)); !errors.Is(err, errCause) {
			t.Errorf("under a context that ended: %v", err)
		}
	})
}

func TestQuorumReturnsTheFirstNInTheOrderTheyCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var in gauge
		vs, err := scope.Quorum(t.Context(), 2,
			minding(&in, 3*time.Second, 1, nil),
			minding(&in, time.Hour, 2, nil),
			minding(&in, time.Second, 3, nil),
			minding(&in, 2*time.Second, 0, errBoom))
		if !slices.Equal(vs, []int{3, 1}) || err != nil || in.now.Load() != 0 {
			t.Errorf("%v, %v while %d still ran", vs, err, in.now.Load())
		}
	})
}

func TestQuorumGivesUpAsSoonAsItCannotSucceed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var in gauge
		start := time.Now()
		vs, err := scope.Quorum(t.Context(), 3,
			minding(&in, 0, 1, nil),
			minding(&in, 2*time.Second, 0, errBang),
			minding(&in, time.Second, 0, errBoom),
			minding(&in, time.Hour, 4, nil))
		if vs != nil || err == nil || err.Error() != "bang\nboom" {
			t.Errorf("%v, %v", vs, err)
		}
		if took := time.Since(start); took != 2*time.Second+time.Minute {
			t.Errorf("it took %v", took)
		}
	})
}

func TestSettleWaitsForAllAndCancelsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := scope.Settle(t.Context(), after(time.Second, 0, errBoom), after(3*time.Second, 2, nil), nil, after(2*time.Second, 4, nil))
		if len(out) != 4 || out[0].Err != errBoom || out[1].Value != 2 || out[1].Err != nil || out[3].Value != 4 {
			t.Errorf("outcomes: %v", out)
		}
		if fault.KindOf(out[2].Err) != fault.Invalid || !strings.Contains(out[2].Err.Error(), "function 2 is nil") {
			t.Errorf("the nil function's outcome is %v", out[2].Err)
		}
		if out := scope.Settle[int](t.Context()); len(out) != 0 {
			t.Errorf("of nothing: %v", out)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errCause) })
		var in gauge
		out = scope.Settle(ctx, minding(&in, time.Hour, 1, nil), minding(&in, time.Second/2, 2, nil))
		if !errors.Is(out[0].Err, errCause) || out[1].Value != 2 {
			t.Errorf("under a context that ended: %v", out)
		}
	})
}

func TestWhatCannotSucceedIsInvalid(t *testing.T) {
	var called atomic.Int32
	ctx := context.Background()
	f := func(context.Context) (int, error) { called.Add(1); return 0, nil }
	first := func(fs ...source) error { _, err := scope.First(ctx, fs...); return err }
	quorum := func(n int, fs ...source) error { _, err := scope.Quorum(ctx, n, fs...); return err }
	for i, err := range []error{first(), first(nil), first(f, nil), quorum(0, f), quorum(-1, f), quorum(2, f), quorum(1), quorum(1, nil, f)} {
		e := (*fault.Error)(nil)
		if !errors.As(err, &e) || e.Kind != fault.Invalid || e.Started || !strings.HasPrefix(e.Op, "scope: ") {
			t.Errorf("%d: %#v", i, err)
		}
	}
	if called.Load() != 0 {
		t.Error("a function was called")
	}
	wantPanic(t, "scope: ", func() { scope.First(noContext, f) })
	wantPanic(t, "scope: ", func() { scope.Settle(noContext, f) })
	wantPanic(t, "scope: ", func() { scope.Quorum(noContext, 1, f) })
}

func TestThePanicOfOneOfSeveralComesOutWhenAllHaveEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var in gauge
		bad := func(context.Context) (int, error) { panic(io.EOF) }
		for name, call := range map[string]func(){
			"First":  func() { scope.First(t.Context(), bad, minding(&in, time.Hour, 1, nil)) },
			"Quorum": func() { scope.Quorum(t.Context(), 2, bad, minding(&in, time.Hour, 1, nil)) },
			"Settle": func() { scope.Settle(t.Context(), bad, minding(&in, time.Hour, 1, nil)) },
		} {
			p, ok := endOf(call).(*fault.Panic)
			if !ok || !errors.Is(p, io.EOF) || in.now.Load() != 0 {
				t.Errorf("%s ended with %v while %d still ran", name, p, in.now.Load())
				continue
			}
			for _, step := range p.Path {
				if !strings.HasSuffix(step.Site.File, "several_test.go") {
					t.Errorf("%s: step %s is not where its reader called it", name, step)
				}
			}
		}
		journal.take()
	})
}
