package pool_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/pool"
	"github.com/hemgo/hem/scope"
)

func TestCloseWaitsForAllThatWasAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, pool.Config{Size: 1})
		var ran atomic.Int64
		err := scope.Run(t.Context(), func(ctx context.Context, s *scope.Scope) error {
			for range 10 {
				p.Go(s, func(context.Context) error { time.Sleep(time.Second); ran.Add(1); return nil })
			}
			start := time.Now()
			err := p.Close(ctx)
			if took := time.Since(start); ran.Load() != 10 || took != 10*time.Second {
				t.Errorf("%d of 10 had run after %v", ran.Load(), took)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestAClosedPoolTakesNothing(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1})
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
	refused := func(what string, err error) {
		if fault.KindOf(err) != fault.Invalid || fault.Started(err) || !strings.Contains(err.Error(), "closed") {
			t.Errorf("%s: got %v, want Invalid, not started, closed", what, err)
		}
	}
	refused("Do", p.Do(t.Context(), nothing))
	refused("Go", scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		p.Go(s, nothing)
		return nil
	}))
	_, err := double.Do(t.Context(), p, 1)
	refused("Run", err)
	if n := p.Stats().Refused; n != 3 {
		t.Errorf("%d are counted as refused", n)
	}
}

func TestASecondCloseWaitsLikewise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, pool.Config{Size: 1})
		b := block(t, p)
		go func() { time.Sleep(time.Second); b.release() }()
		closed := make(chan error, 2)
		for range 2 {
			go func() { closed <- p.Close(context.Background()) }()
		}
		start := time.Now()
		for range 2 {
			if err := <-closed; err != nil || time.Since(start) != time.Second {
				t.Errorf("got %v after %v", err, time.Since(start))
			}
		}
		if err := p.Close(t.Context()); err != nil {
			t.Errorf("a third one: %v", err)
		}
	})
}

func TestWhenThereIsNoTimeLeftCloseTellsWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, pool.Config{Size: 1})
		b := block(t, p)
		var task, caller, closed error
		err := scope.Run(t.Context(), func(ctx context.Context, s *scope.Scope) error {
			s.Go(func(ctx context.Context) error {
				task = scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
					p.Go(s, nothing)
					return nil
				})
				return nil
			})
			s.Go(func(ctx context.Context) error { caller = p.Do(ctx, nothing); return nil })
			synctest.Wait()
			short, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			closed = p.Close(short)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if err := closed; fault.KindOf(err) != fault.Deadline || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "1 runs go on, 2 that waited were refused") {
			t.Errorf("Close: got %v", err)
		}
		for what, err := range map[string]error{"task": task, "caller": caller} {
			if fault.KindOf(err) != fault.Cancelled || fault.Started(err) || !strings.Contains(err.Error(), "closed") {
				t.Errorf("the %s got %v, want Cancelled and not started", what, err)
			}
		}
		b.release()
		if err := p.Close(t.Context()); err != nil {
			t.Errorf("a Close after the last run: %v", err)
		}
	})
}

func TestClosingAPoolFromItsOwnWorkIsADeadlock(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1})
	err := p.Do(t.Context(), func(ctx context.Context) error { return p.Close(ctx) })
	var knot *fault.Deadlock
	if !errors.As(err, &knot) {
		t.Errorf("got %v, want a deadlock", err)
	}
	if err := p.Close(t.Context()); err != nil {
		t.Errorf("it is closed now, but: %v", err)
	}
}

func TestWhatRunsMayCallDoOfItsClosedPool(t *testing.T) {
	p := newPool(t, pool.Config{Size: 1})
	err := p.Do(t.Context(), func(ctx context.Context) error {
		ended, cancel := context.WithCancel(ctx)
		cancel()
		p.Close(ended)
		return p.Do(ctx, nothing)
	})
	if err != nil {
		t.Error(err)
	}
}
