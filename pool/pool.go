package pool

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/scope"
)

// A Pool is a number of slots and the queue in front of them. It is made by
// [New]; [Pool.With] gives views of it that differ in their options and in
// nothing else. Any goroutine may use it.
type Pool struct {
	room  *room
	level int8 // of priority, from 0
}

// Config says what a pool is. Its zero value is a pool for CPU work.
type Config struct {
	// Name is what reports call the pool. The default is where New was called.
	Name string

	// Size is how many runs may be under way at once. The default is one less
	// than GOMAXPROCS, at least one, and follows its changes: with a processor
	// to spare, a connection that becomes readable waits microseconds instead
	// of time slices of 10 ms.
	Size int

	// Queue is how many pieces of work may wait after their submitters have
	// gone on. Under [Reject] and [Shed] callers of Do count as well; under
	// [Wait] they wait themselves, without taking room. The default is 1024.
	Queue int

	// Overflow is what happens to work that finds the queue full, or waits in
	// it for too long. The default is Wait.
	Overflow Overflow

	// Age is how long a piece of work waits to gain one level of priority.
	// The default is 100 ms.
	Age time.Duration

	// Target is how long work may wait, under Shed, once the pool has not had
	// a slot free for Interval. The defaults are 5 ms and 100 ms.
	Target   time.Duration
	Interval time.Duration
}

const (
	defaultQueue = 1024
	defaultAge   = 100 * time.Millisecond
)

// New makes a pool. It starts no goroutine, and one that is forgotten without
// Close holds nothing.
//
// # Errors
//
// Of kind [fault.Invalid], naming the field and its value: a negative Size,
// Queue, Age, Target or Interval, an Overflow that does not exist, a Target
// that is not shorter than the Interval.
//
//go:noinline
func New(c Config) (*Pool, error) {
	site := graph.CallerPC()
	if err := c.check(); err != nil {
		return nil, err
	}
	r := &room{
		name:     c.Name,
		overflow: c.Overflow,
		bound:    orDefault(c.Queue, defaultQueue),
		age:      orDefault(c.Age, defaultAge),
		target:   orDefault(c.Target, defaultTarget),
		interval: orDefault(c.Interval, defaultInterval),
		epoch:    time.Now(),
		size:     c.Size,
		follows:  c.Size == 0,
		idle:     true,
	}
	if r.name == "" {
		r.name = fault.FrameAt(site).String()
	}
	if r.follows {
		r.size = sizeByDefault()
	}
	r.shown = graph.QueueFor((*line)(r))
	r.unplace = graph.AddPlace(r)
	return &Pool{room: r, level: levelOf(0)}, nil
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

func (c *Config) check() error {
	wrong := func(field string, value any, want string) error {
		return &fault.Error{Op: "pool: new", Task: c.Name, Kind: fault.Invalid,
			Err: fmt.Errorf("value of Config.%s is %v; %s", field, value, want)}
	}
	const notNegative = "it cannot be negative, and zero stands for the default"
	switch {
	case c.Size < 0:
		return wrong("Size", c.Size, notNegative)
	case c.Queue < 0:
		return wrong("Queue", c.Queue, notNegative)
	case c.Overflow < Wait || c.Overflow > Shed:
		return wrong("Overflow", int(c.Overflow), "it is Wait, Reject or Shed")
	case c.Age < 0:
		return wrong("Age", c.Age, notNegative)
	case c.Target < 0:
		return wrong("Target", c.Target, notNegative)
	case c.Interval < 0:
		return wrong("Interval", c.Interval, notNegative)
	case orDefault(c.Target, defaultTarget) >= orDefault(c.Interval, defaultInterval):
		return wrong("Target", orDefault(c.Target, defaultTarget), "it must be shorter than the Interval")
	}
	return nil
}

// An Option varies one view of a pool: see [Pool.With].
type Option struct {
	level int8
}

// With returns the pool seen through opts, such as [Priority]: slots, queue,
// figures and Close are the same pool's.
func (p *Pool) With(opts ...Option) *Pool {
	if p == nil {
		panic("pool: With on a nil Pool")
	}
	view := *p
	for _, o := range opts {
		view.level = o.level
	}
	return &view
}

// Do runs f on the calling goroutine while it holds one of the pool's slots,
// and returns f's error. It waits for a slot if need be, in order of priority
// and arrival; a free slot never goes past somebody who waits.
//
// A caller that holds a slot of the pool already runs f at once: work may call
// Do at any depth. A slot of another pool is lent while f runs here. f's
// context is ctx, or, for a caller outside every task, that of a task which
// lives as long as f runs.
//
// # Cancellation
//
// If ctx ends before f has begun, Do leaves the queue as though it had never
// joined. The error has kind Cancelled or Deadline, Is ctx's cause, and has not
// [fault.Started]. Once begun, f is awaited: it is f that looks at ctx.
//
// # Errors
//
// f's own, untouched. Of the pool, none of them started: [fault.Overloaded] if
// the work was refused or shed, [fault.Invalid] if the pool is closed.
//
// # Panics
//
// A panic of f, and [runtime.Goexit], go on in the caller; the slot is given
// back. Do panics if the pool, ctx or f is nil.
//
// # Cost
//
// For a task with a slot free 40 ns and no allocation, under the pool's own
// slot 13 ns; a caller outside every task is made one, which costs 0.2 µs.
//
//go:noinline
func (p *Pool) Do(ctx context.Context, f func(context.Context) error) error {
	switch {
	case p == nil:
		panic("pool: Do on a nil Pool")
	case ctx == nil || f == nil:
		panic("pool: Do with a nil context or function")
	}
	if t := graph.Current(ctx); t != nil {
		return p.do(ctx, t, f)
	}
	root := new(graph.Task)
	graph.Adopt(root, ctx, graph.Spec{Fn: graph.FuncPC(f), Site: graph.CallerPC()})
	defer root.Gone()
	defer root.Leave()
	return p.do(root, root, f)
}

// do is Do for t, whose goroutine is the caller's.
func (p *Pool) do(ctx context.Context, t *graph.Task, f func(context.Context) error) error {
	if ctx.Err() != nil {
		return p.room.tooLate(ctx, graph.FuncPC(f))
	}
	if slot := t.Slot(); slot != nil {
		if h, ok := slot.(*holder); ok && h.room == p.room {
			return f(ctx)
		}
		before := t.SetSlot(nil)
		slot.Lend(t)
		defer func() {
			t.SetSlot(before)
			slot.Resume(t)
		}()
	}
	h, err := p.room.enter(ctx, t, p.level, graph.FuncPC(f))
	if err != nil {
		return err
	}
	if h == nil {
		return f(ctx) // under a slot that this goroutine holds already
	}
	t.SetSlot(&h.slot)
	defer h.exit(t)
	err = f(ctx)
	h.end = done
	return err
}

// Go starts f as a task of s that runs when the pool has a slot for it: fire
// and forget, but owned. It returns when the pool has accepted f, waiting for
// room under [Wait] if the queue is full. If f fails, or the pool refuses it, s
// is cancelled with the error. Options are those of [scope.Scope.Go].
//
// Under [Wait] a task of s that is at the queue's door is seen there, and lends
// the slot it may hold. When s ends first, f is refused.
//
// # Cancellation
//
// If s ends before f has begun, f leaves the queue and does not run, unlike
// that of a plain scope.Go: the context covers queueing and running.
//
// # Panics
//
// A panic of f, and [runtime.Goexit], are s's affair: see [scope.Run]. The
// slot is given back. Go panics if the pool, s or f is nil, or s is finished.
//
// # Cost
//
// That of a scope's task without its goroutine, one short lock shared by
// submitters and workers and, if f has to wait, a look at the clock; nothing
// more is allocated. A worker goroutine is started when a slot is free, takes
// one piece of work after another, and ends when there is none. A submitter
// at the door goes on when half the queue is free, so that it is woken once
// for many pieces of work.
//
//go:noinline
func (p *Pool) Go(s *scope.Scope, f func(context.Context) error, opts ...scope.Option) {
	switch {
	case p == nil:
		panic("pool: Go on a nil Pool")
	case s == nil || f == nil:
		panic("pool: Go with a nil scope or function")
	}
	place := scope.Via((*launcher)(p), graph.CallerPC())
	if len(opts) > 0 {
		s.Go(f, append(slices.Clone(opts), place)...)
		return
	}
	s.Go(f, place)
}

// Go is [Pool.Go] for a function with a result, which its future has. Like
// [scope.Go]'s, its failure fails s.
//
//go:noinline
func Go[T any](s *scope.Scope, p *Pool, f func(context.Context) (T, error), opts ...scope.Option) *scope.Future[T] {
	if s == nil || p == nil || f == nil {
		panic("pool: Go with a nil scope, pool or function")
	}
	place := scope.Via((*launcher)(p), graph.CallerPC())
	if len(opts) > 0 {
		return scope.Go(s, f, append(slices.Clone(opts), place)...)
	}
	return scope.Go(s, f, place)
}
