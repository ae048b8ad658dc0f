//go:build unix

package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/hemgo/hem/node/natslog"
)

// appending compares what a record costs node/natslog with what its bytes cost
// when they are written to a file beside it and flushed.
func appending(ctx context.Context, r *jobRun) (outcomes []jobOutcome, err error) {
	for _, size := range []struct {
		name  string
		bytes int
	}{{"append-300B", 300}, {"append-64KiB", 64 << 10}} {
		o, err := r.append(ctx, size.bytes)
		if err != nil {
			return outcomes, err
		}
		o.name, o.per = size.name, "record"
		o.charge(owed{"write+fsync", 1.6})
		outcomes = append(outcomes, jobOutcome{outcome: o})
	}
	return outcomes, nil
}

// append takes the p50 of either side in each round, in which the two take turns
// record by record: a slow minute of the disk's is a minute of both.
func (r *jobRun) append(ctx context.Context, size int) (o outcome, err error) {
	dir := r.fresh("append")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return o, err
	}
	log, err := natslog.Open(ctx, filepath.Join(dir, "log"), natslog.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return o, err
	}
	defer finish(log.Close, &err)
	raw, err := os.Create(filepath.Join(dir, "raw"))
	if err != nil {
		return o, err
	}
	defer finish(raw.Close, &err)
	rec, last := payload(size), uint64(0)
	sides := []func() error{
		func() error { last++; return log.Append(ctx, last-1, rec) },
		func() error {
			if _, err := raw.Write(rec); err != nil {
				return err
			}
			return raw.Sync()
		},
	}
	lasting, rounds := r.plan.windows()
	var p50s [2][]float64
	for round := range rounds + 1 {
		waits, err := inPairs(after(lasting), sides)
		if err != nil {
			return o, err
		}
		if round == 0 {
			continue // it warmed both up
		}
		for i := range waits {
			p50s[i] = append(p50s[i], quantile(waits[i], 0.5))
		}
	}
	o.ours = quantity{median(p50s[0]), nanoseconds}
	o.rivals = []compared{rival("write+fsync", p50s[0], p50s[1], nanoseconds)}
	o.notes = []string{fmt.Sprintf("p50 of %d records a side, one after the other and in turns", last)}
	return o, nil
}

// inPairs lets two sides do one thing each, in random order, until it is enough.
func inPairs(enough func(time.Time) bool, sides []func() error) (waits [2][]float64, err error) {
	for len(waits[0]) == 0 || !enough(time.Now()) {
		for _, i := range rand.Perm(len(sides)) {
			began := time.Now()
			if err := sides[i](); err != nil {
				return waits, err
			}
			waits[i] = append(waits[i], float64(time.Since(began).Nanoseconds()))
		}
	}
	return waits, nil
}
