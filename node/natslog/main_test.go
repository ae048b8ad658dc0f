package natslog_test

import (
	"bytes"
	"context"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/node/natslog"
)

func quiet() natslog.Config {
	return natslog.Config{Log: slog.New(slog.DiscardHandler)}
}

// open opens the log in dir, and closes it when t ends.
func open(t testing.TB, dir string, c natslog.Config) *natslog.Log {
	t.Helper()
	l, err := natslog.Open(t.Context(), dir, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// record is what seq holds in these tests: mixed sizes, the same every time.
func record(seq uint64) []byte { return records()[seq] }

// large is record made long, so that a few hundred fill several blocks.
func large(seq uint64) []byte { return largeRecords()[seq] }

var records = sync.OnceValue(func() (rs [1001][]byte) {
	for seq := range rs {
		r := rand.New(rand.NewPCG(uint64(seq), 1))
		size := 1 + r.IntN(400)
		if seq%17 == 0 {
			size = 30_000 + r.IntN(30_000)
		}
		rs[seq] = make([]byte, size)
		for i := range rs[seq] {
			rs[seq][i] = byte(r.Uint32())
		}
	}
	return rs
})

var largeRecords = sync.OnceValue(func() (rs [1001][]byte) {
	for seq, rec := range records() {
		rs[seq] = bytes.Repeat(rec, 1+20_000/len(rec))
	}
	return rs
})

// fill appends the records after+1 to last.
func fill(t testing.TB, l job.Log, after, last uint64) {
	t.Helper()
	for ; after < last; after++ {
		if err := l.Append(t.Context(), after, record(after+1)); err != nil {
			t.Fatal(err)
		}
	}
}

// has checks that l has the records first to last and no others.
func has(t testing.TB, l job.Log, first, last uint64) {
	t.Helper()
	next := first
	err := l.Read(context.Background(), first, func(seq uint64, rec []byte) error {
		if seq != next || !bytes.Equal(rec, record(seq)) {
			t.Errorf("record %d, wanted %d, is not what was appended", seq, next)
		}
		next++
		return nil
	})
	if err != nil || next != last+1 {
		t.Errorf("read %d to %d of %d: %v", first, next-1, last, err)
	}
}

func TestLogKeepsItsContract(t *testing.T) {
	jobtest.Exercise(t, func(t *testing.T) (job.Log, func() job.Log) {
		dir := filepath.Join(t.TempDir(), "log")
		c := quiet()
		c.MaxBytes, c.Reserve = 24<<20, 1<<20
		return open(t, dir, c), func() job.Log { return open(t, dir, c) }
	})
}
