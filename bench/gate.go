package main

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/hemgo/hem/internal/graph"
)

// A gate lets its waiter pass once each time it is opened. It is the smallest
// resource there can be on internal/graph: with it, parking itself is measured
// and not a lock.
type gate struct {
	by atomic.Pointer[graph.Task] // who opens it

	mu     sync.Mutex
	open   bool
	waiter *graph.Wait
}

// pass waits until the gate is open, and closes it.
func (g *gate) pass(ctx context.Context) error {
	g.mu.Lock()
	if g.open {
		g.open = false
		g.mu.Unlock()
		return nil
	}
	g.mu.Unlock()
	var w graph.Wait
	w.Begin(ctx, g)
	g.mu.Lock()
	if g.open {
		g.open = false
		g.mu.Unlock()
		w.Abandon()
		return nil
	}
	g.waiter = &w
	w.Publish()
	g.mu.Unlock()
	err := w.Park()
	if err != nil {
		g.mu.Lock()
		if g.waiter == &w {
			g.waiter = nil
		}
		g.mu.Unlock()
	}
	return err
}

// let opens the gate. It never blocks.
func (g *gate) let() {
	g.mu.Lock()
	w := g.waiter
	g.waiter = nil
	g.open = w == nil || !w.Claim()
	if g.open {
		w = nil
	}
	g.mu.Unlock()
	if w != nil {
		w.Wake()
	}
}

// Blocked is true if nobody is left to open the gate.
func (g *gate) Blocked(_ *graph.Task, stuck func(*graph.Task) bool) bool {
	by := g.by.Load()
	return by != nil && stuck(by)
}

// Label names the gate in reports.
func (g *gate) Label() graph.Label { return graph.Label{Kind: "gate"} }
