package record_test

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"github.com/hemgo/hem/job/internal/record"
)

// headerBytes is where the transitions begin. The tests know the layout by
// themselves, so that it cannot change by accident.
const headerBytes = 80

// first is the header of the first record of a log.
var first = record.Header{
	Log:   record.ID{0: 0x10, 15: 0x1f},
	Seq:   1,
	Owner: record.ID{0: 0x20, 15: 0x2f},
	Term:  1,
	Now:   1_700_000_000_000_000,
}

// seventh is one from the middle.
var seventh = record.Header{
	Log:   first.Log,
	Seq:   7,
	Prev:  record.Hash{0: 0x30, 15: 0x3f},
	Owner: record.ID{0: 0x40, 15: 0x4f},
	Term:  3,
	Now:   1_700_000_001_000_000,
}

// write is a record of these transitions.
func write(h record.Header, transitions ...string) []byte {
	b := record.Begin(nil, h)
	for _, t := range transitions {
		b = record.Add(b, []byte(t))
	}
	return record.Finish(b)
}

// after is h with what a record that follows prev must have.
func after(h record.Header, prev []byte) record.Header {
	h.Seq++
	h.Prev = record.Sum(prev)
	return h
}

// seal is b with the checksum that it should have, whatever else is wrong.
func seal(b []byte) []byte {
	sum := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
	return binary.LittleEndian.AppendUint32(slices.Clip(b), sum)
}

// reseal is a copy of rec after change, with the checksum corrected.
func reseal(rec []byte, change func([]byte) []byte) []byte {
	return seal(change(slices.Clone(rec[:len(rec)-4])))
}

// set is a change of one byte.
func set(at int, to byte) func([]byte) []byte {
	return func(b []byte) []byte { b[at] = to; return b }
}

// body is a change of all transitions to these bytes.
func body(b ...byte) func([]byte) []byte {
	return func(rec []byte) []byte { return append(rec[:headerBytes], b...) }
}

// transitions is what body holds, and that Len says so before and after.
func transitions(t testing.TB, b record.Body) []string {
	t.Helper()
	n := b.Len()
	var all []string
	for tr, ok := b.Next(); ok; tr, ok = b.Next() {
		all = append(all, string(tr))
	}
	if n != len(all) || b.Len() != n {
		t.Errorf("Len is %d, then %d, of %d transitions", n, b.Len(), len(all))
	}
	if tr, ok := b.Next(); ok || tr != nil {
		t.Errorf("after the last transition came %q", tr)
	}
	return all
}

// refused checks that err is an *Error about record seq which says why.
func refused(t testing.TB, err error, seq uint64, why string) {
	t.Helper()
	e, ok := errors.AsType[*record.Error](err)
	switch {
	case !ok:
		t.Errorf("error is %v, not an *Error: %s", err, why)
	case e.Seq != seq || !strings.Contains(e.Error(), why):
		t.Errorf("error of record %d is %q, not of %d and %q", e.Seq, e, seq, why)
	}
}

// panics checks that f panics and says why.
func panics(t *testing.T, why string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if s, _ := recover().(string); !strings.HasPrefix(s, "record: ") || !strings.Contains(s, why) {
			t.Errorf("panic is %q, not about %q", s, why)
		}
	}()
	f()
}
