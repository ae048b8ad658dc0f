package record_test

import (
	"slices"
	"testing"

	"github.com/hemgo/hem/job/internal/record"
)

// history is n records that follow each other, by an owner and its successor.
func history(n int) [][]byte {
	var all [][]byte
	h := first
	for i := range n {
		if i > 0 {
			h = after(h, all[i-1])
			h.Now += int64(i % 2) // and sometimes the same
		}
		if i == n/2 {
			h.Owner, h.Term = record.ID{9}, h.Term+2
		}
		all = append(all, write(h, "one", "two"))
	}
	return all
}

func TestChainAcceptsOneHistory(t *testing.T) {
	var c record.Chain
	for i, rec := range history(6) {
		h, b, err := c.Next(uint64(i+1), rec)
		if err != nil || h.Seq != uint64(i+1) || b.Len() != 2 {
			t.Fatalf("record %d: %+v, %v", i+1, h, err)
		}
		if seq, last, sum := c.Last(); seq != h.Seq || last != h || sum != record.Sum(rec) {
			t.Fatalf("after record %d the last is %d, %+v", i+1, seq, last)
		}
	}
}

func TestChainThatStartsInTheMiddleTakesAnyLogAndTermThere(t *testing.T) {
	all := history(6)
	for from := uint64(1); from <= 6; from++ {
		var c record.Chain
		if _, _, err := c.Next(1, write(first, "of another log")); err != nil {
			t.Fatal(err)
		}
		c.Start(from)
		if seq, h, sum := c.Last(); seq != from-1 || h != (record.Header{}) || sum != (record.Hash{}) {
			t.Errorf("before record %d the last is %d, %+v", from, seq, h)
		}
		for seq := from; seq <= 6; seq++ {
			if _, _, err := c.Next(seq, all[seq-1]); err != nil {
				t.Errorf("from %d: %v", from, err)
			}
		}
	}
	var c record.Chain
	panics(t, "record 0", func() { c.Start(0) })
}

func TestChainRefusesWhatDoesNotFollow(t *testing.T) {
	all := history(6)
	last, _, err := record.Open(all[5]) // term 3
	if err != nil {
		t.Fatal(err)
	}
	next := func(change func(*record.Header)) []byte {
		h := after(last, all[5])
		change(&h)
		return write(h, "next")
	}
	same := func(*record.Header) {}
	good := next(same)
	newer := reseal(good, set(7, 2))
	damaged := append(slices.Clone(good[:len(good)-1]), good[len(good)-1]^1)

	for _, x := range []struct {
		name string
		seq  uint64
		rec  []byte
		why  string
	}{
		{"damage", 7, damaged, "record 7: its checksum is wrong"},
		{"a newer version", 7, newer, "record 7: a newer version has written it: format 2, known is 1"},
		{"nothing", 7, nil, "record 7: it is empty"},
		{"a gap in the log's numbers", 8, next(func(h *record.Header) { h.Seq = 8 }), "the log gave it after record 6"},
		{"the same number again", 6, good, "the log gave it after record 6"},
		{"number 0", 0, good, "the log gave it after record 6"},
		{"another number", 7, next(func(h *record.Header) { h.Seq = 8 }), "record 7: it says it is record 8"},
		{"an older record", 7, all[3], "it says it is record 4"},
		{"the last again", 7, all[5], "it says it is record 6"},
		{"another log", 7, next(func(h *record.Header) { h.Log[3]++ }), "it is of log 1000000100"},
		{"another predecessor", 7, next(func(h *record.Header) { h.Prev[15]++ }), "follows another record"},
		{"no predecessor", 7, next(func(h *record.Header) { h.Prev = record.Hash{} }), "follows another record"},
		{"a lower term", 7, next(func(h *record.Header) { h.Term-- }), "its term 2 is lower than 3"},
		{"a lower term, another owner", 7, next(func(h *record.Header) { h.Term--; h.Owner = record.NewID() }), "its term 2 is lower than 3"},
		{"another owner in the same term", 7, next(func(h *record.Header) { h.Owner = record.NewID() }), "another owner"},
		{"a higher term of the same owner", 7, next(func(h *record.Header) { h.Term++ }), "of the same owner"},
		{"a time before", 7, next(func(h *record.Header) { h.Now -= 5 }), "its time is 5 µs before"},
		{"a time before, another owner", 7, next(func(h *record.Header) { h.Term++; h.Owner = record.NewID(); h.Now-- }), "its time is 1 µs before"},
	} {
		t.Run(x.name, func(t *testing.T) {
			var c record.Chain
			for i, rec := range all {
				if _, _, err := c.Next(uint64(i+1), rec); err != nil {
					t.Fatal(err)
				}
			}
			before := c
			_, b, err := c.Next(x.seq, x.rec)
			refused(t, err, x.seq, x.why)
			if b.Len() != 0 {
				t.Error("refused, and yet there are transitions")
			}
			if c != before {
				t.Error("the chain has moved")
			}
			if _, _, err := c.Next(7, good); err != nil {
				t.Errorf("what does follow: %v", err)
			}
		})
	}
}

func TestZeroChainWantsRecordOne(t *testing.T) {
	var c record.Chain
	_, _, err := c.Next(7, write(seventh, "x"))
	refused(t, err, 7, "the log gave it after record 0")
	_, _, err = c.Next(1, write(seventh, "x"))
	refused(t, err, 1, "it says it is record 7")
	if _, _, err := c.Next(1, write(first, "x")); err != nil {
		t.Error(err)
	}
}

// Who can change a record and its checksum is found out by the next record.
func TestNoBitOfARecordBeforeAnotherCanChange(t *testing.T) {
	all := history(3)
	for i := range len(all[1])*8 - 32 {
		forged := reseal(all[1], func(b []byte) []byte { b[i/8] ^= 1 << (i % 8); return b })
		var c record.Chain
		_, _, err := c.Next(1, all[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err = c.Next(2, forged); err == nil {
			_, _, err = c.Next(3, all[2])
		}
		if err == nil {
			t.Errorf("bit %d of byte %d", i%8, i/8)
		}
	}
}

func TestStoredIsNextWithoutOpening(t *testing.T) {
	var opened, told record.Chain
	for i, rec := range history(6) {
		h, _, err := opened.Next(uint64(i+1), rec)
		if err != nil {
			t.Fatal(err)
		}
		told.Stored(h, rec)
		if opened != told {
			t.Fatalf("after record %d the chains differ", i+1)
		}
	}
}

func TestStoredOfWhatNobodyCouldReadPanics(t *testing.T) {
	all := history(2)
	var c record.Chain
	c.Stored(first, all[0])
	second, _, err := record.Open(all[1])
	if err != nil {
		t.Fatal(err)
	}
	late := second
	late.Now++
	panics(t, "another header", func() { c.Stored(late, all[1]) })
	panics(t, "another header", func() { c.Stored(second, nil) })
	late.Now = first.Now - 1
	panics(t, "its time is", func() { c.Stored(late, write(late, "x")) })
	panics(t, "after record 1", func() { c.Stored(first, all[0]) })
	c.Stored(second, all[1])
}
