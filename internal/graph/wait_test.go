package graph_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/scope"
)

// Exactly one of grant, verdict, context and withdrawal decides a wait, however
// they meet. Here they really race.
func TestExactlyOneOfGrantVerdictContextAndWithdrawalDecidesAWait(t *testing.T) {
	rounds := 6000
	if testing.Short() {
		rounds = 600
	}
	how := make(map[string]int)
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 18))
		got, err := race(r)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		how[got]++
	}
	t.Log(how)
	for _, want := range []string{"grant", "verdict", "context", "withdrawal"} {
		if how[want] == 0 {
			t.Errorf("no wait was decided by %s", want)
		}
	}
}

// race lets one wait be decided, and says by what.
func race(r *rand.Rand) (how string, err error) {
	x := &thing{wait: new(graph.Wait), stuck: r.IntN(3) == 0}
	outside, withdraws, claimers, cancels := r.IntN(4) == 0, r.IntN(4) == 0, r.IntN(3), r.IntN(2) == 0
	if claimers == 0 && !cancels {
		cancels = true
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	dither := func(n int) {
		for range n {
			runtime.Gosched()
		}
	}
	var grants atomic.Int64
	var others sync.WaitGroup
	begun := make(chan struct{})
	for range claimers {
		n := r.IntN(6)
		others.Go(func() {
			<-begun
			dither(n)
			if x.wait.Claim() {
				grants.Add(1)
				dither(n)
				x.wait.Wake()
			}
		})
	}
	if n := r.IntN(8); cancels {
		others.Go(func() { <-begun; dither(n); cancel() })
	}
	n := r.IntN(4)
	wait := func(ctx context.Context) error {
		x.wait.Begin(ctx, x)
		x.wait.Publish()
		close(begun)
		dither(n)
		if withdraws && x.wait.Withdraw() {
			how = "withdrawal"
			return nil
		}
		return x.wait.Park()
	}
	if outside {
		err = wait(ctx)
	} else {
		err = scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
			var told error
			scope.Try(s, func(ctx context.Context) (int, error) { told = wait(ctx); return 0, nil }).Await(context.Background())
			return told
		})
	}
	others.Wait()
	var d *fault.Deadlock
	switch {
	case how != "" && err == nil:
	case err == nil:
		how = "grant"
	case errors.As(err, &d):
		how = "verdict"
	case errors.Is(err, context.Canceled):
		how = "context"
	default:
		return "", err
	}
	if want := map[bool]int64{true: 1}[how == "grant"]; grants.Load() != want {
		return "", fmt.Errorf("%d claims succeeded, but the waiter had %s (%v)", grants.Load(), how, err)
	}
	if state := x.wait.State(); (state == graph.WaitWoken) != (how == "grant") || state == graph.WaitOpen {
		return "", fmt.Errorf("after %s the state is %d", how, state)
	}
	return how, nil
}

// model is what a wait should be, step by step.
type model struct {
	state     uint32
	parked    bool // Park has been called
	cancelled bool
	returned  bool
	err       error
}

// settle lets a parked waiter see what has happened.
func (m *model) settle() {
	if !m.parked || m.returned {
		return
	}
	switch {
	case m.state == graph.WaitWoken:
		m.returned = true
	case m.state == graph.WaitOpen && m.cancelled:
		m.state, m.returned, m.err = graph.WaitLeft, true, context.Canceled
	}
}

// FuzzWaitGoesThroughItsStates drives a wait through the steps that a script
// names, each taken when everything rests, beside the model.
func FuzzWaitGoesThroughItsStates(f *testing.F) {
	for _, script := range []string{"pcw", "cpw", "px", "cxpw", "xcpw", "t", "ct", "ctpw", "xp", "pxc", "gp", "pg", "cgwp"} {
		f.Add([]byte(script))
	}
	r := rand.New(rand.NewPCG(19, 19))
	for range 200 {
		script := make([]byte, 1+r.IntN(7))
		for i := range script {
			script[i] = "pcwxtg"[r.IntN(6)]
		}
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		script = script[:min(len(script), 50)]
		synctest.Test(t, func(t *testing.T) { drive(t, script) })
	})
}

func drive(t *testing.T, script []byte) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	x := &thing{wait: new(graph.Wait)}
	w := x.wait
	w.Begin(ctx, x)
	w.Publish()
	var m model
	var got error
	returned := make(chan struct{})
	park := func() {
		if m.parked {
			return
		}
		m.parked = true
		go func() { got = w.Park(); close(returned) }()
	}
	step := func(b byte) {
		switch b {
		case 'p':
			park()
		case 'c':
			if won := w.Claim(); won != (m.state == graph.WaitOpen) {
				t.Fatalf("claim in state %d: %v", m.state, won)
			} else if won {
				m.state = graph.WaitClaimed
			}
		case 'w':
			if m.state == graph.WaitClaimed {
				w.Wake()
				m.state = graph.WaitWoken
			}
		case 'g':
			if won := w.Grant(); won != (m.state == graph.WaitOpen) {
				t.Fatalf("grant in state %d: %v", m.state, won)
			} else if won {
				m.state = graph.WaitWoken
			}
		case 'x':
			cancel()
			m.cancelled = true
		case 't':
			if m.parked {
				return
			}
			won := w.Withdraw()
			if won != (m.state == graph.WaitOpen) {
				t.Fatalf("withdrawal in state %d: %v", m.state, won)
			}
			if won {
				m.state, m.parked, m.returned = graph.WaitLeft, true, true
				close(returned)
			}
		}
	}
	check := func(b byte) {
		synctest.Wait()
		m.settle()
		if w.State() != m.state {
			t.Fatalf("after %c the state is %d, want %d", b, w.State(), m.state)
		}
		select {
		case <-returned:
			if !m.returned || !errors.Is(got, m.err) {
				t.Fatalf("after %c Park returned %v; the model returned %v, %v", b, got, m.returned, m.err)
			}
		default:
			if m.returned {
				t.Fatalf("after %c Park has not returned", b)
			}
		}
	}
	for _, b := range append(script, "pcw"...) { // in the end it is over
		step(b)
		check(b)
	}
	if !m.returned {
		t.Fatal("the wait is not over")
	}
}
