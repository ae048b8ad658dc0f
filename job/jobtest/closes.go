package jobtest

import (
	"errors"
	"sync"
	"time"

	"github.com/hemgo/hem/job"
)

func closeIsFinal(x *exercise) {
	x.fill(3)
	for range 3 {
		if err := x.log.Close(); err != nil {
			x.Errorf("close: %v", err)
		}
	}
	x.isClosed()
}

// isClosed checks that every call is refused.
func (x *exercise) isClosed() {
	x.Helper()
	x.refuses(job.ErrClosed, x.last(), []byte("too late"))
	x.refuses(job.ErrClosed, x.last()+1, []byte("too late"))
	x.readsNothing(job.ErrClosed, 1)
	x.readsNothing(job.ErrClosed, x.last()+1)
	if _, _, err := x.log.Bounds(x.ctx); !errors.Is(err, job.ErrClosed) {
		x.Errorf("bounds: got %v, want %q", err, job.ErrClosed)
	}
	if err := x.log.Trim(x.ctx, 1); !errors.Is(err, job.ErrClosed) {
		x.Errorf("trim: got %v, want %q", err, job.ErrClosed)
	}
}

// closeWaits closes beside a read that has begun, and beside appends.
func closeWaits(x *exercise) {
	x.fill(20)
	last := x.last()
	var wg sync.WaitGroup
	var readEnded, closed time.Time // of one clock: the order is what counts
	begun := make(chan struct{})
	wg.Go(func() {
		next := uint64(1)
		err := x.log.Read(x.ctx, 1, func(seq uint64, rec []byte) error {
			if next == 1 {
				close(begun)
				time.Sleep(20 * time.Millisecond) // a Close that does not wait returns meanwhile
			}
			if seq != next {
				x.Errorf("record %d comes where %d should", seq, next)
			}
			next++
			readEnded = time.Now()
			return nil
		})
		if next == 1 {
			close(begun)
		}
		if err != nil && !errors.Is(err, job.ErrClosed) || err == nil && next <= last {
			x.Errorf("read beside close: got as far as %d of %d, %v", next-1, last, err)
		}
	})
	<-begun
	if err := x.log.Close(); err != nil {
		x.Errorf("close: %v", err)
	}
	closed = time.Now()
	wg.Wait()
	if readEnded.After(closed) {
		x.Errorf("close returned while a reader was shown records")
	}
	x.isClosed()
}

// again closes the log and opens it again, or skips what follows.
func (x *exercise) again() {
	x.Helper()
	if x.reopen == nil {
		x.Skip("this log cannot be opened again")
	}
	if err := x.log.Close(); err != nil {
		x.Fatalf("close: %v", err)
	}
	if x.log = x.reopen(); x.log == nil {
		x.Fatal("reopen returned no Log")
	}
}

func reopenFinds(x *exercise) {
	x.again()
	x.hasFirst(1) // of an empty log
	for range 3 {
		x.fill(5)
		x.append(make([]byte, job.MaxRecord))
		x.again()
		x.hasFirst(1)
		x.refuses(job.ErrConflict, 0, []byte("stored by mistake"))
		x.refuses(job.ErrConflict, x.last()-1, []byte("stored by mistake"))
	}
	x.fill(1)
	x.finds(1)
}

func reopenFindsTrimmed(x *exercise) {
	x.fill(20)
	for _, before := range []uint64{7, 15, 20} {
		x.trim(before)
		x.again()
		x.hasFirst(before)
		x.trim(3)
		x.hasFirst(before)
	}
	x.refuses(job.ErrConflict, 0, []byte("stored by mistake"))
	x.fill(2)
	x.again()
	x.hasFirst(20)
}
