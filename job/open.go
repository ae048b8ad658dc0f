package job

import (
	"context"
	"errors"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/job/internal/owner"
)

// Open takes a log over: it reads what there is, says in the log that it is the
// owner from now on, and returns when that is so. Whoever owned the log before
// finds out with its next record, of which nothing is stored. Sessions end, and
// what they had claimed is ready again.
//
// The log is not the owner's: who has opened it closes it, after the owner.
//
// # Cancellation
//
// ctx is about Open, and not about the owner. When it ends, the log is as it was,
// or has an owner that is gone, which the next Open takes over from.
//
// # Errors
//
//	fault.Invalid    a value of c is wrong, or a newer version of this package
//	                 wrote the log.
//	fault.Failed     with [ErrDamaged]: what is wrong with which record, and
//	                 what a person can do. Nothing was written. Not
//	                 [fault.Retryable].
//	fault.Lost       the log could not be read or appended to.
//	fault.Cancelled  and Deadline: ctx has ended.
//
// # Panics
//
// Open panics if ctx or log is nil.
func Open(ctx context.Context, log Log, c Config) (*Owner, error) {
	if ctx == nil || log == nil {
		panic("job: Open with a nil context or Log")
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	c.setDefaults()
	return open(ctx, log, c, wallClock())
}

// wallClock tells the time, and how much of it has passed since wallClock was
// called, which no change of the calendar disturbs.
func wallClock() func() owner.Time {
	start := time.Now()
	return func() owner.Time {
		t := time.Now()
		return owner.Time{Wall: t.UnixMicro(), Mono: t.Sub(start).Microseconds()}
	}
}

func open(ctx context.Context, log Log, c Config, now func() owner.Time) (*Owner, error) {
	o := &Owner{config: c, store: log, now: now, done: make(chan struct{})}
	o.inbox.bell = make(chan struct{}, 1)
	if l, ok := log.(interface{ Low() error }); ok {
		o.low = l.Low
	}
	if l, ok := log.(interface{ Room() int64 }); ok {
		o.room = l.Room
	}
	if len(c.Tasks) > 0 {
		o.tasks = make(map[string]bool, len(c.Tasks))
		for _, t := range c.Tasks {
			o.tasks[t.Name()] = true
		}
	}
	o.limits = make(map[string]bool, len(c.Limits))
	for name := range c.Limits {
		o.limits[name] = true
	}
	began := time.Now()
	o.mine.Lock() // for the loop
	next, err := o.takeOver(ctx)
	if err != nil {
		return nil, notOpened(ctx, c.Name, err)
	}
	f := o.core.Figures()
	o.log = f.Log
	o.round.Store(1)
	o.publish()
	c.Log.Info("job: the log is owned", "name", c.Name, "term", f.Term, "record", f.Last, "live", f.Counts.Live(), "took", time.Since(began))
	o.unplace = graph.AddPlace((*place)(o))
	// The owner outlives whoever opened it, and keeps nothing of its context.
	o.ctx, o.stop = context.WithCancel(context.Background())
	go o.run(next)
	return o, nil
}

// notOpened is why the log could not be taken over.
func notOpened(ctx context.Context, name string, err error) error {
	e := &fault.Error{Op: opOpen, Task: name, Kind: fault.Lost, Err: err, Started: true}
	var damage *owner.DamageError
	switch {
	case errors.As(err, &damage):
		damaged(e, damage)
	case errors.Is(err, ErrDamaged):
		e.Kind, e.Hint = fault.Failed, fault.HintOf(err)
		e.Err = fault.Permanent(err)
	case ctx.Err() != nil:
		g := goneBy(ctx, context.Cause(ctx))
		e.Kind, e.Err = g.kind, g.cause
	}
	return e
}
