package jobtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/hemgo/hem/job"
)

// Exercise holds the logs that open returns to the contract of [job.Log], by
// subtests of t. open is called once for each of them and returns a log that is
// new, with room for 16 MiB. It also returns how to open the same log again
// once it has been closed, or nil if that cannot be done. What it opens it
// closes by t.Cleanup; Exercise may have closed it already.
func Exercise(t *testing.T, open func(t *testing.T) (l job.Log, reopen func() job.Log)) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			x := &exercise{T: t}
			x.log, x.reopen = open(t)
			if x.log == nil {
				t.Fatal("open returned no Log")
			}
			x.run(c)
		})
	}
}

// A rule is one sentence of the contract.
type rule struct {
	name string
	f    func(x *exercise)
}

var cases = []rule{
	{"a new log has no records", newIsEmpty},
	{"records are numbered from one and read as they were appended", appendsCount},
	{"an append after anything but the last record is a conflict", conflictsHold},
	{"records of every size arrive", sizesArrive},
	{"a record that is empty or too large is refused and not stored", limitsHold},
	{"the log keeps bytes of its own", bytesAreOwn},
	{"an append whose context has ended is unknown", endedAppendIsUnknown},
	{"an append that is unknown is settled by sending it again", unknownIsSettled},
	{"of appends at once one wins and nothing is left of the others", oneWins},

	{"reading begins at any record", readsFromAnywhere},
	{"reading takes in a thousand records", readsThousand},
	{"reading beyond the end is damage", readsBeyond},
	{"the error of a reader comes back untouched", readersErrorComesBack},
	{"a reader may use the log", readerUsesLog},
	{"reading beside appends is without gaps", readsBesideAppends},
	{"reading ends with its context", readEndsWithContext},

	{"trimming forgets the oldest alone", trimForgets},
	{"trimming to an older record changes nothing", trimIsMonotonic},
	{"the last record is never forgotten", trimKeepsLast},
	{"a log that was trimmed goes on", trimmedGoesOn},
	{"a reader may trim what it has not read", trimsWhileReading},
	{"reading beside trims sees all or says so", readsBesideTrims},
	{"trimming that was interrupted leaves the rest whole", trimInterrupted},

	{"closing twice does nothing and what follows is refused", closeIsFinal},
	{"closing waits for what is under way", closeWaits},
	{"reopening finds everything", reopenFinds},
	{"reopening finds where it was trimmed", reopenFindsTrimmed},
}

// patience bounds each case: then its context ends, and after as long again the
// process does.
var patience = time.Minute

var errPatience = errors.New("jobtest: the case takes too long")

// exercise is a log under test, and what it should have.
type exercise struct {
	*testing.T
	ctx    context.Context // ends when patience does
	log    job.Log
	reopen func() job.Log
	recs   [][]byte // what was appended: record seq is recs[seq-1]
}

// run runs one case. When it takes too long its context ends; if that does not
// help either, nothing but the end of the process does, as it would when go
// test loses its own patience, but with the case's name.
func (x *exercise) run(c rule) {
	ctx, cancel := context.WithCancelCause(x.Context())
	defer cancel(nil)
	defer time.AfterFunc(patience, func() { cancel(errPatience) }).Stop()
	defer time.AfterFunc(2*patience, func() {
		stacks := make([]byte, 1<<20)
		panic(fmt.Sprintf("jobtest: %q hangs, although its context has ended\n\n%s", c.name, stacks[:runtime.Stack(stacks, true)]))
	}).Stop()
	x.ctx = ctx
	c.f(x)
}

// last is the number of the last record.
func (x *exercise) last() uint64 { return uint64(len(x.recs)) }

// append appends rec after the last record, and must succeed.
func (x *exercise) append(rec []byte) {
	x.Helper()
	if err := x.log.Append(x.ctx, x.last(), rec); err != nil {
		x.Fatalf("append of record %d, %d bytes: %v", x.last()+1, len(rec), err)
	}
	x.recs = append(x.recs, bytes.Clone(rec))
}

// fill appends n records, each unlike all others.
func (x *exercise) fill(n int) {
	x.Helper()
	for range n {
		x.append(fmt.Appendf(nil, "record %d of %s", x.last()+1, x.Name()))
	}
}

// refuses checks that an append answers want.
func (x *exercise) refuses(want error, after uint64, rec []byte) {
	x.Helper()
	if err := x.log.Append(x.ctx, after, rec); !errors.Is(err, want) {
		x.Errorf("append of %d bytes after record %d of %d: got %v, want %q", len(rec), after, x.last(), err, want)
	}
}

// finds reads from from on and checks that everything is there, to the end.
func (x *exercise) finds(from uint64) {
	x.Helper()
	next := from
	err := x.log.Read(x.ctx, from, func(seq uint64, rec []byte) error {
		return x.sees(&next, seq, rec)
	})
	if err != nil || next != x.last()+1 {
		x.Fatalf("read from %d: %d records of %d, then %v", from, next-from, x.last()+1-from, err)
	}
}

// sees checks that a record is the next one, as it was appended. A reader ends
// with its error, for the log should end the reading in its own way.
func (x *exercise) sees(next *uint64, seq uint64, rec []byte) error {
	if seq != *next || seq > x.last() {
		return fmt.Errorf("record %d comes where %d should, of %d", seq, *next, x.last())
	}
	if want := x.recs[seq-1]; !bytes.Equal(rec, want) {
		return fmt.Errorf("record %d is %d bytes %.40q, appended were %d bytes %.40q", seq, len(rec), rec, len(want), want)
	}
	*next++
	return nil
}

// readsNothing checks that reading from from answers want at once.
func (x *exercise) readsNothing(want error, from uint64) {
	x.Helper()
	err := x.log.Read(x.ctx, from, func(seq uint64, _ []byte) error {
		x.Errorf("read from %d of %d shows record %d", from, x.last(), seq)
		return nil
	})
	if want == nil && err != nil || want != nil && !errors.Is(err, want) {
		x.Errorf("read from %d of %d: got %v, want %v", from, x.last(), err, want)
	}
}

// bounds checks the bounds of a log that nothing else happens to.
func (x *exercise) bounds(first uint64) {
	x.Helper()
	f, l, err := x.log.Bounds(x.ctx)
	if err != nil || f != first || l != x.last() {
		x.Errorf("bounds: got %d to %d, %v; want %d to %d", f, l, err, first, x.last())
	}
}

// trim must succeed.
func (x *exercise) trim(before uint64) {
	x.Helper()
	if err := x.log.Trim(x.ctx, before); err != nil {
		x.Fatalf("trim before record %d of %d: %v", before, x.last(), err)
	}
}
