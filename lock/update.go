package lock

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hemgo/hem/fault"
)

// Update2 calls f with copies of the values of a and b, and makes those the
// values, of both or of neither: if and only if f returns nil. An error, a panic
// and [runtime.Goexit] leave the old ones. Nobody sees one without the other who
// looks at both in one such call.
//
// Guards are locked in one order for all, that of their making, whatever the
// order here: so calls of Update2, [Update3] and [UpdateAll] never wait for each
// other in a circle. A task that calls one while it holds another guard can.
//
// # Errors
//
// As with [Guard.Update]. Kind [fault.Invalid] if a and b are the same guard.
//
// # Cancellation
//
// Update2 waits for one guard after the other. If ctx ends first, or the wait
// for one fails, those it has are given up, and f is not called.
func Update2[A, B any](ctx context.Context, a *Guard[A], b *Guard[B], f func(a *A, b *B) error) error {
	x, y := share[A]{g: a, at: 0}, share[B]{g: b, at: 1}
	u := together{name: letter, shares: []sharer{&x, &y}}
	if f != nil {
		u.f = func() error { return f(x.draft, y.draft) }
	}
	return u.run(ctx)
}

// Update3 is [Update2] with three guards.
func Update3[A, B, C any](ctx context.Context, a *Guard[A], b *Guard[B], c *Guard[C], f func(a *A, b *B, c *C) error) error {
	x, y, z := share[A]{g: a, at: 0}, share[B]{g: b, at: 1}, share[C]{g: c, at: 2}
	u := together{name: letter, shares: []sharer{&x, &y, &z}}
	if f != nil {
		u.f = func() error { return f(x.draft, y.draft, z.draft) }
	}
	return u.run(ctx)
}

// UpdateAll is [Update2] with any number of guards of one type. f gets the
// copies in the order of gs; what it does to the slice has no effect. If gs is
// empty, f is called with an empty slice and nothing is locked.
func UpdateAll[T any](ctx context.Context, gs []*Guard[T], f func(vs []*T) error) error {
	all := make([]share[T], len(gs))
	u := together{name: element, shares: make([]sharer, len(gs))}
	for i, g := range gs {
		all[i] = share[T]{g: g, at: i}
		u.shares[i] = &all[i]
	}
	if f != nil {
		u.f = func() error {
			vs := make([]*T, len(all))
			for i := range all {
				vs[i] = all[i].draft
			}
			return f(vs)
		}
	}
	return u.run(ctx)
}

// letter and element name an argument as the caller's code does.
func letter(i int) string  { return "abc"[i : i+1] }
func element(i int) string { return fmt.Sprintf("gs[%d]", i) }

// together is one update of several guards.
type together struct {
	name   func(int) string // of an argument
	f      func() error     // nil if the caller's is
	shares []sharer         // as given; check puts them in the order of all guards
}

// run is the update: all locks, all copies, f, all commits.
func (u *together) run(ctx context.Context) error {
	if err := u.check(ctx); err != nil {
		return err
	}
	defer u.release()
	for _, s := range u.shares {
		if err := s.lock(ctx); err != nil {
			return err
		}
	}
	for _, s := range u.shares {
		s.copy()
	}
	if err := u.f(); err != nil {
		return err
	}
	for _, s := range u.shares {
		s.commit() // an assignment: nothing can come in between
	}
	return nil
}

// release gives up what has been locked, the last first.
func (u *together) release() {
	for _, s := range slices.Backward(u.shares) {
		s.release()
	}
}

const opTogether = "lock: update several"

var errSameGuard = errors.New("the same guard is given twice")

// check returns what is wrong with the arguments, and sorts the shares.
func (u *together) check(ctx context.Context) error {
	if _, err := caller(ctx, opTogether); err != nil {
		return err
	}
	if u.f == nil {
		return &fault.Error{Op: opTogether, Kind: fault.Invalid, Err: errNilFunction}
	}
	for i, s := range u.shares { // as given, still
		if err := s.made(); err != nil {
			return &fault.Error{Op: opTogether, Kind: fault.Invalid, Err: err,
				Hint: "it is " + u.name(i) + "; " + hintMade}
		}
	}
	slices.SortStableFunc(u.shares, func(s, t sharer) int { return cmp.Compare(s.order(), t.order()) })
	for i := 1; i < len(u.shares); i++ {
		s, t := u.shares[i-1], u.shares[i]
		if s.order() == t.order() {
			return &fault.Error{Op: opTogether, Task: t.String(), Kind: fault.Invalid, Err: errSameGuard,
				Hint: u.name(s.index()) + " and " + u.name(t.index()) + " are one: give it once"}
		}
	}
	return nil
}

// sharer is a share of any type.
type sharer interface {
	String() string // the guard's name
	made() error    // what is wrong with the guard
	order() uint64  // among all guards
	index() int     // among the arguments

	lock(ctx context.Context) error
	copy()
	commit()
	release()
}

// A share is one guard's part in an update of several.
type share[T any] struct {
	g         *Guard[T]
	at        int  // its place among the arguments
	held      Held // the zero Held unless locked
	draft     *T   // what f works on, once all are locked
	committed bool
}

func (s *share[T]) String() string { return s.g.l.Class.name }
func (s *share[T]) made() error    { return s.g.made() }
func (s *share[T]) order() uint64  { return s.g.place }
func (s *share[T]) index() int     { return s.at }

func (s *share[T]) lock(ctx context.Context) (err error) {
	s.held, err = s.g.l.lock(ctx, ordered)
	return err
}

func (s *share[T]) copy() { s.draft = s.g.draft() }

func (s *share[T]) commit() {
	s.g.commit(s.draft)
	s.committed = true
}

func (s *share[T]) release() {
	s.held.Unlock()
	if s.committed {
		s.g.moved.wake()
	}
}
