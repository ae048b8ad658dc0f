package record_test

import (
	"slices"
	"testing"

	"github.com/hemgo/hem/job/internal/record"
)

// Nobody guesses a checksum, so each input is tried as it is and as the part of
// a record before the checksum.
func FuzzOpen(f *testing.F) {
	for _, rec := range samples() {
		f.Add(rec)
		f.Add(rec[:len(rec)-4])
	}
	f.Add([]byte("HEMREC\x00\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, rec := range [][]byte{b, seal(b)} {
			h, body, err := record.Open(rec)
			if err != nil {
				refused(t, err, 0, "record: ")
				continue
			}
			if again := write(h, transitions(t, body)...); !slices.Equal(again, rec) {
				t.Errorf("written again\n%x is\n%x", rec, again)
			}
		}
	})
}

// FuzzChain takes two bytes for each record: what is wrong with it, and by how
// much. The chain must accept what the sentence in follows says, and nothing else.
func FuzzChain(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 0, 0, 1, 0, 2})
	f.Add([]byte{0, 0, 1, 1, 2, 1, 3, 1, 4, 1, 5, 1, 6, 1, 7, 1, 8, 1, 9, 1, 10, 1, 11, 3, 0, 0})
	f.Add([]byte{12, 5, 0, 0, 8, 2, 0, 9})
	f.Fuzz(func(t *testing.T, script []byte) {
		var c record.Chain
		var last *record.Header // what was accepted last, if anything was
		var lastRec []byte
		want := uint64(1)
		script = script[:min(len(script), 64)] // enough for every pair of mistakes, and quick
		for ; len(script) >= 2; script = script[2:] {
			what, by := script[0], script[1]
			h, seq := first, want
			if last != nil {
				h = after(*last, lastRec)
			} else if want > 1 {
				h = seventh
			}
			h.Seq = want
			switch what % 13 {
			case 0:
				h.Now += int64(by)
			case 1:
				h.Now -= int64(by)
			case 2:
				h.Log[by%16] ^= by
			case 3:
				h.Seq += uint64(by)
			case 4:
				seq += uint64(by)
			case 5:
				h.Prev[by%16] ^= by
			case 6:
				h.Owner[by%16] ^= by
			case 7:
				h.Term += uint64(by)
			case 8: // as a successor does
				h.Owner[by%16] ^= 1
				h.Term += 1 + uint64(by)
			case 9:
				h.Owner[by%16] ^= by
				h.Term -= uint64(by)
			case 10:
				h.Term -= uint64(by)
			case 11:
				h.Seq -= uint64(by)
				seq -= uint64(by)
			case 12:
				want = 2 + uint64(by)
				c.Start(want)
				last = nil
				continue
			}
			if !writable(h) {
				continue
			}
			rec := write(h, string([]byte{what, by}))
			before := c
			got, _, err := c.Next(seq, rec)
			if expected := seq == want && h.Seq == want && (last == nil || follows(h, *last, lastRec)); expected != (err == nil) {
				t.Fatalf("%+v (%d) after %+v: %v", h, seq, last, err)
			}
			if err != nil {
				refused(t, err, seq, "")
				if c != before {
					t.Fatal("refused, and the chain has moved")
				}
				continue
			}
			if before.Stored(h, rec); before != c || got != h {
				t.Fatal("Stored and Next differ")
			}
			last, lastRec, want = &h, rec, want+1
		}
	})
}

// writable says whether Begin takes h.
func writable(h record.Header) bool {
	return h.Log != record.ID{} && h.Owner != record.ID{} && h.Seq > 0 && h.Term > 0 && h.Now >= 0 &&
		(h.Seq > 1 || h.Prev == record.Hash{})
}

// follows says whether h may come after last: in the same log, naming it, not
// earlier, and by the same owner in its term or another in a higher one.
func follows(h, last record.Header, lastRec []byte) bool {
	sameOwner, sameTerm := h.Owner == last.Owner, h.Term == last.Term
	return h.Log == last.Log && h.Prev == record.Sum(lastRec) && h.Now >= last.Now &&
		(sameOwner && sameTerm || !sameOwner && h.Term > last.Term)
}
