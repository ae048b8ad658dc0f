package record_test

import (
	"fmt"
	"hash/crc32"
	"testing"

	"github.com/hemgo/hem/job/internal/record"
)

// sizes are records: of one transition as an idle owner writes, and two full of
// jobs of 256 bytes.
var sizes = []struct {
	name string
	n    int // transitions of 256 bytes
}{{"1x256B", 1}, {"64KiB", 252}, {"512KiB", 2023}}

var job256 = make([]byte, 256)

// fill writes a record of n transitions of 256 bytes.
func fill(buf []byte, h record.Header, n int) []byte {
	buf = record.Begin(buf, h)
	for range n {
		buf = record.Add(buf, job256)
	}
	return record.Finish(buf)
}

// BenchmarkCRC is what the others cannot be cheaper than.
//
//	go test -bench . -benchmem ./job/internal/record
func BenchmarkCRC(b *testing.B) {
	table := crc32.MakeTable(crc32.Castagnoli)
	bench(b, func(rec []byte, _ int) { crc32.Checksum(rec, table) })
}

func BenchmarkOpen(b *testing.B) {
	bench(b, func(rec []byte, _ int) {
		if _, _, err := record.Open(rec); err != nil {
			b.Fatal(err)
		}
	})
}

func BenchmarkOpenAndIterate(b *testing.B) {
	bench(b, func(rec []byte, n int) {
		_, body, _ := record.Open(rec)
		for tr, ok := body.Next(); ok; tr, ok = body.Next() {
			n -= len(tr) / 256
		}
		if n != 0 {
			b.Fatal(n)
		}
	})
}

func BenchmarkWrite(b *testing.B) {
	buf := make([]byte, 0, record.Max)
	bench(b, func(_ []byte, n int) { buf = fill(buf, first, n) })
}

func BenchmarkSum(b *testing.B) {
	bench(b, func(rec []byte, _ int) { record.Sum(rec) })
}

func BenchmarkChainNext(b *testing.B) {
	bench(b, func(rec []byte, _ int) {
		var c record.Chain
		if _, _, err := c.Next(1, rec); err != nil {
			b.Fatal(err)
		}
	})
}

func bench(b *testing.B, f func(rec []byte, n int)) {
	for _, size := range sizes {
		rec := fill(nil, first, size.n)
		b.Run(size.name, func(b *testing.B) {
			b.SetBytes(int64(len(rec)))
			b.ReportAllocs()
			for b.Loop() {
				f(rec, size.n)
			}
		})
	}
}

func TestNothingIsAllocatedUnlessThereIsAnError(t *testing.T) {
	buf := make([]byte, 0, record.Max)
	got := testing.AllocsPerRun(20, func() {
		buf = fill(buf, first, 200)
		var c record.Chain
		h, body, err := c.Next(1, buf)
		for ok := err == nil; ok; {
			_, ok = body.Next()
		}
		c.Start(1)
		c.Stored(h, buf)
	})
	if got != 0 {
		t.Errorf("%v allocations for a record written, opened and stored", got)
	}
}

func ExampleChain() {
	log, owner := record.NewID(), record.NewID()
	one := record.Header{Log: log, Seq: 1, Owner: owner, Term: 1, Now: 10}
	rec1 := record.Finish(record.Add(record.Begin(nil, one), []byte("claim the log")))
	two := record.Header{Log: log, Seq: 2, Prev: record.Sum(rec1), Owner: owner, Term: 1, Now: 20}
	rec2 := record.Finish(record.Add(record.Begin(nil, two), []byte("enqueue")))
	late := record.Header{Log: log, Seq: 3, Prev: record.Sum(rec1), Owner: record.NewID(), Term: 2, Now: 30}
	rec3 := record.Finish(record.Add(record.Begin(nil, late), []byte("claim it too")))

	var c record.Chain
	for i, rec := range [][]byte{rec1, rec2, rec3} {
		h, body, err := c.Next(uint64(i+1), rec)
		if err != nil {
			fmt.Println(err)
			return
		}
		for t, ok := body.Next(); ok; t, ok = body.Next() {
			fmt.Printf("%d: %s\n", h.Seq, t)
		}
	}
	// Output:
	// 1: claim the log
	// 2: enqueue
	// record 3: it follows another record than the one before it
}
