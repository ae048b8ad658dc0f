package kernels

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/turns"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

// A Program is one form of a kernel, to be run in Hem's world any number of
// times, one run after another.
type Program struct {
	form    func(World)
	classes map[string]*lock.Class // of all its runs, by the locks' names
}

// NewProgram returns a program for a form of a kernel. Its locks are of classes
// of its own: what an order checker learns from it says nothing of another.
func NewProgram(form func(World)) *Program {
	return &Program{form, make(map[string]*lock.Class)}
}

// An Outcome is what came of one run.
type Outcome struct {
	// Deadlock is the first verdict that fell, nil if there was none.
	Deadlock *fault.Deadlock

	// Lost says first that what somebody waited for had been left locked by a
	// task that ended, nil if nobody was told so.
	Lost error

	// Idle says that all waited and none was told: a deadlock that was missed.
	Idle error

	// Others are further errors, of which a kernel has none.
	Others []error

	Trace turns.Trace
}

// Named returns what the deadlock was named as, "" if it was not.
func (o Outcome) Named() string {
	switch {
	case o.Deadlock != nil:
		return "deadlock"
	case o.Lost != nil:
		return "lost"
	}
	return ""
}

// Silent reports whether all went well.
func (o Outcome) Silent() bool { return o.Named() == "" && o.Idle == nil && len(o.Others) == 0 }

// Run runs the program under the schedule that seed decides.
func (p *Program) Run(seed uint64) (o Outcome) {
	var err error
	o.Trace, err = turns.Run(seed, func(ctx context.Context, s *scope.Scope) error {
		p.form(&hemWorld{p, &o, s})
		return nil
	})
	if errors.Is(err, turns.ErrIdle) {
		o.Idle = err
	} else {
		o.note(err)
	}
	return o
}

// note puts an error where it belongs.
func (o *Outcome) note(err error) {
	var d *fault.Deadlock
	switch {
	case err == nil:
	case errors.As(err, &d):
		if o.Deadlock == nil {
			o.Deadlock = d
		}
	case errors.Is(err, turns.ErrIdle): // as Run will say
	case fault.KindOf(err) == fault.Lost:
		if o.Lost == nil {
			o.Lost = err
		}
	default:
		o.Others = append(o.Others, err)
	}
}

// hemWorld starts strands as tasks of a scope.
type hemWorld struct {
	p *Program
	o *Outcome
	s *scope.Scope
}

func (w *hemWorld) Mutex(name string) Mutex {
	return &hemMutex{lock.NewMutex(lock.In(w.p.class(name)))}
}

func (w *hemWorld) RWMutex(name string) RWMutex {
	return &hemRWMutex{lock.NewRWMutex(lock.In(w.p.class(name)))}
}

func (w *hemWorld) Semaphore(name string, units int64) Semaphore {
	return hemSemaphore{lock.NewSemaphore(units, lock.Name(name))}
}

func (p *Program) class(name string) *lock.Class {
	c := p.classes[name]
	if c == nil {
		c = lock.NewClass(name)
		p.classes[name] = c
	}
	return c
}

// Go's strand never fails its scope: who gives up leaves the others to go on.
func (w *hemWorld) Go(name string, f func(Strand)) Done {
	return scope.Try(w.s, func(ctx context.Context) (struct{}, error) {
		me := &hemStrand{w: w, ctx: ctx}
		me.run(f)
		return struct{}{}, nil
	}, scope.Name(name))
}

// hemStrand is a task.
type hemStrand struct {
	w       *hemWorld
	ctx     context.Context
	holds   []hemHold // oldest first
	givesUp bool
}

type hemHold struct {
	lock   any
	shared bool
	held   lock.Held
}

// giveUp is what a strand panics with that was told to wait no more.
type giveUp struct{}

// run is the strand's whole life. If it gives up it leaves nothing locked: else
// the others were told of that, and not of the bug.
func (t *hemStrand) run(f func(Strand)) {
	defer func() {
		if p := recover(); p != nil && p != (giveUp{}) {
			panic(p)
		}
		if t.givesUp {
			for _, h := range slices.Backward(t.holds) {
				h.held.Unlock()
			}
		}
	}()
	f(t)
}

// must gives up if there is an error.
func (t *hemStrand) must(err error) {
	if err != nil {
		t.w.o.note(err)
		t.givesUp = true
		panic(giveUp{})
	}
}

func (t *hemStrand) Wait(d Done) {
	_, err := d.(*scope.Future[struct{}]).Await(t.ctx)
	t.must(err)
}

func (t *hemStrand) Join(body func(World)) {
	t.must(scope.Run(t.ctx, func(ctx context.Context, s *scope.Scope) error {
		body(&hemWorld{t.w.p, t.w.o, s})
		return nil
	}))
}

// got notes a hold, or gives up.
func (t *hemStrand) got(l any, shared bool, h lock.Held, err error) {
	t.must(err)
	t.holds = append(t.holds, hemHold{l, shared, h})
}

// drop gives up the newest hold of l. Deferred calls of a strand that gives up
// may find that there is none.
func (t *hemStrand) drop(l any, shared bool) {
	for i, h := range slices.Backward(t.holds) {
		if h.lock == l && h.shared == shared {
			t.holds = slices.Delete(t.holds, i, i+1)
			h.held.Unlock()
			return
		}
	}
	if !t.givesUp {
		panic(fmt.Sprintf("kernels: Unlock of %T that the strand does not hold", l))
	}
}

type hemMutex struct{ *lock.Mutex }

func (m *hemMutex) Lock(s Strand) {
	t := s.(*hemStrand)
	h, err := m.Mutex.Lock(t.ctx)
	t.got(m, false, h, err)
}

func (m *hemMutex) Unlock(s Strand) { s.(*hemStrand).drop(m, false) }

type hemRWMutex struct{ *lock.RWMutex }

func (m *hemRWMutex) Lock(s Strand) {
	t := s.(*hemStrand)
	h, err := m.RWMutex.Lock(t.ctx)
	t.got(m, false, h, err)
}

func (m *hemRWMutex) RLock(s Strand) {
	t := s.(*hemStrand)
	h, err := m.RWMutex.RLock(t.ctx)
	t.got(m, true, h, err)
}

func (m *hemRWMutex) Unlock(s Strand)  { s.(*hemStrand).drop(m, false) }
func (m *hemRWMutex) RUnlock(s Strand) { s.(*hemStrand).drop(m, true) }

type hemSemaphore struct{ *lock.Semaphore }

func (m hemSemaphore) With(s Strand, n int64, f func()) {
	t := s.(*hemStrand)
	t.must(m.Semaphore.With(t.ctx, n, func(context.Context) error {
		f()
		return nil
	}))
}
