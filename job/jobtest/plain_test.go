package jobtest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hemgo/hem/job"
)

// A plain log is as simple as one can be. It keeps the contract unless it has a
// flaw: what it does with each is where the flaw's name is.
type plain struct {
	flaw string

	mu     sync.Mutex
	using  sync.WaitGroup
	closed bool
	first  uint64
	last   uint64
	recs   map[uint64][]byte
}

func newPlain(flaw string) *plain {
	l := &plain{flaw: flaw, first: 1, recs: make(map[uint64][]byte)}
	if l.has("begins with a record") {
		l.store([]byte("hello"))
	}
	return l
}

func (l *plain) has(flaw string) bool { return l.flaw == flaw }

func (l *plain) store(rec []byte) {
	l.last++
	l.recs[l.last] = rec
}

func (l *plain) enter() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return job.ErrClosed
	}
	l.using.Add(1)
	return nil
}

func (l *plain) Append(ctx context.Context, after uint64, rec []byte) error {
	if err := l.enter(); err != nil && !l.has("appends when it is closed") {
		return err
	} else if err == nil {
		defer l.using.Done()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.fits(rec); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return l.ended(ctx, rec)
	}
	if after != l.last && !l.passes(after) {
		if l.has("stores the loser") && after+1 == l.last {
			l.recs[l.last] = bytes.Clone(rec)
		}
		if l.has("does not say conflict") {
			return errors.New("refused")
		}
		if l.has("says unknown for a conflict") {
			return job.ErrUnknown
		}
		return job.ErrConflict
	}
	if l.has("lets two win") {
		l.mu.Unlock()
		time.Sleep(time.Millisecond)
		l.mu.Lock()
	}
	switch {
	case l.has("keeps the caller's slice"):
	case l.has("cuts the end of a line"):
		rec = bytes.Clone(bytes.TrimRight(rec, "\n"))
	case l.has("drops what it has already") && bytes.Equal(rec, l.recs[l.last]):
		return nil
	default:
		rec = bytes.Clone(rec)
	}
	l.store(rec)
	return nil
}

// fits refuses what is too large.
func (l *plain) fits(rec []byte) error {
	most := job.MaxRecord
	switch {
	case l.has("takes one byte too many"):
		most++
	case l.has("takes one byte too few"):
		most--
	}
	if len(rec) > 0 && len(rec) <= most || len(rec) == 0 && l.has("takes empty records") {
		return nil
	}
	if l.has("stores what is too large") {
		l.store(bytes.Clone(rec))
	}
	return job.ErrTooLarge
}

// ended answers an append whose context has ended: nothing has been stored.
func (l *plain) ended(ctx context.Context, rec []byte) error {
	switch {
	case l.has("forgets to say unknown"):
		return ctx.Err()
	case l.has("stores twice what is unknown"):
		l.store(bytes.Clone(rec))
		l.store(bytes.Clone(rec))
	case l.has("stores half of what is unknown"):
		l.store(bytes.Clone(rec[:len(rec)/2]))
	case l.has("says nil and stores nothing"):
		return nil
	}
	return job.ErrUnknown
}

// passes says which conflicts the log does not see.
func (l *plain) passes(after uint64) bool {
	switch {
	case l.has("lets an older predecessor pass"):
		return after < l.last
	case l.has("lets a later predecessor pass"):
		return after > l.last
	case l.has("is off by one"):
		return after+1 == l.last
	case l.has("believes the first"):
		return l.last == 0
	case l.has("takes zero for any"):
		return after == 0
	case l.has("takes zero for any once it was trimmed"):
		return after == 0 && l.first > 1
	}
	return false
}

func (l *plain) Read(ctx context.Context, from uint64, f func(uint64, []byte) error) error {
	if err := l.enter(); err != nil {
		return err
	}
	if l.has("does not wait when it closes") {
		l.using.Done()
	} else {
		defer l.using.Done()
	}
	last, err := l.span(from)
	if l.has("holds its lock while it reads") {
		l.mu.Lock()
		defer l.mu.Unlock()
	}
	for seq := max(from, 1); err == nil && seq <= last; seq++ {
		if ctx.Err() != nil && !l.has("reads on when its context has ended") {
			if l.has("ends in silence with its context") {
				return nil
			}
			return ctx.Err()
		}
		var rec []byte
		if l.has("holds its lock while it reads") {
			rec = l.recs[seq]
		} else {
			rec, err = l.show(&seq)
		}
		if err != nil {
			break
		}
		if err := f(seq, rec); err != nil && !l.has("reads on after an error") {
			if l.has("wraps the reader's error") {
				return fmt.Errorf("read: %w", err)
			}
			return err
		}
	}
	return err
}

func (l *plain) span(from uint64) (last uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case from == 0 && l.has("takes zero for the first"):
	case from < l.first && l.has("does not say what was trimmed"):
	case from < l.first:
		return 0, job.ErrTrimmed
	case from > l.last+1 && !l.has("reads nothing where nothing is"):
		return 0, job.ErrDamaged
	case from == l.last+1 && l.has("takes the end for damage"):
		return 0, job.ErrDamaged
	}
	if l.has("ends before the last") && l.last > 0 {
		return l.last - 1, nil
	}
	if l.has("ends after 256 records") {
		return min(l.last, from+255), nil
	}
	return l.last, nil
}

// show returns record *seq.
func (l *plain) show(seq *uint64) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if *seq < l.first {
		switch {
		case l.has("jumps over what is trimmed"), l.has("does not say what was trimmed"):
			*seq = l.first
		case l.has("ends where it is trimmed"):
			*seq = 1<<64 - 2
			return nil, nil
		default:
			return nil, job.ErrTrimmed
		}
	}
	rec, ok := l.recs[*seq]
	if !ok && l.has("passes over a gap") {
		for !ok {
			*seq++
			rec, ok = l.recs[*seq]
		}
	}
	if !ok {
		return nil, job.ErrDamaged
	}
	if l.has("shows its own bytes") {
		return rec, nil
	}
	return bytes.Clone(rec), nil
}

func (l *plain) Bounds(context.Context) (first, last uint64, err error) {
	if err := l.enter(); err != nil {
		return 0, 0, err
	}
	defer l.using.Done()
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.has("says zero for the first of none") && l.last == 0:
		return 0, 0, nil
	case l.has("says that nothing was trimmed"):
		return 1, l.last, nil
	}
	return l.first, l.last, nil
}

func (l *plain) Trim(ctx context.Context, before uint64) error {
	if err := l.enter(); err != nil {
		return err
	}
	defer l.using.Done()
	l.mu.Lock()
	defer l.mu.Unlock()
	if before > l.last {
		switch {
		case l.has("trims the last"):
			before = l.last + 1
		case l.has("trims up to the last when it says conflict"):
			l.first = max(l.first, l.last)
			return job.ErrConflict
		case l.has("takes too much for all but one"):
			before = l.last
		default:
			return job.ErrConflict
		}
	}
	if ctx.Err() != nil {
		if l.has("trims the newest first") || l.has("passes over a gap") {
			delete(l.recs, before-1)
		}
		return ctx.Err()
	}
	switch {
	case l.has("trims one too many"):
		before = min(before+1, l.last)
	case l.has("trims one too few"):
		before = max(before, 1) - 1
	case l.has("refuses to trim again") && before < l.first:
		return job.ErrTrimmed
	}
	if before > l.first || l.has("trims backwards") {
		l.first = max(before, 1)
	}
	return nil
}

func (l *plain) Close() error {
	l.mu.Lock()
	again := l.closed
	l.closed = true
	l.mu.Unlock()
	if again && l.has("closes once") {
		return job.ErrClosed
	}
	l.using.Wait()
	return nil
}

func (l *plain) reopen() job.Log {
	next := newPlain(l.flaw)
	next.first, next.last, next.recs = l.first, l.last, l.recs
	switch {
	case l.has("is new when it is reopened"):
		next.first, next.last = 1, 0
	case l.has("loses the last when it is reopened"):
		next.last = max(l.last, 1) - 1
	case l.has("has it all when it is reopened"):
		next.first = 1
	}
	return next
}
