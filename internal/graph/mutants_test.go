package graph_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/scope"
)

// A mutant breaks one rule. Its scene, in an interleaving that it decides, is
// right while the rule holds and wrong when it does not: a false verdict, a
// missed knot or a hang. So the rule is needed, and its loss would be seen.
//
// The prototype found two of its precautions not shown to be necessary, which
// have no scene here: comparing wait instances instead of tasks in validation,
// and the lock under which verdicts are given.
type mutant struct {
	name  string
	wrong string // what the mutation does
	scene func(sc *scene, broken bool)
	judge func(out outcome) error // nil if the scene went as it must
}

func TestEachMutantIsCaughtByTheSceneThatItsRuleKeepsRight(t *testing.T) {
	for _, m := range []mutant{
		{"unvalidated walk", "a false verdict", unvalidated, noVerdict},
		{"timed waits counted", "a verdict for a wait that ends by itself", timedCounted, onlyExpiry},
		{"slot counted while parked", "a false verdict", slotCounted, noVerdict},
		{"late retire", "a false verdict", lateRetire, noVerdict},
		{"any holder instead of Blocked", "a false verdict", weights(anyHolder), noVerdict},
		{"all holders instead of Blocked", "a missed knot", tooFewUnits, oneVerdict},
		{"weights without queue order", "a missed knot", behindInQueue, oneVerdict},
		{"edge published before the last attempt", "a false verdict", publishedEarly, noVerdict},
		{"resource that asks only until it knows", "a missed knot", hastyCrowd, oneVerdict},
	} {
		t.Run(m.name, func(t *testing.T) {
			if err := m.judge(play(t, func(sc *scene) { m.scene(sc, false) })); err != nil {
				t.Errorf("with the rule: %v", err)
			}
			err := m.judge(play(t, func(sc *scene) { m.scene(sc, true) }))
			if err == nil {
				t.Errorf("the mutant was not caught: expected %s", m.wrong)
			}
			t.Logf("caught: %.90v", err)
		})
	}
}

func noVerdict(out outcome) error {
	switch {
	case len(out.verdicts) > 0:
		return fmt.Errorf("false verdict: %w", out.verdicts[0])
	case out.hung:
		return errMissed
	}
	return nil
}

func oneVerdict(out outcome) error {
	switch {
	case out.hung:
		return errMissed
	case len(out.verdicts) != 1:
		return fmt.Errorf("%d verdicts", len(out.verdicts))
	}
	return nil
}

func onlyExpiry(out outcome) error {
	if err := noVerdict(out); err != nil {
		return err
	}
	if kind := fault.KindOf(out.errs["patient"]); kind != fault.None {
		return fmt.Errorf("the patient one got %v", kind)
	}
	return nil
}

// While walker reads who holds a lock, everything moves: held gets the lock and
// gives it back, and a taker takes it and waits for walker. No moment had a
// knot. It happens twice, since a knot is looked at twice.
func unvalidated(sc *scene, broken bool) {
	defer undo(sc, graph.Mutate(broken, false))
	a, x := &mutex{name: "a"}, &mutex{name: "x"}
	locks := []*mutex{{name: "b"}, {name: "c"}}
	var arms []func()
	var arrivals, goesOn, releases []chan struct{}
	for _, m := range locks {
		hook, arm, arrived, goOn := sc.once(asked)
		m.at = hook
		release := make(chan struct{})
		sc.task("before", func(ctx context.Context) error {
			return hold(ctx, m, func() error { return sc.until(release) })
		})
		arms, arrivals, goesOn, releases = append(arms, arm), append(arrivals, arrived), append(goesOn, goOn), append(releases, release)
	}
	leave := make(chan struct{})
	sc.task("held", func(ctx context.Context) error {
		return hold(ctx, a, func() error {
			for _, m := range locks {
				if err := hold(ctx, m, func() error { return nil }); err != nil {
					return err
				}
			}
			return sc.until(leave)
		})
	})
	arms[0]()
	sc.start("walker", func(ctx context.Context) error {
		return hold(ctx, x, func() error { return hold(ctx, a, func() error { return nil }) })
	})
	for i, m := range locks {
		<-arrivals[i]
		close(releases[i])
		synctest.Wait() // held has let m go, and waits for the next
		sc.task("taker", func(ctx context.Context) error {
			return hold(ctx, m, func() error { return hold(ctx, x, func() error { return nil }) })
		})
		if i == 0 {
			arms[1]()
		}
		close(goesOn[i])
	}
	synctest.Wait()
	close(leave)
}

// Two tasks lock in opposite order, but one of them gives up in time.
func timedCounted(sc *scene, broken bool) {
	defer undo(sc, graph.Mutate(false, broken))
	a, b := &mutex{name: "a"}, &mutex{name: "b"}
	sc.task("hurried", func(ctx context.Context) error {
		return hold(ctx, a, func() error {
			scope.Sleep(ctx, time.Second)
			ctx, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			return hold(ctx, b, func() error { return nil })
		})
	})
	sc.start("patient", func(ctx context.Context) error {
		return hold(ctx, b, func() error { return hold(ctx, a, func() error { return nil }) })
	})
}

// One slot. lender waits for asker's result and has lent it; tenant runs in it.
func slotCounted(sc *scene, broken bool) {
	cpu := &slots{name: "cpu", size: 1, countParked: broken}
	begin, leave := make(chan struct{}), make(chan struct{})
	asker := sc.task("asker", func(ctx context.Context) error {
		<-begin
		return cpu.Run(ctx, func() {})
	})
	sc.task("lender", func(ctx context.Context) (err error) {
		run := cpu.Run(ctx, func() { _, err = asker.Await(ctx) })
		return first(run, err)
	})
	sc.task("tenant", func(ctx context.Context) error {
		return cpu.Run(ctx, func() { sc.until(leave) })
	})
	close(begin)
	synctest.Wait()
	close(leave)
}

// The unlocker has made waiter the owner, and waiter, not yet parked, looks.
func lateRetire(sc *scene, broken bool) {
	m := &mutex{name: "m"}
	m.lateRetire = broken
	queued, looks := make(chan struct{}), make(chan struct{})
	handed, judged := make(chan struct{}), make(chan struct{})
	m.at = func(p moment) {
		switch p {
		case published:
			close(queued)
			sc.until(looks)
		case transferred:
			close(handed)
			sc.until(judged)
		}
	}
	unlock := make(chan struct{})
	sc.task("owner", func(ctx context.Context) error {
		return hold(ctx, m, func() error { return sc.until(unlock) })
	})
	sc.start("waiter", func(ctx context.Context) error {
		return hold(ctx, m, func() error { return nil })
	})
	<-queued
	close(unlock)
	synctest.Wait() // the owner has let go, or stands between transfer and claim
	close(looks)
	synctest.Wait()
	close(judged)
}

// Of two units one is held by a task that waits for asker, one by nobody's
// child, who gives it back.
func weights(lists holderLists) func(sc *scene, broken bool) {
	return func(sc *scene, broken bool) {
		s := newSemaphore("s", 2)
		if broken {
			s.lists = lists
		}
		begin, leave := make(chan struct{}), make(chan struct{})
		asker := sc.task("asker", func(ctx context.Context) error {
			<-begin
			return units(ctx, s, 1, func() error { return nil })
		})
		sc.task("stuck", func(ctx context.Context) error {
			return units(ctx, s, 1, func() error { _, err := asker.Await(ctx); return err })
		})
		sc.task("live", func(ctx context.Context) error {
			return units(ctx, s, 1, func() error { return sc.until(leave) })
		})
		close(begin)
		synctest.Wait()
		close(leave)
	}
}

// Of four units asker needs three; two are held by a task that waits for it.
// What the live holder can give back is not enough.
func tooFewUnits(sc *scene, broken bool) {
	s := newSemaphore("s", 4)
	if broken {
		s.lists = allHolders
	}
	begin := make(chan struct{})
	asker := sc.task("asker", func(ctx context.Context) error {
		<-begin
		return units(ctx, s, 3, func() error { return nil })
	})
	sc.task("stuck", func(ctx context.Context) error {
		return units(ctx, s, 2, func() error { _, err := asker.Await(ctx); return err })
	})
	sc.task("live", func(ctx context.Context) error {
		return units(ctx, s, 1, func() error { time.Sleep(time.Minute); return nil })
	})
	close(begin)
}

// A unit is free for asker, but ahead of it somebody wants more than will be.
func behindInQueue(sc *scene, broken bool) {
	s := newSemaphore("s", 3)
	if broken {
		s.lists = noQueueOrder
	}
	begin := make(chan struct{})
	asker := sc.task("asker", func(ctx context.Context) error {
		<-begin
		return units(ctx, s, 1, func() error { return nil })
	})
	sc.task("stuck", func(ctx context.Context) error {
		return units(ctx, s, 2, func() error { _, err := asker.Await(ctx); return err })
	})
	sc.task("ahead", func(ctx context.Context) error { return units(ctx, s, 3, func() error { return nil }) })
	close(begin)
}

// early published its wait for m, got m without waiting and let it go. It runs;
// taker holds m and awaits it.
func publishedEarly(sc *scene, broken bool) {
	m := &mutex{name: "m"}
	m.publishEarly = broken
	hook, arm, _, goOn := sc.once(begun)
	m.at = hook
	finish, free := make(chan struct{}), make(chan struct{})
	sc.task("holder", func(ctx context.Context) error { return hold(ctx, m, func() error { return sc.until(free) }) })
	arm()
	early := sc.task("early", func(ctx context.Context) error {
		if err := hold(ctx, m, func() error { return nil }); err != nil {
			return err
		}
		return sc.until(finish)
	})
	close(free) // while early stands between publishing and its last attempt, if it does so
	synctest.Wait()
	close(goOn)
	synctest.Wait()
	sc.task("taker", func(ctx context.Context) error {
		return hold(ctx, m, func() error { _, err := early.Await(ctx); return err })
	})
	time.Sleep(time.Minute) // a false report would wait for the stack of early, which runs
	close(finish)
}

// asker waits for any of a, seeming and real. The walk takes seeming for stuck
// until it knows better; only real is. A resource that stopped there has not
// asked about real, so the walk does not know it.
func hastyCrowd(sc *scene, broken bool) {
	of := make(map[string]*graph.Task)
	wait := func(name string, all bool, whom ...string) func() {
		begin := make(chan struct{})
		sc.task(name, func(ctx context.Context) error {
			of[name] = graph.Current(ctx)
			sc.until(begin)
			c := &crowd{all: all, hasty: broken}
			for _, n := range whom {
				c.tasks = append(c.tasks, of[n])
			}
			return c.wait(ctx)
		})
		return func() { close(begin); synctest.Wait() }
	}
	starts := []func(){
		wait("running", false), wait("p", true, "q", "running"), wait("q", false, "a"), wait("a", false, "p"),
		wait("seeming", false, "q"), wait("real", false, "asker"), wait("asker", false, "a", "seeming", "real"),
	}
	for _, start := range slices.Backward(starts[1:6]) {
		start()
	}
	starts[6]()
	sc.s.Cancel(nil) // crowds are never granted: all but the one that was told
	starts[0]()
}

// units is a task's turn with n units of s.
func units(ctx context.Context, s *semaphore, n int, f func() error) error {
	release, err := s.Acquire(ctx, n)
	if err != nil {
		return err
	}
	defer release()
	return f()
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// undo runs f when everything else in the scene rests or has ended.
func undo(sc *scene, f func()) {
	sc.s.Defer(func() error { f(); return nil })
}
