package jobtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/hemgo/hem/job"
)

// hasFirst checks that first is the oldest record left, and that the rest is whole.
func (x *exercise) hasFirst(first uint64) {
	x.Helper()
	x.bounds(first)
	x.finds(first)
	x.finds(max(first, x.last()))
	x.readsNothing(nil, x.last()+1)
	x.readsNothing(job.ErrDamaged, x.last()+2)
	for _, from := range []uint64{0, 1, first / 2, first - 1} {
		if from < first {
			x.readsNothing(job.ErrTrimmed, from)
		}
	}
}

func trimForgets(x *exercise) {
	x.fill(40)
	for _, before := range []uint64{2, 3, 10, 39, 40} {
		x.trim(before)
		x.hasFirst(before)
	}
}

func trimIsMonotonic(x *exercise) {
	x.fill(20)
	for _, before := range []uint64{0, 1} {
		x.trim(before)
		x.hasFirst(1)
	}
	x.trim(10)
	for _, before := range []uint64{10, 9, 2, 1, 0, 10} {
		x.trim(before)
		x.hasFirst(10)
	}
}

func trimKeepsLast(x *exercise) {
	tooFar := func(befores ...uint64) {
		x.Helper()
		for _, before := range befores {
			if err := x.log.Trim(x.ctx, before); !errors.Is(err, job.ErrConflict) {
				x.Errorf("trim before record %d of %d: got %v, want %q", before, x.last(), err, job.ErrConflict)
			}
		}
	}
	tooFar(2, 100, 1<<64-1)
	x.hasFirst(1)
	x.fill(5)
	tooFar(6, 7, 100, 1<<63, 1<<64-1)
	x.hasFirst(1)
	x.trim(5)
	tooFar(6, 100)
	x.hasFirst(5)
}

func trimmedGoesOn(x *exercise) {
	other := []byte("stored by mistake")
	for range 10 {
		x.fill(3)
		x.trim(x.last())
		x.refuses(job.ErrConflict, 0, other) // it is not a new log
		x.refuses(job.ErrConflict, x.last()-1, other)
		x.refuses(job.ErrConflict, x.last()+1, other)
		x.hasFirst(x.last())
	}
	x.fill(2)
	x.hasFirst(x.last() - 2)
}

// trimsWhileReading trims what its reader has not seen.
func trimsWhileReading(x *exercise) {
	x.fill(100)
	next := uint64(1)
	err := x.log.Read(x.ctx, 1, func(seq uint64, rec []byte) error {
		if seq == 3 {
			x.trim(90)
		}
		return x.sees(&next, seq, rec)
	})
	if !errors.Is(err, job.ErrTrimmed) && (err != nil || next != 101) {
		x.Errorf("got as far as record %d of 100, %v; want all or %q", next-1, err, job.ErrTrimmed)
	}
	x.hasFirst(90)
}

// readsBesideTrims appends, trims and reads at once.
func readsBesideTrims(x *exercise) {
	const n, kept = 400, 8
	var stored atomic.Uint64
	var wg sync.WaitGroup
	wg.Go(func() {
		defer stored.Store(n) // lets the others end
		for seq := uint64(1); seq <= n; seq++ {
			if err := x.log.Append(x.ctx, seq-1, fmt.Append(nil, seq)); err != nil {
				x.Errorf("append of record %d beside trims: %v", seq, err)
				return
			}
			stored.Store(seq)
		}
	})
	wg.Go(func() {
		for last := uint64(0); last < n; {
			last = stored.Load()
			before := max(last, kept) - kept
			if err := x.log.Trim(x.ctx, before); err != nil {
				x.Errorf("trim before record %d of %d: %v", before, last, err)
				return
			}
		}
	})
	for range 2 {
		wg.Go(func() {
			for last := uint64(0); last < n; {
				last = stored.Load()
				x.readsAllOrTrimmed(max(last, 2*kept)-2*kept+1, last)
			}
		})
	}
	wg.Wait()
	x.recs = nil
	for seq := range n {
		x.recs = append(x.recs, fmt.Append(nil, seq+1))
	}
	if !x.Failed() {
		x.hasFirst(n - kept)
	}
}

// readsAllOrTrimmed reads while others append and trim.
func (x *exercise) readsAllOrTrimmed(from, last uint64) {
	next := from
	err := x.log.Read(x.ctx, from, func(seq uint64, rec []byte) error {
		if seq != next || string(rec) != fmt.Sprint(seq) {
			x.Errorf("record %d comes as %.40q where %d should", seq, rec, next)
			return errReader
		}
		next++
		return nil
	})
	if errors.Is(err, job.ErrTrimmed) || err == errReader {
		return
	}
	if err != nil || next <= last {
		x.Errorf("read from %d of %d beside trims: got as far as %d, %v", from, last, next-1, err)
	}
}

func trimInterrupted(x *exercise) {
	x.fill(200)
	for before := uint64(50); before <= 200; before += 50 {
		ctx, cancel := context.WithCancel(x.ctx)
		var wg sync.WaitGroup
		if before == 50 {
			cancel()
		} else {
			wg.Go(cancel)
		}
		err := x.log.Trim(ctx, before)
		wg.Wait()
		if err != nil && !errors.Is(err, context.Canceled) {
			x.Errorf("trim whose context ends: %v", err)
		}
		first, _, boundsErr := x.log.Bounds(x.ctx)
		if boundsErr != nil || first > before || err == nil && first != before {
			x.Fatalf("trim before record %d: %v; then bounds begin at %d, %v", before, err, first, boundsErr)
		}
		x.hasFirst(first)
		x.trim(before)
		x.hasFirst(before)
	}
}
