package state_test

import (
	"bytes"
	"testing"

	"github.com/hemgo/hem/job/internal/state"
)

// FuzzApply holds that no bytes do harm: what is refused changes nothing, and
// what is carried out leaves everything in its place.
func FuzzApply(f *testing.F) {
	d := newDriver(1)
	for range 200 {
		f.Add(d.next())
	}
	f.Add(state.AppendSnapPage(nil, 3, 0, []byte("x")))
	f.Add(state.AppendTakeover(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := newDriver(2)
		for range 40 {
			d.step(t)
		}
		before := d.s.AppendCanonical(nil)
		err := d.s.Apply(b, nil)
		if err != nil && !bytes.Equal(before, d.s.AppendCanonical(nil)) {
			t.Fatalf("refused (%v), and has changed the state", err)
		}
		if err := d.s.Check(); err != nil {
			t.Fatal(err)
		}
		if _, err := state.Look(b); len(b) == 0 && err == nil {
			t.Fatal("Look takes nothing for a transition")
		}
	})
}

// FuzzRestore holds that a snapshot which is accepted is that of a sound state.
func FuzzRestore(f *testing.F) {
	for seed := range uint64(5) {
		d := newDriver(seed)
		for range 12 {
			if d.r.IntN(5) == 0 {
				d.now += 1e6
				d.s.Begin(d.now)
			}
			b := d.next()
			d.s.Apply(b, &d.out)
		}
		page, _ := d.s.Snapshot().Next(nil, 1<<20)
		f.Add(page)
	}
	f.Fuzz(func(t *testing.T, page []byte) {
		r := state.NewRestore()
		if r.Page(page) != nil {
			return
		}
		s, err := r.State()
		if err != nil {
			return
		}
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		again, _ := s.Snapshot().Next(nil, len(page)+1<<20)
		r = state.NewRestore()
		if err := r.Page(again); err != nil {
			t.Fatalf("what was restored cannot be restored again: %v", err)
		}
	})
}
