package lock_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

var errRefused = errors.New("refused")

// wentOn is how a function ended that neither panicked nor left its goroutine.
const wentOn = "went on"

// howItEnds runs f on a goroutine of its own and tells how it ended: wentOn,
// "exited", or what it panicked with.
func howItEnds(f func()) (end any) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		end = "exited"
		defer func() {
			if p := recover(); p != nil {
				end = p
			}
		}()
		f()
		end = wentOn
	}()
	<-done
	return end
}

// inGuardTasks runs each of fs as a task, and returns what failed first.
func inGuardTasks(t *testing.T, fs ...func(context.Context) error) error {
	t.Helper()
	return scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		for _, f := range fs {
			s.Go(f)
		}
		return nil
	})
}

// wantValue fails the test unless the guard is free and has the value.
func wantValue[T comparable](t *testing.T, g *lock.Guard[T], want T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // a free lock is taken all the same
	if got, err := g.Get(ctx); got != want || err != nil {
		t.Errorf("the guard has %v, %v; want %v", got, err, want)
	}
	if err := g.Update(ctx, func(*T) error { return nil }); err != nil {
		t.Errorf("the guard cannot be written: %v", err)
	}
}

// updates are the ways to change guarded values. Each has f make of them what
// it likes, and returns what the guard did.
var updates = []struct {
	name   string
	guards int
	update func(ctx context.Context, gs []*lock.Guard[int], f func(vs ...*int) error) error
}{
	{"Update", 1, func(ctx context.Context, gs []*lock.Guard[int], f func(...*int) error) error {
		return gs[0].Update(ctx, func(v *int) error { return f(v) })
	}},
	{"UpdateWhen", 1, func(ctx context.Context, gs []*lock.Guard[int], f func(...*int) error) error {
		return gs[0].UpdateWhen(ctx, func(int) bool { return true }, func(v *int) error { return f(v) })
	}},
	{"Update2", 2, func(ctx context.Context, gs []*lock.Guard[int], f func(...*int) error) error {
		return lock.Update2(ctx, gs[0], gs[1], func(a, b *int) error { return f(a, b) })
	}},
	{"Update3", 3, func(ctx context.Context, gs []*lock.Guard[int], f func(...*int) error) error {
		return lock.Update3(ctx, gs[0], gs[1], gs[2], func(a, b, c *int) error { return f(a, b, c) })
	}},
	{"UpdateAll", 5, func(ctx context.Context, gs []*lock.Guard[int], f func(...*int) error) error {
		return lock.UpdateAll(ctx, gs, func(vs []*int) error { return f(vs...) })
	}},
}

// ones returns n guards of 1 each.
func ones(n int) []*lock.Guard[int] {
	gs := make([]*lock.Guard[int], n)
	for i := range gs {
		gs[i] = lock.NewGuard(1)
	}
	return gs
}

func TestAnUpdateCommitsIfItReturnsNilAndNotElse(t *testing.T) {
	for _, u := range updates {
		for _, c := range []struct {
			name string
			end  func() error // of the function that updates
			want any          // how the update ended: its error, a panic, an exit
			left int
		}{
			{"nil", func() error { return nil }, nil, 2},
			{"an error", func() error { return errRefused }, errRefused, 1},
			{"a typed nil", func() error { return (*fault.Error)(nil) }, (*fault.Error)(nil), 1},
			{"a panic", func() error { panic("no such row") }, "no such row", 1},
			{"an exit", func() error { runtime.Goexit(); return nil }, "exited", 1},
		} {
			t.Run(u.name+"/"+c.name, func(t *testing.T) {
				gs := ones(u.guards)
				var got any
				end := howItEnds(func() {
					got = u.update(t.Context(), gs, func(vs ...*int) error {
						for _, v := range vs {
							*v = 2
						}
						return c.end()
					})
				})
				if end != wentOn {
					got = end
				}
				if got != c.want {
					t.Errorf("ended with %v, want %v", got, c.want)
				}
				for _, g := range gs {
					wantValue(t, g, c.left)
				}
			})
		}
	}
}

func TestADeadlineThatPassesDuringAnUpdateDecidesNothing(t *testing.T) {
	for _, u := range updates {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			gs := ones(u.guards)
			err := u.update(ctx, gs, func(vs ...*int) error {
				*vs[0] = 2
				return scope.Sleep(ctx, time.Minute)
			})
			if fault.KindOf(err) != fault.Deadline {
				t.Errorf("%s: %v", u.name, err)
			}
			wantValue(t, gs[0], 1)
			if err := u.update(ctx, gs, func(vs ...*int) error { *vs[0] = 3; return nil }); err != nil || ctx.Err() == nil {
				t.Errorf("%s: %v", u.name, err)
			}
			wantValue(t, gs[0], 3)
		})
	}
}

func TestAGuardSaysWhatIsWrongWithACall(t *testing.T) {
	var noContext context.Context
	var none *lock.Guard[int]
	zero := new(lock.Guard[int])
	g, h := lock.NewGuard(1, lock.Name("stock")), lock.NewGuard(2, lock.Name("price"))
	view := func(int) error { return nil }
	update := func(*int) error { return nil }
	pred := func(int) bool { return true }
	update2 := func(*int, *int) error { return nil }
	update3 := func(*int, *int, *int) error { return nil }
	all := func([]*int) error { return nil }
	list := func(gs ...*lock.Guard[int]) []*lock.Guard[int] { return gs }

	ctx := t.Context()
	const made = " (make it with lock.NewGuard, which sees whether the value can be copied)"
	const several = "lock: update several: "
	for _, c := range []struct {
		err  error
		want string
	}{
		{second(none.Get(ctx)), "lock: get: the Guard is nil" + made},
		{second(zero.Get(ctx)), "lock: get: the Guard was not made by NewGuard" + made},
		{second(g.Get(noContext)), "lock: get: the context is nil"},
		{none.View(ctx, view), "lock: view: the Guard is nil" + made},
		{zero.View(ctx, view), "lock: view: the Guard was not made by NewGuard" + made},
		{g.View(noContext, view), "lock: view: the context is nil"},
		{g.View(ctx, nil), `lock: view "stock": the function is nil`},
		{none.Update(ctx, update), "lock: update: the Guard is nil" + made},
		{zero.Update(ctx, update), "lock: update: the Guard was not made by NewGuard" + made},
		{g.Update(noContext, update), "lock: update: the context is nil"},
		{g.Update(ctx, nil), `lock: update "stock": the function is nil`},
		{second(none.Wait(ctx, pred)), "lock: wait: the Guard is nil" + made},
		{second(zero.Wait(ctx, pred)), "lock: wait: the Guard was not made by NewGuard" + made},
		{second(g.Wait(noContext, pred)), "lock: wait: the context is nil"},
		{second(g.Wait(ctx, nil)), `lock: wait "stock": the function is nil`},
		{none.UpdateWhen(ctx, pred, update), "lock: update: the Guard is nil" + made},
		{zero.UpdateWhen(ctx, pred, update), "lock: update: the Guard was not made by NewGuard" + made},
		{g.UpdateWhen(noContext, pred, update), "lock: update: the context is nil"},
		{g.UpdateWhen(ctx, nil, update), `lock: update "stock": the function is nil`},
		{g.UpdateWhen(ctx, pred, nil), `lock: update "stock": the function is nil`},
		{lockError(none.Lock(ctx)), "lock: lock: the Guard is nil" + made},
		{lockError(zero.Lock(ctx)), "lock: lock: the Guard was not made by NewGuard" + made},
		{lockError(g.Lock(noContext)), "lock: lock: the context is nil"},

		{lock.Update2(noContext, g, h, update2), several + "the context is nil"},
		{lock.Update2(ctx, g, h, nil), several + "the function is nil"},
		{lock.Update2(ctx, none, h, update2), several + "the Guard is nil (it is a; make it"},
		{lock.Update2(ctx, g, zero, update2), several + "the Guard was not made by NewGuard (it is b; make it"},
		{lock.Update2(ctx, h, h, update2), `lock: update several "price": the same guard is given twice (a and b are one: give it once)`},
		{lock.Update3(noContext, g, h, h, update3), several + "the context is nil"},
		{lock.Update3(ctx, g, h, ones(1)[0], nil), several + "the function is nil"},
		{lock.Update3(ctx, g, h, none, update3), several + "the Guard is nil (it is c;"},
		{lock.Update3(ctx, h, g, h, update3), `lock: update several "price": the same guard is given twice (a and c are one: give it once)`},
		{lock.UpdateAll(noContext, list(), all), several + "the context is nil"},
		{lock.UpdateAll[int](ctx, list(), nil), several + "the function is nil"},
		{lock.UpdateAll(ctx, list(g, h, none), all), several + "the Guard is nil (it is gs[2];"},
		{lock.UpdateAll(ctx, list(zero), all), several + "the Guard was not made by NewGuard (it is gs[0];"},
		{lock.UpdateAll(ctx, list(ones(1)[0], h, g, ones(1)[0], h), all), `lock: update several "price": the same guard is given twice (gs[1] and gs[4] are one: give it once)`},
	} {
		if fault.KindOf(c.err) != fault.Invalid || fault.Started(c.err) || !strings.HasPrefix(c.err.Error(), c.want) {
			t.Errorf("got  %v\nwant %s", c.err, c.want)
		}
	}
	for _, g := range []*lock.Guard[int]{none, zero} {
		end := howItEnds(func() { g.Reset(1) })
		if text, _ := end.(string); !strings.HasPrefix(text, "lock: Reset: the Guard ") {
			t.Errorf("Reset ended with %v", end)
		}
	}
	wantValue(t, g, 1)
	wantValue(t, h, 2)
}

// second and lockError return the error of several results.
func second[T any](_ T, err error) error { return err }

func lockError(v *int, h lock.Held, err error) error {
	if v != nil || h != (lock.Held{}) {
		return fmt.Errorf("beside %w there are %v and %v", err, v, h)
	}
	return err
}

func TestReadersLookTogetherAndWritersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := lock.NewGuard(1)
		second := func(context.Context) error { time.Sleep(time.Second); return nil }
		view := func(ctx context.Context) error {
			return g.View(ctx, func(int) error { return second(ctx) })
		}
		update := func(ctx context.Context) error {
			return g.Update(ctx, func(*int) error { return second(ctx) })
		}
		start := time.Now()
		if err := inGuardTasks(t, view, view, view); err != nil || time.Since(start) != time.Second {
			t.Errorf("three readers took %v: %v", time.Since(start), err)
		}
		start = time.Now()
		if err := inGuardTasks(t, view, update, update); err != nil || time.Since(start) != 3*time.Second {
			t.Errorf("a reader and two writers took %v: %v", time.Since(start), err)
		}
	})
}

func TestWhoWaitsForAGuardGivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, free := lock.NewGuard(1, lock.Name("stock")), lock.NewGuard(1)
		_, h, err := g.Lock(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errRefused)
		defer cancel()
		for name, err := range map[string]error{
			"Get":        second(g.Get(ctx)),
			"View":       g.View(ctx, func(int) error { return nil }),
			"Update":     g.Update(ctx, func(*int) error { return nil }),
			"Wait":       second(g.Wait(ctx, func(int) bool { return true })),
			"UpdateWhen": g.UpdateWhen(ctx, func(int) bool { return true }, func(*int) error { return nil }),
			"Lock":       lockError(g.Lock(ctx)),
			"Update2":    lock.Update2(ctx, free, g, func(*int, *int) error { return nil }),
			"Update3":    lock.Update3(ctx, g, free, ones(1)[0], func(*int, *int, *int) error { return nil }),
			"UpdateAll":  lock.UpdateAll(ctx, []*lock.Guard[int]{free, g}, func([]*int) error { return nil }),
		} {
			if fault.KindOf(err) != fault.Deadline || !errors.Is(err, errRefused) || !strings.Contains(err.Error(), `"stock"`) || fault.Started(err) {
				t.Errorf("%s: %v", name, err)
			}
		}
		h.Unlock()
		wantValue(t, g, 1)
		wantValue(t, free, 1)
	})
}

// panicky is a value whose Clone panics when it is told to.
type panicky struct {
	m    map[string]int
	fail bool
}

func (p panicky) Clone() panicky {
	if p.fail {
		panic("no copy today")
	}
	return panicky{m: maps.Clone(p.m)}
}

func TestAPanicInCloneGivesTheLockUp(t *testing.T) {
	a, b := lock.NewGuard(panicky{}), lock.NewGuard(panicky{})
	v, h, err := b.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v.fail = true
	h.Unlock()
	called := false
	for name, use := range map[string]func(){
		"Get":     func() { b.Get(t.Context()) },
		"Wait":    func() { b.Wait(t.Context(), func(panicky) bool { return true }) },
		"Update":  func() { b.Update(t.Context(), func(*panicky) error { called = true; return nil }) },
		"Update2": func() { lock.Update2(t.Context(), a, b, func(_, _ *panicky) error { called = true; return nil }) },
	} {
		if end := howItEnds(use); end != any("no copy today") || called {
			t.Errorf("%s ended with %v; function called: %v", name, end, called)
		}
	}
	if v, h, err = b.Lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	v.fail = false
	h.Unlock()
	if err := lock.Update2(t.Context(), a, b, func(_, _ *panicky) error { return nil }); err != nil {
		t.Error(err)
	}
}

func TestAPanicOfAReaderGivesTheLockUp(t *testing.T) {
	g := lock.NewGuard(1)
	for name, use := range map[string]func(){
		"View":            func() { g.View(t.Context(), func(int) error { panic("oh") }) },
		"Wait":            func() { g.Wait(t.Context(), func(int) bool { panic("oh") }) },
		"UpdateWhen":      func() { g.UpdateWhen(t.Context(), func(int) bool { panic("oh") }, func(*int) error { return nil }) },
		"View's exit":     func() { g.View(t.Context(), func(int) error { runtime.Goexit(); return nil }) },
		"Wait's exit":     func() { g.Wait(t.Context(), func(int) bool { runtime.Goexit(); return true }) },
		"UpdateWhen exit": func() { g.UpdateWhen(t.Context(), func(int) bool { runtime.Goexit(); return true }, nil2) },
	} {
		want := any("oh")
		if strings.HasSuffix(name, "exit") {
			want = "exited"
		}
		if end := howItEnds(use); end != want {
			t.Errorf("%s ended with %v", name, end)
		}
		wantValue(t, g, 1)
	}
}

func nil2(*int) error { return nil }

// What f keeps of a plain value is a copy that nobody looks at any more.
func TestAPointerThatUpdateLeakedChangesNothing(t *testing.T) {
	for _, u := range updates {
		gs := ones(u.guards)
		var leaked []*int
		for _, end := range []error{nil, errRefused} {
			u.update(t.Context(), gs, func(vs ...*int) error {
				leaked = append(leaked, vs...)
				return end
			})
		}
		for _, v := range leaked {
			*v = 99
		}
		for _, g := range gs {
			wantValue(t, g, 1)
		}
	}
}

// What is inside of a value is the guard's once it is committed. The guard
// cannot take it away from who keeps it: this is documented, not promised.
func TestAMapThatUpdateLeakedIsStillTheGuards(t *testing.T) {
	g := lock.NewGuard(cloneByValue{})
	var leaked map[string]int
	g.Update(t.Context(), func(v *cloneByValue) error {
		v.m["a"] = 1
		leaked = v.m
		return nil
	})
	leaked["a"] = 2
	if v, _ := g.Get(t.Context()); v.m["a"] != 2 {
		t.Error("Update clones what it commits: then say so, and promise it")
	}
	g.Update(t.Context(), func(v *cloneByValue) error {
		leaked = v.m
		return errRefused
	})
	leaked["a"] = 3
	if v, _ := g.Get(t.Context()); v.m["a"] != 2 {
		t.Error("the copy of an update that failed was the guard's")
	}
}

func TestAFunctionThatUsesItsGuardWaitsForItself(t *testing.T) {
	use := func(g *lock.Guard[int]) map[string]func(ctx context.Context) error {
		return map[string]func(ctx context.Context) error{
			"Get":    func(ctx context.Context) error { return second(g.Get(ctx)) },
			"Update": func(ctx context.Context) error { return g.Update(ctx, nil2) },
			"Wait":   func(ctx context.Context) error { return second(g.Wait(ctx, func(int) bool { return false })) },
			"Update2": func(ctx context.Context) error {
				return lock.Update2(ctx, g, ones(1)[0], func(*int, *int) error { return nil })
			},
		}
	}
	for _, u := range updates {
		gs := ones(u.guards)
		for name, inner := range use(gs[0]) {
			err := inGuardTasks(t, func(ctx context.Context) error {
				return u.update(ctx, gs, func(...*int) error { return inner(ctx) })
			})
			if fault.KindOf(err) != fault.Deadlocked || !strings.Contains(err.Error(), "waits for itself") {
				t.Errorf("%s in %s: %v", name, u.name, err)
			}
			for _, g := range gs {
				wantValue(t, g, 1)
			}
		}
	}
}

func TestAReaderThatWouldWriteIsToldSo(t *testing.T) {
	g := lock.NewGuard(1)
	err := inGuardTasks(t, func(ctx context.Context) error {
		return g.View(ctx, func(int) error { return g.Update(ctx, nil2) })
	})
	if !errors.Is(err, lock.ErrUpgrade) {
		t.Error(err)
	}
	wantValue(t, g, 1)
}
