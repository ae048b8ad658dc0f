package lock_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

// What go-deadlock 0.3.9 was given: it told nothing of 2 and 5, told what is no
// danger in 3 and 4, and once a TryLock had failed nothing in 6 and 7 either.
// Here each case has a twin that it must not be confused with.
func TestTheEightCasesOfGoDeadlock(t *testing.T) {
	const cycle, same = "order-cycle", "same-class"
	type play struct {
		lines []string
		found string // what is foreseen
		stuck int    // verdicts: what happened
	}
	tests := []struct {
		name       string
		beside     bool // the tasks run at once
		case_, not play
	}{
		{"1 two locks in contrary orders", false,
			play{[]string{"a b", "b a"}, cycle, 0},
			play{[]string{"a b", "a b"}, "", 0}},
		{"2 three locks in a ring", false,
			play{[]string{"a b", "b c", "c a"}, cycle, 0},
			play{[]string{"a b", "b c", "a c"}, "", 0}},
		{"3 contrary orders under a gate", false,
			play{[]string{"g a b", "g b a"}, "", 0},
			play{[]string{"g a b", "b a"}, cycle, 0}},
		{"4 the contrary order by TryLock", false,
			play{[]string{"a b", "b try:a"}, "", 0},
			play{[]string{"a b", "try:b a"}, cycle, 0}},
		{"5 two locks of one class", false,
			play{[]string{"a1 a2"}, same, 0},
			play{[]string{"a1 -a1 a2"}, "", 0}},
		{"6 contrary orders, and a TryLock that failed", false,
			play{[]string{"a fail:a b", "b fail:b a"}, cycle, 0},
			play{[]string{"a fail:a b", "a fail:a b"}, "", 0}},
		{"7 stuck, and a TryLock that failed", true,
			play{[]string{"a fail:a meet b", "b fail:b meet a"}, cycle, 1},
			play{[]string{"a fail:a -a meet b", "b fail:b -b meet a"}, "", 0}},
		{"8 stuck", true,
			play{[]string{"a meet b", "b meet a"}, cycle, 1},
			play{[]string{"a -a meet b", "b -b meet a"}, "", 0}},
		{"and recursion, which it knows too", true,
			play{[]string{"a a"}, "", 1},
			play{[]string{"a -a a"}, "", 0}},
	}
	for _, test := range tests {
		for _, p := range []play{test.case_, test.not} {
			t.Run(fmt.Sprint(test.name, p.lines), func(t *testing.T) {
				s := newStage(t)
				stuck := 0
				if test.beside {
					stuck = s.beside(p.lines...)
				} else {
					s.run(p.lines...)
				}
				if found := s.codes(); found != p.found || stuck != p.stuck {
					t.Errorf("foreseen %q, %d verdicts; want %q, %d", found, stuck, p.found, p.stuck)
				}
			})
		}
	}
}

// A pattern is a program that is right.
type pattern struct {
	name string
	run  func(s *stage, sc *scope.Scope)

	// apart is what keeps contrary orders of the classes apart, if nothing that
	// a lock could know does: it must be told to the checker.
	apart  string
	cycles [][]string
}

// The nine programs without a deadlock with which Deloxide was evaluated
// (Emivvvvv/deloxide-evaluation, deadlock tests, *_fp), written anew. None has a
// verdict, and in seven nothing is foreseen. Two take locks in contrary orders,
// and have a flag in memory that keeps them apart. That must not become wrong,
// so somebody has to say it: then they are silent too. (Deloxide's own order
// graph tells the same two.)
func TestDeloxidesNineSafePatternsAreSilent(t *testing.T) {
	for _, p := range patterns {
		t.Run(p.name, func(t *testing.T) {
			if verdicts, found := p.play(t, false); verdicts != 0 || (found != "") != (p.apart != "") {
				t.Errorf("%d verdicts; foreseen %q", verdicts, found)
			}
			if verdicts, found := p.play(t, true); verdicts != 0 || found != "" {
				t.Errorf("with its reason: %d verdicts; foreseen %q", verdicts, found)
			}
		})
	}
}

// play runs the pattern in virtual time.
func (p pattern) play(t *testing.T, suppress bool) (verdicts int, found string) {
	defer lock.ForgetSuppressions()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		for _, cycle := range p.cycles {
			var names []string
			for _, name := range cycle {
				names = append(names, s.class(name).String())
			}
			if suppress {
				lock.SuppressOrder(p.apart, names...)
			}
		}
		err := scope.Run(t.Context(), func(_ context.Context, sc *scope.Scope) error {
			p.run(s, sc)
			return nil
		})
		if fault.KindOf(err) == fault.Deadlocked {
			verdicts++
		} else if err != nil {
			t.Error(err)
		}
		found = s.codes()
	})
	return verdicts, found
}

// pause stands for work.
func pause(ctx context.Context) { scope.Sleep(ctx, time.Duration(1+rand.IntN(50))*time.Millisecond) }

// holding locks all, with work after each, unlocks them and returns.
func (s *stage) holding(ctx context.Context, names ...string) {
	if len(names) == 0 {
		return
	}
	defer must(s.locks[names[0]].Lock(ctx)).Unlock()
	pause(ctx)
	s.holding(ctx, names[1:]...)
}

// reading is holding, for reading.
func (s *stage) reading(ctx context.Context, names ...string) {
	if len(names) == 0 {
		pause(ctx)
		return
	}
	defer must(s.locks[names[0]].RLock(ctx)).Unlock()
	s.reading(ctx, names[1:]...)
}

// each starts n tasks.
func each(sc *scope.Scope, n int, f func(ctx context.Context, i int)) {
	for i := range n {
		sc.Go(func(ctx context.Context) error { f(ctx, i); return nil })
	}
}

func (s *stage) make(names string) {
	for name := range strings.FieldsSeq(names) {
		s.lock(name)
	}
}

var patterns = []pattern{
	{name: "four locks in a hierarchy", run: func(s *stage, sc *scope.Scope) {
		s.make("a b c d")
		ways := [][]string{{"a", "b", "c", "d"}, {"a", "c", "d"}, {"b", "d"}}
		each(sc, len(ways), func(ctx context.Context, i int) { s.holding(ctx, ways[i]...) })
		each(sc, 1, func(ctx context.Context, _ int) {
			for range 5 {
				s.holding(ctx, "b")
			}
		})
	}},
	{name: "both orders, never nested", run: func(s *stage, sc *scope.Scope) {
		s.make("a b")
		each(sc, 2, func(ctx context.Context, i int) {
			for range 5 {
				s.holding(ctx, []string{"a", "b"}[i])
				s.holding(ctx, []string{"b", "a"}[i])
			}
		})
	}},
	{name: "an interval without locks", run: func(s *stage, sc *scope.Scope) {
		s.make("a b")
		each(sc, 2, func(ctx context.Context, i int) {
			for range 10 {
				s.holding(ctx, []string{"a", "b"}[i])
				scope.Sleep(ctx, 50*time.Millisecond)
				s.holding(ctx, []string{"b", "a"}[i])
			}
		})
	}},
	{name: "producers and consumers of one queue", run: func(s *stage, sc *scope.Scope) {
		s.make("queue")
		queued := 0
		use := func(ctx context.Context, f func()) {
			defer must(s.locks["queue"].Lock(ctx)).Unlock()
			f()
		}
		each(sc, 4, func(ctx context.Context, _ int) {
			for range 100 {
				use(ctx, func() { queued++ })
				pause(ctx)
			}
		})
		each(sc, 4, func(ctx context.Context, _ int) {
			for got := 0; got < 100; pause(ctx) {
				use(ctx, func() {
					if queued > 0 {
						queued--
						got++
					}
				})
			}
		})
	}},
	{name: "the order depends on who has the coordinator", run: func(s *stage, sc *scope.Scope) {
		s.make("coordinator a b")
		forward := true
		turn := func(ctx context.Context, i int) (done bool) {
			defer must(s.locks["coordinator"].Lock(ctx)).Unlock()
			switch {
			case forward && i%2 == 0:
				s.holding(ctx, "a", "b")
			case !forward && i%2 == 1:
				s.holding(ctx, "b", "a")
			default:
				return false
			}
			forward = !forward
			return true
		}
		each(sc, 4, func(ctx context.Context, i int) {
			for range 20 {
				for !turn(ctx, i) {
					pause(ctx)
				}
			}
		})
	}},
	{name: "readers in every order, and a writer of one", run: func(s *stage, sc *scope.Scope) {
		s.make("a b c")
		ways := [][]string{{"a", "b", "c"}, {"c", "b", "a"}, {"b", "a", "c"}, {"a", "c"}}
		each(sc, 8, func(ctx context.Context, i int) {
			for range 50 {
				s.reading(ctx, ways[i%len(ways)]...)
				pause(ctx)
			}
		})
		each(sc, 1, func(ctx context.Context, _ int) {
			for range 10 {
				scope.Sleep(ctx, 100*time.Millisecond)
				s.holding(ctx, "a")
			}
		})
	}},
	{name: "groups of tasks with locks of their own", run: func(s *stage, sc *scope.Scope) {
		s.make("a b c x y z")
		each(sc, 6, func(ctx context.Context, i int) {
			for range 50 {
				if i < 3 {
					s.holding(ctx, "a", "b", "c")
				} else {
					s.holding(ctx, "x", "y", "z")
				}
			}
		})
	}},
	{name: "contrary orders, one after the other", apart: "the second waits for done",
		cycles: [][]string{{"a", "b"}},
		run: func(s *stage, sc *scope.Scope) {
			s.make("a b")
			var done atomic.Bool
			each(sc, 1, func(ctx context.Context, _ int) {
				s.holding(ctx, "a", "b")
				done.Store(true)
			})
			each(sc, 1, func(ctx context.Context, _ int) {
				for !done.Load() {
					scope.Sleep(ctx, time.Millisecond)
				}
				s.holding(ctx, "b", "a")
			})
		}},
	{name: "three contrary orders in phases", apart: "each waits for its phase",
		cycles: [][]string{{"a", "b"}, {"b", "c"}, {"c", "a"}, {"a", "b", "c"}, {"c", "b", "a"}},
		run: func(s *stage, sc *scope.Scope) {
			s.make("a b c")
			ways := [][]string{{"a", "b", "c"}, {"b", "c", "a"}, {"c", "a", "b"}}
			var phase atomic.Int64
			each(sc, len(ways), func(ctx context.Context, i int) {
				for phase.Load() != int64(i) {
					scope.Sleep(ctx, time.Millisecond)
				}
				s.holding(ctx, ways[i]...)
				phase.Add(1)
			})
		}},
}
