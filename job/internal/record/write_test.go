package record_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/hemgo/hem/job/internal/record"
)

func TestRecordOpensAsItWasWritten(t *testing.T) {
	for _, want := range [][]string{
		{"x"},
		{"\x00"},
		{"one", "two", "three"},
		{strings.Repeat("a", 127), strings.Repeat("b", 128), strings.Repeat("c", 16383), strings.Repeat("d", 16384)},
	} {
		for _, header := range []record.Header{first, seventh} {
			h, b, err := record.Open(write(header, want...))
			if err != nil || h != header {
				t.Errorf("header is %+v, %v", h, err)
			}
			if got := transitions(t, b); !slices.Equal(got, want) {
				t.Errorf("transitions are %q", got)
			}
		}
	}
}

func TestCopyOfABodyIteratesByItself(t *testing.T) {
	_, b, err := record.Open(write(first, "one", "two"))
	if err != nil {
		t.Fatal(err)
	}
	c := b
	transitions(t, b)
	b.Next()
	if got := transitions(t, c); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("the copy has %q", got)
	}
}

func TestTransitionThatIsAppendedToLeavesTheRecordAlone(t *testing.T) {
	rec := write(first, "one", "two")
	before := slices.Clone(rec)
	_, b, _ := record.Open(rec)
	tr, _ := b.Next()
	_ = append(tr, "overwritten"...)
	if !bytes.Equal(rec, before) {
		t.Error("the record has changed")
	}
}

func TestBeginReplacesWhatTheBufferHeld(t *testing.T) {
	buf := []byte(strings.Repeat("old", 100))
	got := record.Finish(record.Add(record.Begin(buf, first), []byte("new")))
	if want := write(first, "new"); !bytes.Equal(got, want) {
		t.Errorf("written is %x, not %x", got, want)
	}
	if &got[0] != &buf[0] {
		t.Error("there was room, and it was not used")
	}
}

func TestCostIsWhatAddAppends(t *testing.T) {
	for _, n := range []int{1, 2, 127, 128, 129, 16383, 16384, 16385, record.Room - 3} {
		if got := len(record.Add(nil, make([]byte, n))); got != record.Cost(n) {
			t.Errorf("%d bytes take %d, Cost says %d", n, got, record.Cost(n))
		}
	}
}

func TestRoomIsExactlyWhatFits(t *testing.T) {
	n := record.Room - 3
	if record.Cost(n) != record.Room {
		t.Fatalf("Cost(%d) is %d", n, record.Cost(n))
	}
	rec := write(first, strings.Repeat("x", n))
	if len(rec) != record.Max {
		t.Errorf("the largest record has %d bytes, not %d", len(rec), record.Max)
	}
	if _, b, err := record.Open(rec); err != nil || b.Len() != 1 {
		t.Errorf("the largest record: %v", err)
	}
	panics(t, "larger than Max", func() { write(first, strings.Repeat("x", n+1)) })
	small := slices.Repeat([]string{"x"}, record.Room/record.Cost(1))
	if _, b, err := record.Open(write(first, small...)); err != nil || b.Len() != len(small) {
		t.Errorf("the most transitions: %d of %d, %v", b.Len(), len(small), err)
	}
	panics(t, "larger than Max", func() { write(first, append(small, "x")...) })
}

func TestOwnersMistakesPanic(t *testing.T) {
	panics(t, "without a transition", func() { record.Finish(record.Begin(nil, first)) })
	panics(t, "without a transition", func() { record.Finish(nil) })
	panics(t, "empty transition", func() { record.Add(record.Begin(nil, first), nil) })
	for why, change := range unheard {
		h := first
		change(&h)
		panics(t, why, func() { record.Begin(nil, h) })
	}
}

// unheard is what no header has, by what is said of it.
var unheard = map[string]func(*record.Header){
	"names no log":     func(h *record.Header) { h.Log = record.ID{} },
	"names no owner":   func(h *record.Header) { h.Owner = record.ID{} },
	"number is 0":      func(h *record.Header) { h.Seq = 0 },
	"term is 0":        func(h *record.Header) { h.Term = 0 },
	"before 1970":      func(h *record.Header) { h.Now = -1 },
	"names one before": func(h *record.Header) { h.Prev[15] = 1 },
}

func TestIDsDifferAndReadAsHexadecimal(t *testing.T) {
	a, b := record.NewID(), record.NewID()
	if a == b || a == (record.ID{}) {
		t.Errorf("new ids are %v and %v", a, b)
	}
	if got := (record.ID{0: 0xab, 15: 0x01}).String(); got != "ab000000000000000000000000000001" {
		t.Errorf("String is %q", got)
	}
}
