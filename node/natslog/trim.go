package natslog

import (
	"context"
	"fmt"
	"time"

	"github.com/hemgo/hem/job"
)

const (
	stepBytes = 4 << 20               // what is forgotten at once, at first
	stepLong  = 10 * time.Millisecond // what takes longer is too much
	stepShort = 3 * time.Millisecond  // what takes less is too little
)

// Trim is [job.Log.Trim]. First the head says what is going to be forgotten, and
// from then on nobody can read it. Then it is removed, some megabytes at a time,
// and those who append go in between. Open completes what was interrupted.
func (l *Log) Trim(ctx context.Context, before uint64) error {
	if err := l.enter(); err != nil {
		return err
	}
	defer l.leave()
	select {
	case <-l.trimming:
		defer func() { l.trimming <- struct{}{} }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	e, err := l.extent(ctx)
	if err != nil {
		return err
	}
	if before > e.last && before > e.first {
		return fmt.Errorf("natslog: trim %s before %d: %w: the last record is %d", l.dir, before, job.ErrConflict, e.last)
	}
	if err := l.head.forget(min(before, max(e.last, 1))); err != nil {
		return fmt.Errorf("natslog: trim %s before %d: %w", l.dir, before, err)
	}
	if err := l.remove(ctx, l.head.get().oldest); err != nil {
		return fmt.Errorf("natslog: trim %s before %d: %w", l.dir, before, err)
	}
	return nil
}

// remove takes the records before oldest out of the store, step by step: whole
// blocks, whose files are deleted. What is left of the block that oldest is in is
// hidden and stays until the next trim, unless it is much of what there is room
// for. To take a part of a block the server writes, and where it cannot it waits
// for itself (errStuck): another program may fill the disk at any moment.
func (l *Log) remove(ctx context.Context, oldest uint64) error {
	var step uint64
	for {
		var e extent
		err := l.try(ctx, func(n *node) (err error) {
			e, err = n.extent(ctx)
			return err
		})
		if err != nil {
			return err
		}
		l.room.used.Store(e.bytes)
		if e.first >= oldest || e.count == 0 {
			return nil
		}
		if step == 0 {
			step = max(stepBytes*e.count/max(uint64(e.bytes), 1), 1)
		}
		to, err := l.nextBlock(e.first, min(e.first+step, oldest), oldest)
		if err != nil {
			return err
		}
		if to == 0 {
			if hidden := int64(uint64(e.bytes) / e.count * (oldest - e.first)); hidden <= l.room.most/4 {
				return nil
			}
			most := l.room.purgeable()
			if most == 0 {
				return fmt.Errorf("%w for what the store writes to forget records", errNoSpace)
			}
			to = min(e.first+min(step, most), oldest)
		}
		began := time.Now()
		err = l.try(ctx, func(n *node) error { return n.purge(ctx, to) })
		if err != nil {
			return err
		}
		took := time.Since(began)
		l.stepped()
		switch {
		case took > stepLong:
			step = max(step/2, 1)
		case took < stepShort:
			step *= 2
		}
		if err := pause(ctx, 2*took); err != nil {
			return err
		}
	}
}

// stepped lets a test in after a step.
func (l *Log) stepped() {
	if l.afterStep != nil {
		l.afterStep()
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
