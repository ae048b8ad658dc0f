package turns

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/hemgo/hem/internal/graph"
)

// A schedule is the graph's scheduler for one run.
type schedule struct {
	standstill func() // called on a goroutine of its own, once

	// Whenever mu is free:
	//
	//	S1. Only current's goroutine runs; another does no more than what takes
	//	    it to where it waits for its turn.
	//	S2. If current is nil, nobody could go on when that was looked at last.
	mu      sync.Mutex
	rng     *rand.Rand
	all     []*turn // that have not ended, in the order they were spawned
	current *turn
	spawned int
	trace   Trace
	asked   bool  // standstill has been called
	idle    error // what the run was given up with
}

// A turn is one task's.
type turn struct {
	id    int
	t     *graph.Task
	run   chan struct{} // of capacity one: it is the task's turn
	ready bool
	wait  *graph.Wait // what it is parked in, nil if it is not
}

func newSchedule(seed uint64) *schedule {
	return &schedule{rng: rand.New(rand.NewPCG(seed, 15))}
}

// Spawned comes on the spawner's goroutine, which goes on.
func (s *schedule) Spawned(t *graph.Task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spawned++
	me := &turn{id: s.spawned, t: t, run: make(chan struct{}, 1), ready: !t.Has(graph.TaskQueued)}
	s.all = append(s.all, me)
	s.note("spawn", "", me)
}

// Started comes on the task's own goroutine, as all but Woken do from here on.
func (s *schedule) Started(t *graph.Task) { s.line(t).await() }

func (s *schedule) Parking(t *graph.Task, w *graph.Wait) {
	kind := w.Resource().Label().Kind // takes locks of the resource's
	s.mu.Lock()
	defer s.mu.Unlock()
	me := s.of(t)
	me.ready, me.wait = w.Done(), w
	s.note("park", kind, me)
	s.next()
}

func (s *schedule) Resumed(t *graph.Task) {
	me := s.line(t) // also if its context has ended
	me.await()
	s.mu.Lock()
	defer s.mu.Unlock()
	me.wait = nil
}

func (s *schedule) Woken(t *graph.Task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if me := s.of(t); me != nil {
		me.ready = true
		s.note("wake", "", me)
	}
	if s.current == nil {
		s.next()
	}
}

func (s *schedule) Point(t *graph.Task) {
	s.mu.Lock()
	me := s.of(t)
	s.next()
	s.mu.Unlock()
	me.await()
}

func (s *schedule) Ended(t *graph.Task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	me := s.of(t)
	s.note("end", "", me)
	s.all = slices.DeleteFunc(s.all, func(x *turn) bool { return x == me })
	s.next()
}

// line puts t among those who can go on.
func (s *schedule) line(t *graph.Task) *turn {
	s.mu.Lock()
	defer s.mu.Unlock()
	me := s.of(t)
	me.ready = true
	if s.current == nil {
		s.next()
	}
	return me
}

// await returns when it is the task's turn.
func (x *turn) await() { <-x.run }

func (s *schedule) of(t *graph.Task) *turn {
	for _, x := range s.all {
		if x.t == t {
			return x
		}
	}
	return nil
}

// next gives the turn to somebody who can go on; contexts are polled for that.
func (s *schedule) next() {
	var can []*turn
	for _, x := range s.all {
		if x.ready || x.wait != nil && x.wait.Done() {
			can = append(can, x)
		}
	}
	if len(can) == 0 {
		s.current = nil
		if len(s.all) > 0 && !s.asked {
			s.asked = true
			go s.standstill()
		}
		return
	}
	if len(s.trace) > mostSteps {
		panic(fmt.Sprintf("turns: %d steps and no end\n%v", mostSteps, s.trace[mostSteps-20:]))
	}
	s.current = can[s.rng.IntN(len(can))]
	s.note("run", "", s.current)
	select {
	case s.current.run <- struct{}{}:
	default:
		panic(fmt.Sprintf("turns: t%d has the turn twice: two tasks ran at once\n%v", s.current.id, s.trace))
	}
}

func (s *schedule) note(event, on string, who *turn) {
	s.trace = append(s.trace, Step{who.id, event, on})
}
