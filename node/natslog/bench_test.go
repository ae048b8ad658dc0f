package natslog_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/hemgo/hem/node/natslog"
)

// BenchmarkAppend appends records in turns with writing as many bytes to a file
// beside the log and flushing them, and reports the medians and their ratio.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{300, 64 << 10, 512 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			dir := b.TempDir()
			l := open(b, filepath.Join(dir, "log"), quiet())
			raw, err := os.Create(filepath.Join(dir, "raw"))
			if err != nil {
				b.Fatal(err)
			}
			defer raw.Close()
			rec := make([]byte, size)
			var ours, theirs []time.Duration
			for after := uint64(0); b.Loop(); after++ {
				began := time.Now()
				if err := l.Append(b.Context(), after, rec); err != nil {
					b.Fatal(err)
				}
				ours = append(ours, time.Since(began))
				began = time.Now()
				if _, err := raw.Write(rec); err != nil {
					b.Fatal(err)
				}
				if err := raw.Sync(); err != nil {
					b.Fatal(err)
				}
				theirs = append(theirs, time.Since(began))
			}
			slices.Sort(ours)
			slices.Sort(theirs)
			o, r := ours[len(ours)/2], theirs[len(theirs)/2]
			b.ReportMetric(float64(o.Microseconds()), "append-p50-µs")
			b.ReportMetric(float64(r.Microseconds()), "raw-p50-µs")
			b.ReportMetric(float64(o)/float64(r), "ratio")
		})
	}
}

// BenchmarkRead reads 400 MiB in records of 512 KiB, and of 4 KiB.
func BenchmarkRead(b *testing.B) {
	for _, size := range []int{4 << 10, 512 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			const total = 400 << 20
			dir := filepath.Join(b.TempDir(), "log")
			l, err := natslog.Open(b.Context(), dir, natslog.Unsynced(quiet()))
			if err != nil {
				b.Fatal(err)
			}
			rec := make([]byte, size)
			for after := range uint64(total / size) {
				if err := l.Append(b.Context(), after, rec); err != nil {
					b.Fatal(err)
				}
			}
			l.Close()
			b.SetBytes(total)
			for b.Loop() {
				l := open(b, dir, quiet())
				if err := l.Read(b.Context(), 1, func(uint64, []byte) error { return nil }); err != nil {
					b.Fatal(err)
				}
				l.Close()
			}
		})
	}
}

// BenchmarkTrim trims 250 MiB beside somebody who appends, and reports what they
// waited for at most.
func BenchmarkTrim(b *testing.B) {
	var longest, p99 time.Duration
	for b.Loop() {
		b.StopTimer()
		dir := filepath.Join(b.TempDir(), "log")
		l, err := natslog.Open(b.Context(), dir, natslog.Unsynced(quiet()))
		if err != nil {
			b.Fatal(err)
		}
		after := uint64(0)
		for ; after < 4000; after++ {
			if err := l.Append(b.Context(), after, make([]byte, 64<<10)); err != nil {
				b.Fatal(err)
			}
		}
		l.Close()
		l = open(b, dir, quiet())
		b.StartTimer()
		done := make(chan error, 1)
		go func() { done <- l.Trim(b.Context(), 4000) }()
		var waits []time.Duration
		for trimming := true; trimming; after++ {
			began := time.Now()
			if err := l.Append(b.Context(), after, make([]byte, 300)); err != nil {
				b.Fatal(err)
			}
			waits = append(waits, time.Since(began))
			select {
			case err := <-done:
				if err != nil {
					b.Fatal(err)
				}
				trimming = false
			default:
			}
		}
		l.Close()
		slices.Sort(waits)
		longest = max(longest, waits[len(waits)-1])
		p99 = max(p99, waits[len(waits)*99/100])
	}
	b.ReportMetric(float64(longest.Microseconds()), "longest-append-µs")
	b.ReportMetric(float64(p99.Microseconds()), "append-p99-µs")
}
