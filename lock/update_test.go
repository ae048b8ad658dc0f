package lock_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/lock"
)

func TestUpdate2AndUpdate3TakeGuardsOfAnyTypes(t *testing.T) {
	a, b, c := lock.NewGuard(1), lock.NewGuard("one"), lock.NewGuard(cloneByPointer{})
	err := lock.Update3(t.Context(), c, a, b, func(c *cloneByPointer, a *int, b *string) error {
		c.m[*b] = *a
		*a, *b = 2, "two"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = lock.Update2(t.Context(), b, c, func(b *string, c *cloneByPointer) error {
		if *b != "two" || c.m["one"] != 1 {
			t.Errorf("they are %q and %v", *b, c.m)
		}
		return errRefused
	})
	if err != errRefused {
		t.Error(err)
	}
	wantValue(t, a, 2)
}

func TestUpdateAllGivesTheCopiesInTheOrderOfItsArgument(t *testing.T) {
	gs := make([]*lock.Guard[int], 10)
	for i := range gs {
		gs[i] = lock.NewGuard(i)
	}
	for range 20 {
		order := rand.Perm(len(gs))
		shuffled := make([]*lock.Guard[int], len(gs))
		for at, i := range order {
			shuffled[at] = gs[i]
		}
		given := slices.Clone(shuffled)
		err := lock.UpdateAll(t.Context(), shuffled, func(vs []*int) error {
			for at, v := range vs {
				if *v != order[at] {
					t.Errorf("at %d there is %d, want %d", at, *v, order[at])
				}
			}
			return nil
		})
		if err != nil || !slices.Equal(shuffled, given) {
			t.Errorf("%v; the argument is changed: %v", err, !slices.Equal(shuffled, given))
		}
	}
}

func TestUpdateAllOfNothingCallsItsFunction(t *testing.T) {
	for _, want := range []error{nil, errRefused} {
		called := false
		err := lock.UpdateAll(t.Context(), nil, func(vs []*int) error {
			called = len(vs) == 0
			return want
		})
		if !called || err != want {
			t.Errorf("called %v, got %v", called, err)
		}
	}
}

func TestWhatAFunctionDoesToTheSliceOfUpdateAllHasNoEffect(t *testing.T) {
	gs := ones(2)
	err := lock.UpdateAll(t.Context(), gs, func(vs []*int) error {
		*vs[0] = 2
		other := 99
		vs[0], vs[1] = &other, nil
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	wantValue(t, gs[0], 2)
	wantValue(t, gs[1], 1)
}

// The guards in front of the one that cannot be had are free again, and f was
// not called.
func TestAnUpdateOfSeveralThatFailsHoldsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gs := ones(5)
		for missing, g := range gs {
			_, h, err := g.Lock(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			err = lock.UpdateAll(ctx, gs, func([]*int) error {
				t.Error("the function was called")
				return nil
			})
			cancel()
			if fault.KindOf(err) != fault.Deadline {
				t.Errorf("without the guard %d: %v", missing, err)
			}
			for i, g := range gs {
				if i != missing {
					wantValue(t, g, 1)
				}
			}
			h.Unlock()
		}
	})
}

func TestUpdatesOfSeveralInAnyOrderNeverWaitForEachOther(t *testing.T) {
	const tasks = 8
	rounds := 2000
	if testing.Short() {
		rounds = 200
	}
	seed := uint64(time.Now().UnixNano())
	gs := ones(6)
	var shufflers []func(context.Context) error
	for n := range uint64(tasks) {
		shufflers = append(shufflers, func(ctx context.Context) error {
			r := rand.New(rand.NewPCG(seed, n))
			mine := slices.Clone(gs)
			add := func(vs ...*int) error {
				for _, v := range vs {
					*v++
				}
				return nil
			}
			for range rounds {
				r.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
				var err error
				switch r.IntN(4) {
				case 0:
					err = lock.Update2(ctx, mine[0], mine[1], func(a, b *int) error { return add(a, b) })
				case 1:
					err = lock.Update3(ctx, mine[0], mine[1], mine[2], func(a, b, c *int) error { return add(a, b, c) })
				default:
					err = lock.UpdateAll(ctx, mine[:2+r.IntN(5)], func(vs []*int) error { return add(vs...) })
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := inGuardTasks(t, shufflers...); err != nil {
		t.Errorf("seed %d: %v", seed, err)
	}
}

// The negative control: one guard after the other, in any order, does knot.
func TestUpdatesOneInAnotherDoWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := lock.NewGuard(1), lock.NewGuard(1)
		nested := func(outer, inner *lock.Guard[int]) func(context.Context) error {
			return func(ctx context.Context) error {
				return outer.Update(ctx, func(v *int) error {
					*v++
					time.Sleep(time.Second)
					return inner.Update(ctx, func(v *int) error { *v++; return nil })
				})
			}
		}
		err := inGuardTasks(t, nested(a, b), nested(b, a))
		if fault.KindOf(err) != fault.Deadlocked {
			t.Error(err)
		}
		// Who was told gave up and committed nothing of its own; the other went
		// on, or was cancelled by it.
		va, _ := a.Get(t.Context())
		vb, _ := b.Get(t.Context())
		if va != vb {
			t.Errorf("a is %d and b is %d", va, vb)
		}
	})
}
