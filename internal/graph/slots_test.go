package graph_test

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/hemgo/hem/internal/graph"
)

// slots is a pool's worth of places to run, lent while their holder waits.
type slots struct {
	name        string
	countParked bool // wrong: those who have lent theirs are asked too
	mu          sync.Mutex
	size, busy  int
	holders     []*graph.Task
	queue       []*graph.Wait
}

func (s *slots) Label() graph.Label { return graph.Label{Kind: "slot", Name: s.name} }

// Run runs f in a slot.
func (s *slots) Run(ctx context.Context, f func()) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	t := graph.Current(ctx)
	var slot graph.Slot = s
	var before *graph.Slot
	if t != nil {
		before = t.SetSlot(&slot)
	}
	s.mu.Lock()
	s.holders = append(s.holders, t)
	s.mu.Unlock()
	defer func() {
		if t != nil {
			t.SetSlot(before)
		}
		s.mu.Lock()
		i := slices.Index(s.holders, t)
		s.holders = slices.Delete(s.holders, i, i+1)
		s.giveAndUnlock()
	}()
	f()
	return nil
}

func (s *slots) enter(ctx context.Context) error {
	w := new(graph.Wait)
	w.Begin(ctx, s)
	s.mu.Lock()
	if s.busy < s.size {
		s.busy++
		s.mu.Unlock()
		w.Abandon()
		return nil
	}
	s.queue = append(s.queue, w)
	w.Publish()
	s.mu.Unlock()
	seen.parks.Add(1)
	err := w.Park()
	if err != nil {
		s.mu.Lock()
		s.queue = without(s.queue, w)
		s.mu.Unlock()
	}
	return err
}

// giveAndUnlock gives one busy place back, to the oldest waiter there is room for.
func (s *slots) giveAndUnlock() {
	s.busy--
	var w *graph.Wait
	for w == nil && s.busy < s.size && len(s.queue) > 0 {
		if next := s.queue[0]; next.Claim() {
			w = next
			s.busy++
		}
		s.queue = s.queue[1:]
	}
	s.mu.Unlock()
	if w != nil {
		w.Wake()
	}
}

func (s *slots) Lend(*graph.Task) {
	s.mu.Lock()
	s.giveAndUnlock()
}

func (s *slots) Resume(*graph.Task) {
	s.mu.Lock()
	s.busy++
	s.mu.Unlock()
}

func (s *slots) Blocked(_ *graph.Task, stuck func(*graph.Task) bool) bool {
	seen.questions.Add(1)
	if !s.countParked {
		return false
	}
	s.mu.Lock()
	holders := slices.Clone(s.holders)
	s.mu.Unlock()
	return slices.ContainsFunc(holders, func(t *graph.Task) bool { return t != nil && stuck(t) })
}

func (s *slots) idle() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy != 0 || len(s.queue) > 0 {
		return fmt.Errorf("slots %s: %d busy, %d waiting", s.name, s.busy, len(s.queue))
	}
	return nil
}
