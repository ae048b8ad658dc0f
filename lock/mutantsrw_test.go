package lock_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/inspect"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

// More tests that were written for changes of the code which no other test
// noticed: of who is known to hold, and of what becomes of it.

// unwatched opens the fast paths for the test, which whoever was watched before in
// this process has closed for good.
func unwatched(t *testing.T) {
	n := graph.Watched.Swap(0)
	t.Cleanup(func() { graph.Watched.Add(n) })
}

// inBubble runs body as a task of a scope, in virtual time. What is stuck is
// freed after an hour.
func inBubble(t *testing.T, body func(ctx context.Context, s *scope.Scope) error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		err := scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
			s.Go(func(ctx context.Context) error { return body(ctx, s) })
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// aside starts a task, and returns when everybody waits.
func aside(s *scope.Scope, f func(ctx context.Context) error) {
	s.Go(f)
	synctest.Wait()
}

// crowded has so many outside read l that the next reader finds no slot, until
// release is called.
func crowded(l *lock.RWMutex) (release func()) {
	var all []lock.Held
	for range 200 {
		h, err := l.RLock(outside)
		if err != nil {
			panic(err)
		}
		all = append(all, h)
	}
	return func() {
		for _, h := range all {
			h.Unlock()
		}
	}
}

// readings are the ways to become a reader of l. A test that holds with one has
// to call release after it has unlocked.
var readings = map[string]func(ctx context.Context, s *scope.Scope, l *lock.RWMutex) (h lock.Held, release func(), err error){
	"at once": func(ctx context.Context, _ *scope.Scope, l *lock.RWMutex) (lock.Held, func(), error) {
		_ = read(ctx, l, nothing) // makes the slots
		h, err := l.RLock(ctx)
		return h, func() {}, err
	},
	"at once, in the crowd": func(ctx context.Context, _ *scope.Scope, l *lock.RWMutex) (lock.Held, func(), error) {
		release := crowded(l)
		h, err := l.RLock(ctx)
		return h, release, err
	},
	"after a writer": func(ctx context.Context, _ *scope.Scope, l *lock.RWMutex) (lock.Held, func(), error) {
		w, _ := l.Lock(outside)
		time.AfterFunc(time.Second, w.Unlock)
		h, err := l.RLock(ctx)
		return h, func() {}, err
	},
	"after a writer, in the crowd": func(ctx context.Context, _ *scope.Scope, l *lock.RWMutex) (lock.Held, func(), error) {
		w, _ := l.Lock(outside)
		time.AfterFunc(time.Second, w.Unlock)
		done := make(chan struct{})
		for range 200 {
			go func() {
				h, _ := l.RLock(outside)
				<-done
				h.Unlock()
			}()
		}
		synctest.Wait()
		h, err := l.RLock(ctx)
		return h, func() { close(done) }, err
	},
	"from another": func(ctx context.Context, s *scope.Scope, l *lock.RWMutex) (lock.Held, func(), error) {
		h, err := taken(ctx, s, l)
		return h, func() {}, err
	},
	"from another, in the crowd": func(ctx context.Context, s *scope.Scope, l *lock.RWMutex) (lock.Held, func(), error) {
		release := crowded(l)
		h, err := taken(ctx, s, l)
		return h, release, err
	},
}

// taken is a reading that another task has begun and given away.
func taken(ctx context.Context, s *scope.Scope, l *lock.RWMutex) (lock.Held, error) {
	given := make(chan lock.Transfer, 1)
	s.Go(func(ctx context.Context) error {
		h, err := l.RLock(ctx)
		given <- h.Handoff()
		return err
	})
	return (<-given).Take(ctx)
}

func TestAReaderIsKnownHoweverItBecameOne(t *testing.T) {
	unwatched(t)
	for name, begin := range readings {
		inBubble(t, func(ctx context.Context, s *scope.Scope) error {
			m, l := lock.NewMutex(lock.Name("m")), lock.NewRWMutex(lock.Name("l"))
			h, release, err := begin(ctx, s, l)
			if err != nil {
				return err
			}
			defer release()
			defer h.Unlock()
			aside(s, func(ctx context.Context) error {
				return hold(ctx, m, func() error { return write(ctx, l, nothing) })
			})
			d := deadlock(hold(ctx, m, nothing))
			if d == nil || len(d.Members) != 2 {
				t.Errorf("%s: verdict %v", name, d)
				return nil
			}
			for _, x := range d.Members {
				if want := map[string]string{"mutex m": "rwmutex l", "rwmutex l": "mutex m"}[x.WaitsFor]; !slices.Equal(x.Holds, []string{want}) {
					t.Errorf("%s: who waits for %s holds %q", name, x.WaitsFor, x.Holds)
				}
			}
			return nil
		})
	}
}

// Who has given up all that it held ends without a finding, and its locks need
// no Reset.
func TestNothingIsLeftOfAHoldThatWasGivenUp(t *testing.T) {
	unwatched(t)
	for _, checked := range []bool{false, true} {
		if checked {
			unlogged(t)
			defer lock.CheckOrder()()
		}
		for name, begin := range readings {
			var l lock.RWMutex
			found := findings(func() {
				inBubble(t, func(_ context.Context, s *scope.Scope) error {
					s.Go(func(ctx context.Context) error {
						h, release, err := begin(ctx, s, &l)
						h.Unlock()
						release()
						return err
					})
					return nil
				})
			})
			wantWell(t, name, found, l.Reset, l.TryLock)
		}
		for name, use := range usages {
			var m lock.Mutex
			var l lock.RWMutex
			found := findings(func() {
				inBubble(t, func(_ context.Context, s *scope.Scope) error {
					s.Go(func(ctx context.Context) error { return use(ctx, s, &m, &l) })
					return nil
				})
			})
			wantWell(t, name, found, m.Reset, m.TryLock)
			wantWell(t, name, found, l.Reset, l.TryLock)
		}
	}
}

func wantWell(t *testing.T, name string, found []inspect.Finding, reset func() bool, try func(context.Context) (lock.Held, bool)) {
	t.Helper()
	for _, f := range found {
		if f.Code == "lock.abandoned" {
			t.Errorf("%s: %s", name, f.Detail)
		}
	}
	if reset() {
		t.Errorf("%s: Reset was needed", name)
	}
	if _, ok := try(outside); !ok {
		t.Errorf("%s: it is not free", name)
	}
}

// usages are ways for a task to hold locks for a while, or to try.
var usages = map[string]func(ctx context.Context, s *scope.Scope, m *lock.Mutex, l *lock.RWMutex) error{
	"held": func(ctx context.Context, _ *scope.Scope, m *lock.Mutex, l *lock.RWMutex) error {
		return hold(ctx, m, func() error { return write(ctx, l, nothing) })
	},
	"handed on": func(ctx context.Context, s *scope.Scope, m *lock.Mutex, l *lock.RWMutex) error {
		h1, err1 := m.Lock(ctx)
		h2, err2 := l.Lock(ctx)
		x1, x2 := h1.Handoff(), h2.Handoff()
		s.Go(func(ctx context.Context) error {
			h1, err1 := x1.Take(ctx)
			h2, err2 := x2.Take(ctx)
			h1.Unlock()
			h2.Unlock()
			return errors.Join(err1, err2)
		})
		return errors.Join(err1, err2)
	},
	"tried in vain": func(ctx context.Context, _ *scope.Scope, m *lock.Mutex, l *lock.RWMutex) error {
		h1, _ := m.Lock(outside)
		h2, _ := l.RLock(outside)
		defer h1.Unlock()
		defer h2.Unlock()
		_, ok1 := m.TryLock(ctx)
		_, ok2 := l.TryLock(ctx)
		if ok1 || ok2 {
			return errors.New("both were had")
		}
		return nil
	},
	"given up after a reader": func(ctx context.Context, _ *scope.Scope, _ *lock.Mutex, l *lock.RWMutex) error {
		h, _ := l.RLock(outside)
		defer h.Unlock()
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if err := write(ctx, l, nothing); fault.KindOf(err) != fault.Deadline {
			return errors.Join(errors.New("it was had"), err)
		}
		return nil
	},
}

func TestAHandOverOfAMutexMovesTheHoldForTheCheckerToo(t *testing.T) {
	s := newStage(t)
	m := lock.NewMutex(lock.In(s.class("a")))
	before := lock.KnownHolders()
	want := func(n int) {
		t.Helper()
		if got := lock.KnownHolders() - before; got != n {
			t.Errorf("%d hold something, want %d", got, n)
		}
	}
	s.task("giver", func(ctx context.Context) error {
		h, err := m.Lock(ctx)
		want(1)
		x := h.Handoff()
		want(0)
		h, err2 := x.Take(ctx)
		want(1)
		h.Unlock()
		want(0)
		return errors.Join(err, err2)
	})
}

func TestAResetIsToldToTheChecker(t *testing.T) {
	newStage(t)
	w, r, crowd := lock.NewRWMutex(), lock.NewRWMutex(), lock.NewRWMutex()
	release := crowded(crowd)
	defer release()
	all := lock.KnownHolders()
	leave(w.Lock, func() {})
	leave(r.RLock, func() {})
	leave(crowd.RLock, func() {})
	if n := lock.KnownHolders() - all; n != 3 {
		t.Errorf("%d have left something behind, want 3", n)
	}
	if !w.Reset() || !r.Reset() || !crowd.Reset() {
		t.Error("Reset was not needed")
	}
	if n := lock.KnownHolders(); n != all {
		t.Errorf("%d hold something, want %d", n, all)
	}
}

func TestTheFindingSaysHowManyLocksWereAbandoned(t *testing.T) {
	var m lock.Mutex
	var l lock.RWMutex
	found := findings(func() {
		leave(m.Lock, func() {})
		leave(func(ctx context.Context) (lock.Held, error) {
			if h, err := l.RLock(ctx); err != nil {
				return h, err
			}
			return new(lock.Mutex).Lock(ctx)
		}, func() {})
	})
	var told []string
	for _, f := range found {
		if f.Code == "lock.abandoned" {
			told = append(told, f.Detail)
		}
	}
	if len(told) != 2 || !strings.Contains(told[0], " 1 lock") || !strings.Contains(told[1], " 2 locks") {
		t.Errorf("told %q", told)
	}
}

// A writer who has waited for readers once waits for the writer before it the
// next time, and a knot with that one is seen.
func TestAWriterWhoHasWaitedForReadersBeforeIsToldOfALaterKnot(t *testing.T) {
	unwatched(t)
	lost := func(l *lock.RWMutex, err error) error {
		if fault.KindOf(err) != fault.Lost || !l.Reset() {
			return errors.Join(errors.New("no reader was lost"), err)
		}
		return nil
	}
	for how, before := range map[string]func(ctx context.Context, l *lock.RWMutex) error{
		"and got it": func(ctx context.Context, l *lock.RWMutex) error {
			h, _ := l.RLock(outside)
			time.AfterFunc(time.Second, h.Unlock)
			return write(ctx, l, nothing)
		},
		"and gave up": func(ctx context.Context, l *lock.RWMutex) error {
			return usages["given up after a reader"](ctx, nil, nil, l)
		},
		"and was told of one that was lost": func(ctx context.Context, l *lock.RWMutex) error {
			leave(l.RLock, func() {})
			return lost(l, write(ctx, l, nothing))
		},
		"and was told when one was lost": func(ctx context.Context, l *lock.RWMutex) error {
			go leave(l.RLock, func() { time.Sleep(time.Minute) })
			synctest.Wait()
			return lost(l, write(ctx, l, nothing))
		},
	} {
		inBubble(t, func(ctx context.Context, s *scope.Scope) error {
			var m lock.Mutex
			var l lock.RWMutex
			if err := before(ctx, &l); err != nil {
				t.Errorf("%s: %v", how, err)
			}
			return hold(ctx, &m, func() error {
				aside(s, func(ctx context.Context) error {
					return write(ctx, &l, func() error { return hold(ctx, &m, nothing) })
				})
				if d := deadlock(write(ctx, &l, nothing)); d == nil || len(d.Members) != 2 {
					t.Errorf("%s: verdict %v", how, d)
				}
				return nil
			})
		})
	}
}

func TestAReaderCannotBecomeAWriterBehindAnotherWriterEither(t *testing.T) {
	inBubble(t, func(ctx context.Context, s *scope.Scope) error {
		var l lock.RWMutex
		return read(ctx, &l, func() error {
			aside(s, func(ctx context.Context) error { return write(ctx, &l, nothing) })
			if err := write(ctx, &l, nothing); !errors.Is(err, lock.ErrUpgrade) {
				t.Errorf("upgraded: %v", err)
			}
			return nil
		})
	})
}

// Blocked has to ask about everybody: the graph learns from that who matters.
func TestWhoWaitsForReadersIsAskedAboutAllOfThem(t *testing.T) {
	inBubble(t, func(ctx context.Context, s *scope.Scope) error {
		var l lock.RWMutex
		rest := make(chan struct{})
		defer close(rest)
		for range 3 {
			aside(s, func(ctx context.Context) error { return read(ctx, &l, func() error { <-rest; return nil }) })
		}
		aside(s, func(ctx context.Context) error { return write(ctx, &l, nothing) })
		_, waits := everybody()
		for _, w := range waits {
			if w.Resource().Label().Kind != "rwmutex" {
				continue
			}
			asked := make(map[*graph.Task]bool)
			if !w.Resource().Blocked(w.Task(), func(x *graph.Task) bool { asked[x] = true; return true }) || len(asked) != 3 {
				t.Errorf("it was asked about %d of 3", len(asked))
			}
			return nil
		}
		return errors.New("nobody waits for the lock")
	})
}

// The one behind a writer waits for that one alone, who may give up: no false
// alarm.
func TestWhoIsBehindAWriterThatMayGiveUpIsNotStuckThoughTheReadersAre(t *testing.T) {
	for name, behind := range map[string]func(context.Context, *lock.RWMutex, func() error) error{"writer": write, "reader": read} {
		inBubble(t, func(ctx context.Context, s *scope.Scope) error {
			var m lock.Mutex
			var l lock.RWMutex
			reads := make(chan struct{})
			s.Go(func(ctx context.Context) error {
				return read(ctx, &l, func() error { <-reads; return hold(ctx, &m, nothing) })
			})
			synctest.Wait()
			aside(s, func(ctx context.Context) error {
				ctx, cancel := context.WithTimeout(ctx, time.Minute)
				defer cancel()
				if err := write(ctx, &l, nothing); fault.KindOf(err) != fault.Deadline {
					t.Errorf("the writer: %v", err)
				}
				return nil
			})
			err := hold(ctx, &m, func() error {
				close(reads)
				synctest.Wait()
				return behind(ctx, &l, nothing)
			})
			if name == "reader" && err != nil || name == "writer" && deadlock(err) == nil {
				t.Errorf("%s behind the writer: %v", name, err)
			}
			return nil
		})
	}
}

// A reader that waits behind a writer is served when the writer has been told of
// a lost reader.
func TestALostReaderIsToldToTheWriterAndNotToReadersBehindIt(t *testing.T) {
	inBubble(t, func(ctx context.Context, s *scope.Scope) error {
		l := lock.NewRWMutex(lock.Name("l"))
		go leave(l.RLock, func() { time.Sleep(time.Minute) })
		synctest.Wait()
		aside(s, func(ctx context.Context) error {
			wantLost(t, "the writer", write(ctx, l, nothing))
			return nil
		})
		return read(ctx, l, nothing)
	})
}

// A task that ends with one lock has no other.
func TestWhoWaitsForAnotherLockThanTheLostOneIsNotTold(t *testing.T) {
	inBubble(t, func(ctx context.Context, s *scope.Scope) error {
		var lost, m lock.Mutex
		var l lock.RWMutex
		err := hold(ctx, &m, func() error {
			return write(ctx, &l, func() error {
				aside(s, func(ctx context.Context) error { return hold(ctx, &m, nothing) })
				aside(s, func(ctx context.Context) error { return write(ctx, &l, nothing) })
				aside(s, func(ctx context.Context) error { return read(ctx, &l, nothing) })
				leave(lost.Lock, func() {})
				synctest.Wait()
				return nil
			})
		})
		return err
	})
}

func TestATaskOfANestedScopeIsToldThatTheHolderHasEnded(t *testing.T) {
	inBubble(t, func(ctx context.Context, _ *scope.Scope) error {
		m := lock.NewMutex()
		go leave(m.Lock, func() { time.Sleep(time.Minute) })
		synctest.Wait()
		return scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
			s.Go(func(ctx context.Context) error {
				wantLost(t, "nested", hold(ctx, m, nothing))
				return nil
			})
			return nil
		})
	})
}

// A lock for which no task waits is not forgotten.
func TestACallerOutsideWhoWaitsAloneIsToldThatTheHolderHasEnded(t *testing.T) {
	m, l, k, r := lock.NewMutex(), lock.NewRWMutex(), lock.NewRWMutex(), lock.NewRWMutex()
	for name, x := range map[string]struct {
		take, wait func(context.Context) (lock.Held, error)
	}{
		"Mutex": {m.Lock, m.Lock}, "RWMutex": {l.Lock, l.Lock}, "RWMutex, reading": {k.Lock, k.RLock}, "RWMutex that is read": {r.RLock, r.Lock},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(outside, time.Hour)
			defer cancel()
			go leave(x.take, func() { time.Sleep(time.Minute) })
			synctest.Wait()
			_, err := x.wait(ctx)
			wantLost(t, name, err)
		})
	}
}

// Who repairs a lock as soon as it hears of it is faster than the news to those
// who wait: then there is nothing to tell, and they get it.
func TestAResetThatComesBeforeTheNewsLetsTheWriterIn(t *testing.T) {
	for _, full := range []bool{false, true} {
		inBubble(t, func(ctx context.Context, _ *scope.Scope) error {
			l := lock.NewRWMutex()
			if full {
				release := crowded(l)
				defer time.AfterFunc(time.Second, release).Stop()
			}
			defer inspect.OnFinding(func(f inspect.Finding) {
				if f.Code == "lock.abandoned" && !l.Reset() {
					t.Error("Reset was not needed")
				}
			})()
			go leave(l.RLock, func() { time.Sleep(time.Minute) })
			time.Sleep(time.Millisecond)
			return write(ctx, l, nothing)
		})
	}
}

func TestALostReaderInTheCrowdIsToldAndReset(t *testing.T) {
	l := lock.NewRWMutex()
	release := crowded(l)
	leave(l.RLock, func() {})
	soon, cancel := context.WithTimeout(outside, patience)
	defer cancel()
	wantLost(t, "writing", write(soon, l, nothing))
	if !l.Reset() || l.Reset() {
		t.Error("Reset is needed once")
	}
	release()
	if h, ok := l.TryLock(outside); !ok {
		t.Error("the lost reader is still in")
	} else {
		h.Unlock()
	}
}

// lending counts how often a slot is lent and not taken back.
type lending struct{ n int }

func (l *lending) Lend(*graph.Task)   { l.n++ }
func (l *lending) Resume(*graph.Task) { l.n-- }
func (l *lending) Label() graph.Label { return graph.Label{Kind: "slot"} }

// Who is told at once that a lock is lost waits no more: it has its slot back,
// and nobody takes it for one that is stuck.
func TestAWaitThatEndsBeforeItBeginsIsOver(t *testing.T) {
	m, l, r := lock.NewMutex(), lock.NewRWMutex(), lock.NewRWMutex()
	leave(m.Lock, func() {})
	leave(l.Lock, func() {})
	leave(r.RLock, func() {})
	for name, take := range map[string]func(context.Context) (lock.Held, error){
		"Mutex": m.Lock, "RWMutex": l.Lock, "RWMutex, reading": l.RLock, "RWMutex that is read": r.Lock,
	} {
		inTask(func(ctx context.Context) error {
			var lent lending
			var slot graph.Slot = &lent
			me := graph.Current(ctx)
			defer me.SetSlot(me.SetSlot(&slot))
			_, err := take(ctx)
			wantLost(t, name, err)
			if lent.n != 0 {
				t.Errorf("%s: the slot is lent %d times", name, lent.n)
			}
			if w := me.Wait(); w != nil {
				t.Errorf("%s: it still waits for %v", name, w.Resource().Label())
			}
			return nil
		})
	}
}

// A reader enters and then looks for a writer, a writer takes the turn and then
// looks for readers.
func TestAReaderAndAWriterWhoComeTogetherSeeEachOther(t *testing.T) {
	unwatched(t)
	for name, enter := range map[string]func(ctx context.Context, l *lock.RWMutex) lock.Held{
		"a task":              func(ctx context.Context, l *lock.RWMutex) lock.Held { h, _ := l.RLock(ctx); return h },
		"a task, by TryRLock": func(ctx context.Context, l *lock.RWMutex) lock.Held { h, _ := l.TryRLock(ctx); return h },
		"outside":             func(_ context.Context, l *lock.RWMutex) lock.Held { h, _ := l.RLock(outside); return h },
	} {
		var l lock.RWMutex
		var x exclusive
		var over atomic.Bool
		err := scope.Run(outside, func(_ context.Context, s *scope.Scope) error {
			s.Go(func(ctx context.Context) error {
				defer over.Store(true)
				for range amount(t, 200_000, "HEM_ROUNDS") {
					if h := enter(ctx, &l); h != (lock.Held{}) {
						for range 4 {
							x.read()
						}
						h.Unlock()
					}
				}
				return nil
			})
			s.Go(func(ctx context.Context) error {
				for !over.Load() {
					if h, ok := l.TryLock(ctx); ok {
						for range 4 {
							x.write()
						}
						h.Unlock()
					}
				}
				return nil
			})
			return nil
		})
		if n := x.wrong.Load(); n > 0 || err != nil {
			t.Errorf("%s: %d times a writer was not alone; %v", name, n, err)
		}
	}
}

// Whoever asks as a writer leaves finds the lock held, free, or read by those who
// waited, and never about to be.
func TestReadersWhoWaitAreInBeforeTheTurnIsFree(t *testing.T) {
	unwatched(t)
	var l lock.RWMutex
	var x exclusive
	var over atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for !over.Load() {
			if h, ok := l.TryLock(outside); ok {
				for range 1000 {
					x.write()
				}
				h.Unlock()
			}
		}
	})
	for range 500 {
		h, _ := l.Lock(outside)
		wg.Go(func() {
			h, _ := l.RLock(outside)
			for range 100 {
				x.read()
			}
			h.Unlock()
		})
		time.Sleep(50 * time.Microsecond)
		h.Unlock()
	}
	over.Store(true)
	wg.Wait()
	if n := x.wrong.Load(); n > 0 {
		t.Errorf("%d times a writer was not alone", n)
	}
}

func TestTheFirstTwoWhoWaitForALockAreInOneQueue(t *testing.T) {
	unwatched(t)
	bounded(t, func() {
		for range 1000 {
			var m lock.Mutex
			var there atomic.Int32
			var wg sync.WaitGroup
			h, _ := m.Lock(outside)
			for range 2 {
				wg.Go(func() {
					for there.Add(1); there.Load() < 2; {
						runtime.Gosched()
					}
					h, _ := m.Lock(outside)
					h.Unlock()
				})
			}
			for there.Load() < 2 {
				runtime.Gosched()
			}
			time.Sleep(10 * time.Microsecond)
			h.Unlock()
			wg.Wait()
		}
	})
}
