package job

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/record"
)

// A record of an owner is one that a Log takes.
var _ = [1]struct{}{}[record.Max-MaxRecord]

// takeOver makes o the owner of its log.
func (o *Owner) takeOver(ctx context.Context) (next owner.Next, err error) {
	for range mostReadings {
		next, err = o.tryTakeOver(ctx)
		if !errors.Is(err, ErrTrimmed) && !errors.Is(err, owner.ErrDeposed) {
			return next, err
		}
		// The owner before has trimmed what was to be read, or Bounds was stale.
		// Deposed while taking over is the same, of the record that was sent.
		if err := sleep(ctx, trimmedPause); err != nil {
			return next, err
		}
	}
	return next, err
}

const (
	mostReadings = 50
	trimmedPause = 100 * time.Millisecond
)

func (o *Owner) tryTakeOver(ctx context.Context) (next owner.Next, err error) {
	if err := o.replay(ctx); err != nil {
		return next, err
	}
	next, err = o.core.TakeOver(o.now())
	trim := next.Trim
	defer func() { next.Trim = trim }()
	for err == nil && next.Do != owner.Idle {
		if err := sleep(ctx, next.Pause); err != nil {
			return next, err
		}
		if next.Do == owner.ReadOn {
			if err = o.store.Read(ctx, next.After+1, o.core.Replay); err == nil {
				next, err = o.core.TakeOver(o.now())
			}
			continue
		}
		next, err = o.carryOut(ctx, next)
	}
	return next, err
}

// replay reads the log with a new core.
func (o *Owner) replay(ctx context.Context) error {
	first, _, err := o.store.Bounds(ctx)
	if err != nil {
		return err
	}
	o.core = owner.New(owner.Config{
		Owner:         record.NewID(),
		Log:           record.NewID(),
		Limits:        o.config.shard(),
		Queues:        o.config.queues(),
		Weights:       o.config.weights(),
		Caps:          o.config.caps(),
		Calendar:      newAlmanac(&o.config),
		SnapshotAfter: o.config.SnapshotAfter,
	})
	o.core.Start(first)
	return o.store.Read(ctx, first, o.core.Replay)
}

// carryOut does what next says, and tells the core what came of it.
func (o *Owner) carryOut(ctx context.Context, next owner.Next) (owner.Next, error) {
	switch next.Do {
	case owner.Append:
		var err error
		began := time.Now()
		o.outside(func() { err = o.store.Append(ctx, next.After, next.Rec) })
		o.took = time.Since(began)
		o.note(err)
		next = o.core.Appended(o.now(), classify(err))
	case owner.Look:
		var rec []byte
		var err error
		o.outside(func() { rec, err = o.look(ctx, next.After+1) })
		next = o.core.Looked(o.now(), rec, classify(err))
	}
	if next.Do == owner.Ended {
		return next, next.Err
	}
	if ctx.Err() != nil && next.Do != owner.Idle {
		return next, context.Cause(ctx)
	}
	return next, nil
}

// note tells the user's log when appending begins to be in trouble, and when it
// no longer is.
func (o *Owner) note(err error) {
	switch {
	case errors.Is(err, ErrConflict): // that is for the core to judge
	case err != nil && !o.trouble:
		o.trouble = true
		o.config.Log.Warn("job: the log does not take a record, and is asked again", "name", o.config.Name, "err", err)
	case err == nil && o.trouble:
		o.trouble = false
		o.config.Log.Info("job: the log takes records again", "name", o.config.Name)
	}
}

// look returns the record seq, nil if the log ends before it.
func (o *Owner) look(ctx context.Context, seq uint64) (rec []byte, err error) {
	err = o.store.Read(ctx, seq, func(_ uint64, r []byte) error {
		rec = bytes.Clone(r)
		return errSeen
	})
	if err == errSeen {
		return rec, nil
	}
	return nil, err
}

var errSeen = errors.New("job: the record has been seen")

// classify says what an error of the log is to the core.
func classify(err error) error {
	if err == nil {
		return nil
	}
	for _, c := range [...]struct{ log, core error }{
		{ErrConflict, owner.ErrConflict},
		{ErrFull, owner.ErrFull},
		{ErrTooLarge, owner.ErrTooLarge},
		{ErrDamaged, owner.ErrDamaged},
		{ErrTrimmed, owner.ErrTrimmed},
		{ErrClosed, owner.ErrClosed},
	} {
		if errors.Is(err, c.log) && !errors.Is(err, ErrUnknown) {
			return &classified{c.core, err}
		}
	}
	return &classified{owner.ErrUnknown, err}
}

// A classified error has the text of the log's and is the core's as well.
type classified struct{ core, log error }

func (c *classified) Error() string   { return c.log.Error() }
func (c *classified) Unwrap() []error { return []error{c.core, c.log} }

// sleep waits for d, unless ctx ends first.
func sleep(ctx context.Context, d time.Duration) error {
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}
