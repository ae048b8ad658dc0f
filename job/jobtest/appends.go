package jobtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/hemgo/hem/job"
)

func newIsEmpty(x *exercise) {
	x.bounds(1)
	x.readsNothing(nil, 1)
	x.readsNothing(job.ErrDamaged, 2)
	x.readsNothing(job.ErrTrimmed, 0)
}

func appendsCount(x *exercise) {
	for range 20 {
		x.fill(1)
		x.bounds(1)
		x.finds(1)
	}
	x.append(x.recs[0]) // equal bytes are another record
	x.append(x.recs[0])
	x.bounds(1)
	x.finds(1)
}

func conflictsHold(x *exercise) {
	other := []byte("stored by mistake")
	x.refuses(job.ErrConflict, 1, other)
	x.refuses(job.ErrConflict, 1<<63, other)
	x.refuses(job.ErrConflict, 1<<64-1, other)
	x.bounds(1)
	x.readsNothing(nil, 1)
	x.fill(5)
	for _, after := range []uint64{0, 1, 3, 4, 6, 7, 100, 1 << 63, 1<<64 - 1} {
		x.refuses(job.ErrConflict, after, other)
		x.refuses(job.ErrConflict, after, x.recs[4])
		x.bounds(1)
	}
	x.finds(1)
	x.fill(1) // where it should be, it still can be
	x.finds(1)
	x.bounds(1)
}

func sizesArrive(x *exercise) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := 1; n <= 40; n++ {
		x.append(hard(r, n))
	}
	for n := 64; n <= job.MaxRecord; n *= 2 {
		x.append(hard(r, n-1))
		x.append(hard(r, n))
		if n < job.MaxRecord {
			x.append(hard(r, n+1))
		}
	}
	for range 20 {
		x.append(hard(r, 1+r.IntN(8<<10)))
	}
	for _, text := range []string{"\x00", "\xff", "\n", "\r\n", "+OK\r\n", "{", "\u2028", "\x00\x00\x00\x01"} {
		x.append([]byte(text))
		x.append(bytes.Repeat([]byte(text), 3000))
	}
	x.finds(1)
	x.finds(x.last())
	x.bounds(1)
}

// hard returns n bytes of the kinds that stores stumble on, in turn: chance,
// zeros, ones, ends of line, and what a protocol of lines would say.
func hard(r *rand.Rand, n int) []byte {
	rec := make([]byte, n)
	fill := [][]byte{nil, {0}, {0xff}, []byte("\r\n"), []byte("PUB a 2\r\n\r\nMSG _INBOX 1 5\r\n")}[r.IntN(5)]
	for i := range rec {
		if fill == nil {
			rec[i] = byte(r.Uint32())
		} else {
			rec[i] = fill[i%len(fill)]
		}
	}
	return rec
}

func limitsHold(x *exercise) {
	large := bytes.Repeat([]byte("x"), job.MaxRecord+1)
	refused := func() {
		x.Helper()
		for _, rec := range [][]byte{nil, {}, large, append(large, large...)} {
			x.refuses(job.ErrTooLarge, x.last(), rec)
			x.bounds(1)
		}
	}
	refused()
	x.append(large[:job.MaxRecord])
	refused()
	x.fill(1)
	x.finds(1)
	x.bounds(1)
}

func bytesAreOwn(x *exercise) {
	rec := make([]byte, 3000)
	for i := range 20 {
		for j := range rec {
			rec[j] = byte(i)
		}
		x.append(rec[:100+i])
		overwrite(rec) // at once: whatever still reads it would be too late
	}
	x.finds(1)
	err := x.log.Read(x.ctx, 1, func(_ uint64, rec []byte) error {
		_ = append(rec, "which must not run into the next"...)
		overwrite(rec)
		return nil
	})
	if err != nil {
		x.Error(err)
	}
	x.finds(1)
}

func endedAppendIsUnknown(x *exercise) {
	x.fill(3)
	ctx, cancel := context.WithCancel(x.ctx)
	cancel()
	for i := range 5 {
		rec := fmt.Appendf(nil, "perhaps %d", i)
		x.outcome(rec, x.log.Append(ctx, x.last(), rec))
	}
	x.finds(1)
	x.bounds(1)
}

// outcome takes in what the append of rec has answered, whose context ends.
func (x *exercise) outcome(rec []byte, err error) {
	x.Helper()
	switch {
	case err == nil:
		x.recs = append(x.recs, bytes.Clone(rec))
	case errors.Is(err, job.ErrUnknown):
		x.settle(rec)
	default:
		x.Fatalf("append of record %d, whose context ends: got %v, want %q", x.last()+1, err, job.ErrUnknown)
	}
}

// settle does what an owner does about an append whose outcome it does not
// know: sends the same bytes again, until they are there.
func (x *exercise) settle(rec []byte) {
	x.Helper()
	var err error
	for range 1000 {
		if err = x.log.Append(x.ctx, x.last(), rec); err == nil || errors.Is(err, job.ErrConflict) {
			x.recs = append(x.recs, bytes.Clone(rec)) // what is there instead, finds tells
			x.finds(x.last())
			return
		}
		if !errors.Is(err, job.ErrUnknown) {
			break
		}
	}
	x.Fatalf("append of record %d again: %v", x.last()+1, err)
}

func unknownIsSettled(x *exercise) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 60 {
		rec := hard(r, 1+r.IntN(64<<10))
		rec = fmt.Appendf(rec, "#%d", x.last()+1)
		ctx, cancel := context.WithCancel(x.ctx)
		var wg sync.WaitGroup
		wg.Go(cancel)
		err := x.log.Append(ctx, x.last(), rec)
		wg.Wait()
		x.outcome(rec, err)
	}
	x.finds(1)
	x.bounds(1)
}

// oneWins lets 16 goroutines append after the same record, again and again.
func oneWins(x *exercise) {
	const rounds, rivals = 30, 16
	for range rounds {
		var mu sync.Mutex
		var won [][]byte
		begin := make(chan struct{})
		var wg sync.WaitGroup
		for g := range rivals {
			rec := fmt.Appendf(nil, "record %d of rival %d", x.last()+1, g)
			wg.Go(func() {
				<-begin
				switch err := x.log.Append(x.ctx, x.last(), rec); {
				case err == nil:
					mu.Lock()
					won = append(won, rec)
					mu.Unlock()
				case !errors.Is(err, job.ErrConflict):
					x.Errorf("append of %q: got %v, want nil or %q", rec, err, job.ErrConflict)
				}
			})
		}
		close(begin)
		wg.Wait()
		if len(won) != 1 {
			x.Fatalf("record %d was won by %d rivals: %q", x.last()+1, len(won), won)
		}
		x.recs = append(x.recs, won[0])
		x.bounds(1)
	}
	x.finds(1)
}
