//go:build linux

package chaos_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"

	"github.com/hemgo/hem/node/natslog"
)

// The load "records" appends to a bare log, and trims it. Each record begins
// with the sum of the one before it. It says
//
//	rec SEQ SUM    found when the log was opened
//	whole FIRST    these were all: the first would be this
//	trim SEQ       is going to trim before this
//	ack SEQ SUM    has been appended
const (
	recordsKept = 400
	sumBytes    = 16
)

func sumOf(rec []byte) []byte {
	s := sha256.Sum256(rec)
	return s[:sumBytes]
}

func appendRecords(o order, say func(string), stop <-chan struct{}) error {
	ctx := context.Background()
	l, err := natslog.Open(ctx, o.Dir, natslog.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer l.Close()
	first, last, sum, err := findRecords(l, say)
	if err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(o.Seed, 1))
	var trims sync.WaitGroup
	defer trims.Wait()
	trimming := make(chan struct{}, 1)
	trimFailed := make(chan error, 1)
	for after := last; ; after++ {
		select {
		case <-stop:
			return nil
		case err := <-trimFailed:
			return err
		default:
		}
		rec := recordAfter(sum, r)
		sum = sumOf(rec)
		ack := fmt.Sprintf("ack %d %x", after+1, sum)
		if o.Early {
			say(ack)
		}
		if err := l.Append(ctx, after, rec); err != nil {
			return fmt.Errorf("append %d: %w", after+1, err)
		}
		if !o.Early {
			say(ack)
		}
		if before := after - recordsKept; after > recordsKept && before > first+recordsKept/4 {
			select {
			case trimming <- struct{}{}:
				first = before
				trims.Go(func() {
					defer func() { <-trimming }()
					say(fmt.Sprintf("trim %d", before))
					if err := l.Trim(ctx, before); err != nil {
						trimFailed <- err
					}
				})
			default:
			}
		}
	}
}

// findRecords says which records l has. It returns the last one's sum.
func findRecords(l *natslog.Log, say func(string)) (first, last uint64, sum []byte, err error) {
	ctx := context.Background()
	if first, last, err = l.Bounds(ctx); err != nil {
		return 0, 0, nil, err
	}
	var found strings.Builder
	sum = make([]byte, sumBytes)
	next := first
	err = l.Read(ctx, first, func(seq uint64, rec []byte) error {
		switch {
		case seq != next:
			return fmt.Errorf("record %d was read in the place of %d", seq, next)
		case len(rec) < sumBytes, (seq > first || seq == 1) && !bytes.Equal(rec[:sumBytes], sum):
			return fmt.Errorf("record %d does not follow from %d", seq, seq-1)
		}
		next++
		sum = sumOf(rec)
		fmt.Fprintf(&found, "rec %d %x\n", seq, sum)
		return nil
	})
	if err == nil && next != last+1 {
		err = fmt.Errorf("read up to %d of %d", next-1, last)
	}
	if err == nil {
		say(found.String() + fmt.Sprintf("whole %d", first))
	}
	return first, last, sum, err
}

// recordAfter is a record that follows the one with the sum given: most are
// small, some are nearly as large as a log takes.
func recordAfter(sum []byte, r *rand.Rand) []byte {
	size := sumBytes + 8 + r.IntN(2000)
	switch r.IntN(100) {
	case 0:
		size += r.IntN(400_000)
	case 1, 2, 3:
		size += r.IntN(30_000)
	}
	rec := make([]byte, size)
	copy(rec, sum)
	for i := sumBytes; i < size; i += 8 {
		copy(rec[i:], hex.AppendEncode(nil, []byte{byte(r.Uint32()), byte(i), byte(i >> 8), byte(i >> 16)}))
	}
	return rec
}

// A recordLedger compares what was acknowledged with what is found.
type recordLedger struct {
	acked   map[uint64]string // by sequence; of those that were not trimmed
	last    uint64            // the last one acknowledged, or found
	trim    uint64            // the furthest trim that was asked for
	found   map[uint64]string // since the life began
	count   int
	strange []string
}

func newRecordLedger() *recordLedger {
	return &recordLedger{acked: map[uint64]string{}, found: map[uint64]string{}}
}

func (l *recordLedger) hear(line string) bool {
	var word, sum string
	var seq uint64
	fmt.Sscan(line, &word, &seq, &sum)
	switch word {
	case "rec":
		l.found[seq] = sum
	case "whole":
		l.compare(seq)
	case "trim":
		l.trim = max(l.trim, seq)
	case "ack":
		l.acked[seq], l.last = sum, max(l.last, seq)
		return true
	default:
		l.strange = append(l.strange, "it says "+line)
	}
	return false
}

// compare holds what was found against what was acknowledged. From then on it
// must be found again: whoever reads a record may act on it.
func (l *recordLedger) compare(first uint64) {
	if first > max(l.trim, 1) {
		l.strange = append(l.strange, fmt.Sprintf("the log begins at %d, and was trimmed before %d", first, l.trim))
	}
	lost, other := 0, 0
	for seq, sum := range l.acked {
		if seq < first {
			delete(l.acked, seq)
			continue
		}
		l.count++
		switch l.found[seq] {
		case sum:
		case "":
			lost++
		default:
			other++
		}
	}
	if lost+other > 0 {
		l.strange = append(l.strange, fmt.Sprintf("of %d acknowledged records up to %d, %d are missing and %d are others", len(l.acked), l.last, lost, other))
	}
	clear(l.acked)
	l.last = 0
	for seq, sum := range l.found {
		l.acked[seq], l.last = sum, max(l.last, seq)
	}
	clear(l.found)
}

func (l *recordLedger) brief(*order) {}

func (l *recordLedger) summary() string {
	return fmt.Sprintf("%d records compared, the last is %d, trimmed before %d", l.count, l.last, l.trim)
}

func (l *recordLedger) wrong() ([]string, int) { return l.strange, l.count }
