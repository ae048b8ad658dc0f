package scope

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
)

// join waits until every task has ended: first the ordinary ones, then, told
// to end, the daemons.
func (s *Scope) join() {
	s.await(&s.work)
	s.last.Store(true)
	s.dismiss()
	s.await(&s.daemons)
}

// errOthersEnded is the cause with which daemons are told to end.
var errOthersEnded = errors.New("scope: the tasks that this daemon served have ended")

func (s *Scope) dismiss() {
	s.mu.Lock()
	var cancel context.CancelCauseFunc
	if s.rare != nil {
		cancel = s.rare.cancelDaemon
	}
	s.mu.Unlock()
	if cancel != nil {
		cancel(errOthersEnded)
		s.watch()
	}
}

func (s *Scope) daemonContext() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rareLocked()
	if r.daemonCtx == nil {
		r.daemonCtx, r.cancelDaemon = context.WithCancelCause(s.Context())
		if s.last.Load() {
			r.cancelDaemon(errOthersEnded)
		}
	}
	return r.daemonCtx
}

// await gives back the joiner's own count and waits for the others'.
//
// A join does not end with the context. Unless a scope of ours ends that, the
// first wait listens to it, to see to those who ignore it.
func (s *Scope) await(count *atomic.Int64) {
	if count.Add(-1) == 0 && count.CompareAndSwap(0, finished) {
		return
	}
	w, listen, spent := &s.wait, s.foreign, false
	if s.last.Load() {
		w = new(graph.Wait)
	}
	for {
		if listen {
			w.Begin(s.Context(), (*joining)(s))
		} else {
			w.BeginHeld(s.Context(), (*joining)(s))
		}
		if spent {
			w.Spend()
		}
		s.joiner.Store(w)
		w.Publish()
		if count.Load() < 0 && w.Withdraw() {
			return
		}
		err := w.Park()
		if err == nil {
			return
		}
		if d := (*fault.Deadlock)(nil); errors.As(err, &d) {
			spent = true
			s.fail(nil, d)
		} else {
			s.watch()
		}
		w, listen = new(graph.Wait), false
	}
}

// countDown ends one of count's tasks, and the join if it was the last: S1.
func (s *Scope) countDown(count *atomic.Int64) {
	if count.Add(-1) != 0 || !count.CompareAndSwap(0, finished) {
		return
	}
	for {
		w := s.joiner.Load()
		if w == nil || w.Grant() || s.joiner.Load() == w {
			return // a joiner that comes later sees the count
		}
	}
}

// joining is a scope seen by the wait graph: what its owner waits for.
type joining Scope

// Blocked is true if any task that the join waits for is stuck.
func (j *joining) Blocked(_ *graph.Task, stuck func(*graph.Task) bool) (blocked bool) {
	last := j.last.Load()
	j.group.Tasks(func(t *graph.Task) bool {
		if last || !t.Has(graph.TaskDaemon) {
			blocked = stuck(t) || blocked
		}
		return true
	})
	return blocked
}

func (j *joining) Label() graph.Label {
	return graph.Label{Kind: "join of scope", Name: j.group.Name()}
}

// sweepAtEnd sees to it that tasks which have no goroutine yet do not outwait
// the context.
func (s *Scope) sweepAtEnd() {
	if s.sweeps.Load() || s.sweeps.Swap(true) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rareLocked()
	r.undo = append(r.undo, context.AfterFunc(s.Context(), s.sweep))
}

// sweep withdraws the tasks that still wait for a goroutine.
func (s *Scope) sweep() {
	type withdrawer interface{ Withdraw(*graph.Wait) }
	s.group.Tasks(func(t *graph.Task) bool {
		if w := t.Wait(); w != nil && t.Has(graph.TaskQueued) {
			if q, ok := w.Resource().(withdrawer); ok {
				q.Withdraw(w)
			}
		}
		return true
	})
}
