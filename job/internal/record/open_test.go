package record_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/hemgo/hem/job/internal/record"
)

func TestOpenRefusesWhatFinishNeverReturns(t *testing.T) {
	rec := write(first, "one", "two")
	keep := func(b []byte) []byte { return b }
	if got := reseal(rec, keep); !slices.Equal(got, rec) {
		t.Fatalf("resealed is %x, not %x: the table below proves nothing", got, rec)
	}
	for _, x := range []struct {
		name string
		rec  []byte
		why  string
	}{
		{"nil", nil, "it is empty"},
		{"empty", []byte{}, "it is empty"},
		{"one byte", []byte("H"), "cut short"},
		{"no version", []byte("HEMREC\x00CRC"), "cut short"},
		{"magic", reseal(rec, set(0, 'h')), "not a record"},
		{"end of magic", reseal(rec, set(6, 1)), "not a record"},
		{"checksum", append(slices.Clone(rec[:len(rec)-1]), rec[len(rec)-1]^1), "checksum is wrong"},
		{"no checksum", rec[:len(rec)-4], "checksum is wrong"},
		{"a byte more", append(slices.Clone(rec), 0), "checksum is wrong"},
		{"twice", append(slices.Clone(rec), rec...), "checksum is wrong"},
		{"version 0", reseal(rec, set(7, 0)), "format 0 is unknown"},
		{"only magic and version", seal([]byte("HEMREC\x00\x01")), "cut short"},
		{"a header cut short", seal(rec[:headerBytes-1]), "cut short"},
		{"no transitions", reseal(rec, body()), "no transition"},
		{"an empty transition", reseal(rec, body(0)), "is empty"},
		{"an empty one after another", reseal(rec, body(1, 'a', 0)), "is empty"},
		{"an empty one before another", reseal(rec, body(0, 1, 'a')), "is empty"},
		{"a length and nothing", reseal(rec, body(1)), "transition is cut short"},
		{"a length past the end", reseal(rec, body(3, 'a', 'b')), "transition is cut short"},
		{"a length past the end, later", reseal(rec, body(1, 'a', 2, 'b')), "transition is cut short"},
		{"half a length", reseal(rec, body(0x80)), "length is cut short"},
		{"half a length, later", reseal(rec, body(1, 'a', 0xff, 0xff)), "length is cut short"},
		{"a long form of 1", reseal(rec, body(0x81, 0, 'a')), "longer form"},
		{"a longer form of 1", reseal(rec, body(0x81, 0x80, 0, 'a')), "longer form"},
		{"a long form of 0", reseal(rec, body(0x80, 0)), "longer form"},
		{"2^64-1", reseal(rec, body(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1)), "transition is cut short"},
		{"2^63", reseal(rec, body(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1)), "transition is cut short"},
		{"2^64", reseal(rec, body(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2)), "too large"},
		{"eleven bytes of length", reseal(rec, body(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1)), "too large"},
		{"trailing zeros", reseal(rec, func(b []byte) []byte { return append(b, 0, 0, 0) }), "is empty"},
		{"over Max", seal(record.Add(record.Begin(nil, first), make([]byte, record.Room-2))), "more than 524288"},
		{"no log", reseal(rec, zero(8, 24)), "names no log"},
		{"record 0", reseal(rec, zero(24, 32)), "number is 0"},
		{"the first, after another", reseal(rec, set(40, 1)), "names one before"},
		{"no owner", reseal(rec, zero(48, 64)), "names no owner"},
		{"term 0", reseal(rec, zero(64, 72)), "term is 0"},
		{"before 1970", reseal(rec, set(79, 0x80)), "before 1970"},
	} {
		t.Run(x.name, func(t *testing.T) {
			h, b, err := record.Open(x.rec)
			refused(t, err, 0, x.why)
			if e := new(record.Error); errors.As(err, &e) && e.Newer {
				t.Error("said to be of a newer version")
			}
			if h != (record.Header{}) || b.Len() != 0 {
				t.Errorf("refused, and yet it says %+v", h)
			}
		})
	}
}

func zero(from, to int) func([]byte) []byte {
	return func(b []byte) []byte { clear(b[from:to]); return b }
}

func TestNewerVersionIsToldFromDamage(t *testing.T) {
	rec := write(first, "one")
	for name, future := range map[string][]byte{
		"next":             reseal(rec, set(7, 2)),
		"last":             reseal(rec, set(7, 255)),
		"with less before": seal([]byte("HEMREC\x00\x02")),
		"larger than Max":  seal(append([]byte("HEMREC\x00\x02"), make([]byte, record.Max)...)),
	} {
		_, _, err := record.Open(future)
		refused(t, err, 0, "a newer version has written it")
		if e := new(record.Error); !errors.As(err, &e) || !e.Newer {
			t.Errorf("%s: error is %v, and not Newer", name, err)
		}
	}
	damaged := slices.Clone(rec)
	damaged[7] = 3 // one bit more than 1
	_, _, err := record.Open(damaged)
	if e := new(record.Error); !errors.As(err, &e) || e.Newer {
		t.Errorf("a damaged version is %v", err)
	}
}

// samples are records of which every bit is tried.
func samples() map[string][]byte {
	return map[string][]byte{
		"smallest": write(first, "x"),
		"zeros":    write(first, strings.Repeat("\x00", 40), "\x00"),
		"several":  write(seventh, "one", "two", strings.Repeat("three", 60)),
		"many":     write(seventh, slices.Repeat([]string{"x"}, 200)...),
	}
}

func TestEveryFlippedBitIsRefused(t *testing.T) {
	for name, rec := range samples() {
		for i := range len(rec) * 8 {
			rec[i/8] ^= 1 << (i % 8)
			if _, _, err := record.Open(rec); err == nil {
				t.Errorf("%s: bit %d of byte %d", name, i%8, i/8)
			}
			rec[i/8] ^= 1 << (i % 8)
		}
	}
}

func TestEveryTruncationIsRefused(t *testing.T) {
	for name, rec := range samples() {
		for n := range rec {
			if _, _, err := record.Open(rec[:n]); err == nil {
				t.Errorf("%s: %d bytes of %d", name, n, len(rec))
			}
		}
	}
}

// The checksum is what refuses most damage. Without its help: what Open then
// accepts is another record, written as this one would be, and never this one.
func TestRecordWithOneBitDifferentAndTheRightChecksumMeansSomethingElse(t *testing.T) {
	for name, rec := range samples() {
		for i := range len(rec)*8 - 32 {
			other := reseal(rec, func(b []byte) []byte { b[i/8] ^= 1 << (i % 8); return b })
			if h, b, err := record.Open(other); err == nil && !slices.Equal(write(h, transitions(t, b)...), other) {
				t.Errorf("%s: bit %d of byte %d: written again it differs", name, i%8, i/8)
			}
		}
		for n := headerBytes; n < len(rec)-4; n++ {
			other := seal(rec[:n])
			if h, b, err := record.Open(other); err == nil && !slices.Equal(write(h, transitions(t, b)...), other) {
				t.Errorf("%s: cut to %d bytes: written again it differs", name, n)
			}
		}
	}
}
