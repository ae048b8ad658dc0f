package graph_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hemgo/hem/internal/graph"
)

// The resources here stand for locks until those exist: short, fair, and with
// every mistake that the prototype made as a switch.

// seen counts what all resources of the tests did.
var seen struct {
	parks     atomic.Int64 // waits that blocked
	questions atomic.Int64 // calls of Blocked
}

// mutex belongs to one caller at a time and is handed over in order of arrival.
type mutex struct {
	name string
	wrong
	mu    sync.Mutex
	held  bool
	owner *graph.Task // nil for a caller outside every task
	queue []*graph.Wait
}

// wrong makes a mutex break a rule, and lets a test stand in between.
type wrong struct {
	lateRetire   bool           // hand over while the waiter's edge still stands
	publishEarly bool           // publish before the last attempt, and leave the edge if that succeeds
	at           func(p moment) // called at each moment if not nil
}

type moment string

const (
	asked       moment = "asked"       // at the start of Blocked
	published   moment = "published"   // queued, not yet parked
	transferred moment = "transferred" // late: owner is set, the edge stands
	begun       moment = "begun"       // early: the edge stands, the lock is not tried
)

func (w *wrong) reach(m moment) {
	if w.at != nil {
		w.at(m)
	}
}

func (m *mutex) Label() graph.Label { return graph.Label{Kind: "mutex", Name: m.name} }

func (m *mutex) Lock(ctx context.Context) error {
	graph.Current(ctx).Point()
	if m.try(ctx) {
		return nil
	}
	w := new(graph.Wait)
	w.Begin(ctx, m)
	if m.publishEarly {
		w.Publish()
		m.reach(begun)
	}
	m.mu.Lock()
	if m.tryLocked(ctx) {
		m.mu.Unlock()
		w.Abandon()
		return nil
	}
	m.queue = append(m.queue, w)
	w.Publish()
	m.mu.Unlock()
	m.reach(published)
	seen.parks.Add(1)
	err := w.Park()
	if err != nil {
		m.mu.Lock()
		m.queue = without(m.queue, w)
		m.mu.Unlock()
	}
	return err
}

func (m *mutex) try(ctx context.Context) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tryLocked(ctx)
}

func (m *mutex) tryLocked(ctx context.Context) bool {
	if m.held {
		return false
	}
	m.held, m.owner = true, graph.Current(ctx)
	return true
}

func (m *mutex) Unlock() {
	m.mu.Lock()
	for len(m.queue) > 0 {
		w := m.queue[0]
		m.queue = m.queue[1:]
		if m.lateRetire {
			m.owner = w.Task()
			m.mu.Unlock()
			m.reach(transferred)
			m.mu.Lock()
		}
		if w.Claim() {
			m.owner = w.Task()
			m.mu.Unlock()
			w.Wake()
			return
		}
	}
	m.held, m.owner = false, nil
	m.mu.Unlock()
}

func (m *mutex) Blocked(_ *graph.Task, stuck func(*graph.Task) bool) bool {
	seen.questions.Add(1)
	m.reach(asked)
	m.mu.Lock()
	owner := m.owner
	m.mu.Unlock()
	return owner != nil && stuck(owner)
}

// idle says what is left when nobody uses m any more.
func (m *mutex) idle() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.held || len(m.queue) > 0 {
		return fmt.Errorf("mutex %s: held %v by %v, %d waiting", m.name, m.held, m.owner, len(m.queue))
	}
	return nil
}

// semaphore has units, which callers own, and serves in order of arrival.
type semaphore struct {
	name  string
	size  int
	lists holderLists
	mu    sync.Mutex
	free  int
	held  []holding
	queue []request
}

type holding struct {
	t *graph.Task
	n int
}

type request struct {
	w *graph.Wait
	n int
}

// holderLists makes a semaphore answer as G2 first had it: from who holds,
// without weights and without the order of the queue.
type holderLists string

const (
	anyHolder    holderLists = "any"
	allHolders   holderLists = "all"
	noQueueOrder holderLists = "no queue order" // weights, but nobody ahead
)

func newSemaphore(name string, size int) *semaphore {
	return &semaphore{name: name, size: size, free: size}
}

func (s *semaphore) Label() graph.Label { return graph.Label{Kind: "semaphore", Name: s.name} }

// Acquire takes n units for the calling task.
func (s *semaphore) Acquire(ctx context.Context, n int) (release func(), err error) {
	t := graph.Current(ctx)
	t.Point()
	w := new(graph.Wait)
	w.Begin(ctx, s)
	s.mu.Lock()
	if len(s.queue) == 0 && s.free >= n {
		s.takeLocked(t, n)
		s.mu.Unlock()
		w.Abandon()
		return func() { s.release(t, n) }, nil
	}
	s.queue = append(s.queue, request{w, n})
	w.Publish()
	s.mu.Unlock()
	seen.parks.Add(1)
	if err := w.Park(); err != nil {
		s.mu.Lock()
		s.queue = slices.DeleteFunc(s.queue, func(r request) bool { return r.w == w })
		s.grantAndUnlock() // w may have been the oldest
		return nil, err
	}
	return func() { s.release(t, n) }, nil
}

func (s *semaphore) takeLocked(t *graph.Task, n int) {
	s.free -= n
	s.held = append(s.held, holding{t, n})
}

func (s *semaphore) release(t *graph.Task, n int) {
	s.mu.Lock()
	i := slices.Index(s.held, holding{t, n})
	s.held = slices.Delete(s.held, i, i+1)
	s.free += n
	s.grantAndUnlock()
}

func (s *semaphore) grantAndUnlock() {
	var wake []*graph.Wait
	for len(s.queue) > 0 && s.queue[0].n <= s.free {
		r := s.queue[0]
		s.queue = s.queue[1:]
		if r.w.Claim() {
			s.takeLocked(r.w.Task(), r.n)
			wake = append(wake, r.w)
		}
	}
	s.mu.Unlock()
	for _, w := range wake {
		w.Wake()
	}
}

func (s *semaphore) Blocked(t *graph.Task, stuck func(*graph.Task) bool) bool {
	seen.questions.Add(1)
	s.mu.Lock()
	held := slices.Clone(s.held)
	i := slices.IndexFunc(s.queue, func(r request) bool { return r.w.Task() == t })
	if i < 0 {
		s.mu.Unlock()
		return false // granted, or gone
	}
	need, ahead := s.queue[i].n, slices.Clone(s.queue[:i])
	s.mu.Unlock()

	kept, holders := 0, 0
	for _, h := range held {
		if h.t != nil && stuck(h.t) {
			kept += h.n
			holders++
		}
	}
	behind := false
	for _, r := range ahead {
		if a := r.w.Task(); a != nil {
			behind = stuck(a) || behind
		}
	}
	switch s.lists {
	case anyHolder:
		return holders > 0
	case allHolders:
		return holders > 0 && holders == len(held)
	case noQueueOrder:
		behind = false
	}
	return behind || need > s.size-kept
}

func (s *semaphore) idle() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.free != s.size || len(s.held) > 0 || len(s.queue) > 0 {
		return fmt.Errorf("semaphore %s: %d of %d free, %d holders, %d waiting", s.name, s.free, s.size, len(s.held), len(s.queue))
	}
	return nil
}

// without returns queue without w.
func without(queue []*graph.Wait, w *graph.Wait) []*graph.Wait {
	return slices.DeleteFunc(queue, func(q *graph.Wait) bool { return q == w })
}
