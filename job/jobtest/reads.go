package jobtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/hemgo/hem/job"
)

func readsFromAnywhere(x *exercise) {
	x.fill(30)
	for from := uint64(1); from <= 30; from++ {
		x.finds(from)
	}
	x.readsNothing(nil, 31)
	x.finds(31)
}

func readsThousand(x *exercise) {
	x.fill(1030) // more than what a page of anything has
	x.finds(1)
	x.finds(500)
}

func readsBeyond(x *exercise) {
	x.fill(3)
	for _, from := range []uint64{5, 6, 1000, 1 << 63, 1<<64 - 1} {
		x.readsNothing(job.ErrDamaged, from)
	}
	x.readsNothing(job.ErrTrimmed, 0)
	x.finds(1)
}

var errReader = errors.New("jobtest: the reader has had enough")

func readersErrorComesBack(x *exercise) {
	x.fill(10)
	for stop := uint64(1); stop <= 10; stop++ {
		want := fmt.Errorf("at %d: %w", stop, errReader)
		next := uint64(1)
		err := x.log.Read(x.ctx, 1, func(seq uint64, rec []byte) error {
			if err := x.sees(&next, seq, rec); err != nil || seq < stop {
				return err
			}
			return want
		})
		if err != want { // untouched is more than Is
			x.Errorf("got %v, want exactly %v", err, want)
		}
		if next != stop+1 {
			x.Errorf("the reader returned an error for record %d, and the last it was shown is %d", stop, next-1)
		}
	}
	for _, own := range []error{job.ErrDamaged, job.ErrTrimmed, context.Canceled} {
		if err := x.log.Read(x.ctx, 1, func(uint64, []byte) error { return own }); err != own {
			x.Errorf("got %v, want exactly %v", err, own)
		}
	}
}

func readerUsesLog(x *exercise) {
	x.fill(10)
	next := uint64(1)
	err := x.log.Read(x.ctx, 1, func(seq uint64, rec []byte) error {
		if err := x.sees(&next, seq, rec); err != nil || seq > 3 {
			return err
		}
		x.fill(1)
		x.finds(seq)
		x.bounds(1)
		x.trim(1)
		return x.sees(&seq, seq, rec) // its bytes are its own until it returns
	})
	if err != nil || next < 11 || next > x.last()+1 {
		x.Errorf("got as far as record %d of %d, %v", next-1, x.last(), err)
	}
	x.finds(1)
}

// readsBesideAppends checks each read against what had been stored when it
// began and when it ended.
func readsBesideAppends(x *exercise) {
	const n = 300
	record := func(seq uint64) string { return fmt.Sprintf("record %d, %0*d", seq, seq%50, 0) }
	var stored atomic.Uint64
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		defer stored.Store(n) // lets the readers end
		for seq := uint64(1); seq <= n; seq++ {
			if err := x.log.Append(x.ctx, seq-1, []byte(record(seq))); err != nil {
				x.Errorf("append of record %d: %v", seq, err)
				return
			}
			stored.Store(seq)
		}
	})
	read := func() bool {
		before := stored.Load()
		from := max(before, 20) - 19
		next := from
		err := x.log.Read(x.ctx, from, func(seq uint64, rec []byte) error {
			if seq != next || string(rec) != record(seq) {
				x.Errorf("record %d comes as %.40q where %d should", seq, rec, next)
				return errReader
			}
			next++
			return nil
		})
		if err != nil || next <= before {
			x.Errorf("read from %d, when there were %d: got as far as %d, %v", from, before, next-1, err)
			return false
		}
		return before < n
	}
	for range 3 {
		wg.Go(func() {
			for read() {
			}
		})
	}
}

var errEnough = errors.New("jobtest: enough has been read")

func readEndsWithContext(x *exercise) {
	x.fill(300)
	for _, stop := range []uint64{0, 1, 20} {
		ctx, cancel := context.WithCancelCause(x.ctx)
		if stop == 0 {
			cancel(errEnough)
		}
		next := uint64(1)
		err := x.log.Read(ctx, 1, func(seq uint64, rec []byte) error {
			if seq == stop {
				cancel(errEnough)
			}
			return x.sees(&next, seq, rec)
		})
		if !errors.Is(err, context.Canceled) && !errors.Is(err, errEnough) {
			x.Errorf("the context ends after %d records: got %v, want its error", stop, err)
		}
		if next == 301 {
			x.Errorf("the context ends after %d records, and all 300 are read", stop)
		}
		cancel(nil)
	}
	x.finds(1)
}
