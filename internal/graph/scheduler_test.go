package graph_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/hemgo/hem/internal/graph"
)

// turns is the smallest scheduler that controls tasks: one runs at a time, and
// a seed says who is next whenever that could be somebody else.
type turns struct {
	mu      sync.Mutex
	rng     *rand.Rand
	all     []*turn // that have not ended, in the order they were spawned
	current *turn
	spawned int
	trace   []string
	onIdle  func() // called when every task waits and none can go on
}

// turn is one task's.
type turn struct {
	id    string
	t     *graph.Task
	go_   chan struct{} // of capacity one: run
	ready bool
	wait  *graph.Wait
}

func newTurns(seed uint64) *turns { return &turns{rng: rand.New(rand.NewPCG(seed, 15))} }

// Spawned comes on the spawner's goroutine, which goes on.
func (s *turns) Spawned(t *graph.Task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spawned++
	me := &turn{id: fmt.Sprint("t", s.spawned), t: t, go_: make(chan struct{}, 1), ready: !t.Has(graph.TaskQueued)}
	s.all = append(s.all, me)
	s.note("spawn", me)
}

// Started comes on the task's own goroutine, as do all but Woken.
func (s *turns) Started(t *graph.Task) {
	s.mu.Lock()
	me := s.of(t)
	me.ready = true
	if s.current == nil {
		s.next()
	}
	s.mu.Unlock()
	<-me.go_
}

func (s *turns) Parking(t *graph.Task, w *graph.Wait) {
	s.mu.Lock()
	defer s.mu.Unlock()
	me := s.of(t)
	me.ready, me.wait = w.Done(), w
	s.note("park on "+w.Resource().Label().Kind, me)
	s.next()
}

func (s *turns) Resumed(t *graph.Task) {
	s.mu.Lock()
	me := s.of(t)
	me.ready = true // also if its context has ended
	if s.current == nil {
		s.next()
	}
	s.mu.Unlock()
	<-me.go_
	s.mu.Lock()
	defer s.mu.Unlock()
	me.wait = nil
}

func (s *turns) Woken(t *graph.Task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if me := s.of(t); me != nil {
		me.ready = true
		s.note("wake", me)
	}
	if s.current == nil {
		s.next()
	}
}

func (s *turns) Point(t *graph.Task) {
	s.mu.Lock()
	me := s.of(t)
	s.next()
	s.mu.Unlock()
	<-me.go_
}

func (s *turns) Ended(t *graph.Task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	me := s.of(t)
	s.note("end", me)
	s.all = slices.DeleteFunc(s.all, func(x *turn) bool { return x == me })
	s.next()
}

func (s *turns) of(t *graph.Task) *turn {
	for _, x := range s.all {
		if x.t == t {
			return x
		}
	}
	return nil
}

// next gives the turn to somebody who can run; contexts are polled for that.
func (s *turns) next() {
	var can []*turn
	for _, x := range s.all {
		if x.ready || x.wait != nil && x.wait.Done() {
			can = append(can, x)
		}
	}
	if len(can) == 0 {
		s.current = nil
		if len(s.all) > 0 && s.onIdle != nil {
			s.onIdle()
		}
		return
	}
	s.current = can[s.rng.IntN(len(can))]
	s.note("run", s.current)
	select {
	case s.current.go_ <- struct{}{}:
	default: // it was told before: two ran at once, which the trace shows
		s.note("told twice", s.current)
	}
}

func (s *turns) note(what string, who *turn) { s.trace = append(s.trace, who.id+" "+what) }
