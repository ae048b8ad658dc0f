package lock_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

// semScene is a semaphore at rest, with all sorts of people who hold units and
// wait for some.
type semScene struct {
	s       *lock.Semaphore
	holders []semParty
	waiters []semParty // in the order in which they are served
}

type semParty struct {
	t    *graph.Task // nil: outside
	n    int64
	rank time.Time
	lvl  int
	hard bool // nothing but a grant ends its wait
}

// playSemScene makes a scene that a seed decides on, calls look, and clears up.
func playSemScene(t *testing.T, seed uint64, look func(*semScene, *rand.Rand)) {
	synctest.Test(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(seed, 3))
		size := 4 + r.Int64N(6)
		sc := &semScene{s: lock.NewSemaphore(size)}
		rest := make(chan struct{})
		stay := func(context.Context) error { <-rest; return nil }
		anonymous := r.Int64N(3)
		if anonymous > 0 {
			semTake(t, sc.s, anonymous)
		}
		err := scope.Run(t.Context(), func(outer context.Context, tasks *scope.Scope) error {
			for sc.s.Free() > 0 { // all is held in the end
				n := min(1+r.Int64N(3), sc.s.Free())
				if r.IntN(4) == 0 {
					go sc.s.With(t.Context(), n, stay)
				} else {
					tasks.Go(func(ctx context.Context) error {
						sc.holders = append(sc.holders, semParty{t: graph.Current(ctx), n: n})
						return sc.s.With(ctx, n, stay)
					})
				}
				synctest.Wait()
			}
			for range 1 + r.IntN(6) {
				sc.wait(t, tasks, r, size, stay)
				synctest.Wait()
				time.Sleep(time.Duration(r.IntN(200)) * time.Millisecond)
			}
			if r.IntN(3) == 0 { // below what is held
				size = 1 + r.Int64N(size)
				if err := sc.s.Resize(size); err != nil {
					return err
				}
				synctest.Wait()
				sc.waiters = slices.DeleteFunc(sc.waiters, func(p semParty) bool { return p.n > size })
			}
			slices.SortStableFunc(sc.waiters, func(a, b semParty) int {
				if c := a.rank.Compare(b.rank); c != 0 {
					return c
				}
				return b.lvl - a.lvl
			})
			look(sc, r)
			close(rest)
			if anonymous > 0 {
				sc.s.Release(anonymous)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		synctest.Wait()
		semIdle(t, sc.s)
	})
}

// wait adds somebody who waits.
func (sc *semScene) wait(t *testing.T, tasks *scope.Scope, r *rand.Rand, size int64, stay func(context.Context) error) {
	p := semParty{n: 1 + r.Int64N(size), lvl: r.IntN(3) - 1}
	p.rank = time.Now().Add(-time.Duration(p.lvl) * semAge)
	request := func(ctx context.Context) {
		if r.IntN(2) == 0 {
			sc.s.With(ctx, p.n, stay, lock.Priority(p.lvl))
		} else if sc.s.Acquire(ctx, p.n, lock.Priority(p.lvl)) == nil {
			sc.s.Release(p.n)
		}
	}
	switch r.IntN(5) {
	case 0:
		go request(t.Context())
		synctest.Wait()
	case 1:
		tasks.Go(func(ctx context.Context) error {
			p.t = graph.Current(ctx)
			limit, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			request(limit)
			return nil
		})
		synctest.Wait()
	default:
		p.hard = true
		tasks.Go(func(ctx context.Context) error {
			p.t = graph.Current(ctx)
			request(ctx)
			return nil
		})
		synctest.Wait()
	}
	sc.waiters = append(sc.waiters, p)
}

// tasks returns everybody who is a task.
func (sc *semScene) tasks() (all []*graph.Task) {
	for _, p := range slices.Concat(sc.holders, sc.waiters) {
		if p.t != nil {
			all = append(all, p.t)
		}
	}
	return all
}

func TestMoreStuckTasksNeverUnblockWhoWaitsForUnits(t *testing.T) {
	blocked := 0
	for seed := range uint64(200) {
		playSemScene(t, seed, func(sc *semScene, r *rand.Rand) {
			for range 30 {
				few, more := make(map[*graph.Task]bool), make(map[*graph.Task]bool)
				p := r.Float64()
				for _, x := range sc.tasks() {
					few[x] = r.Float64() < p
					more[x] = few[x] || r.Float64() < 0.3
				}
				for _, w := range sc.waiters {
					if w.t == nil {
						continue
					}
					if lock.Seen(sc.s).Blocked(w.t, func(*graph.Task) bool { return false }) {
						t.Errorf("seed %d: blocked by nobody", seed)
					}
					if !lock.Seen(sc.s).Blocked(w.t, func(x *graph.Task) bool { return few[x] }) {
						continue
					}
					blocked++
					if !lock.Seen(sc.s).Blocked(w.t, func(x *graph.Task) bool { return more[x] }) {
						t.Errorf("seed %d: blocked by some and free with more", seed)
					}
				}
			}
		})
	}
	if blocked < 1000 {
		t.Errorf("only %d times was anybody blocked", blocked)
	}
}

// What the graph finds by asking Blocked, again and again until nobody is found
// to be free, is what playing it out finds: with some holders stuck and all
// other units coming back, who of those who wait is never served?
func TestBlockedSaysWhoCouldNeverBeServed(t *testing.T) {
	yes, no := 0, 0
	for seed := range uint64(300) {
		playSemScene(t, seed, func(sc *semScene, r *rand.Rand) {
			for range 10 {
				stuck := make(map[*graph.Task]bool)
				left := sc.s.Size()
				for _, h := range sc.holders {
					if r.IntN(2) == 0 {
						stuck[h.t] = true
						left -= h.n
					}
				}
				never := make(map[*graph.Task]bool)
				behind := false
				for _, w := range sc.waiters {
					behind = behind || w.hard && w.n > left // the others give up or are served
					if w.hard {
						never[w.t] = behind
					}
				}
				for _, w := range sc.waiters {
					stuck[w.t] = stuck[w.t] || w.hard
				}
				for changed := true; changed; {
					changed = false
					for _, w := range sc.waiters {
						if stuck[w.t] && !lock.Seen(sc.s).Blocked(w.t, func(x *graph.Task) bool { return stuck[x] }) {
							stuck[w.t], changed = false, true
						}
					}
				}
				for w, want := range never {
					if stuck[w] != want {
						t.Errorf("seed %d: %d units are left: %v is found stuck: %v, want %v", seed, left, w, stuck[w], want)
					}
					if want {
						yes++
					} else {
						no++
					}
				}
			}
		})
	}
	if yes < 500 || no < 500 {
		t.Errorf("%d times stuck, %d times not: too few to tell", yes, no)
	}
}
