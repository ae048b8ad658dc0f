//go:build unix

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
)

// What a durable job costs whoever enqueues it, where the disk is what it costs:
// alone, and with others who share its flushes. Rivals are in the suite job.
func init() {
	register(suite{name: "accept", cases: []trial{
		{name: "accept-1", ops: 1, per: "job", sides: []side{accepting(1), flushing}},
		{name: "accept-64", ops: acceptors, per: "job", sides: []side{accepting(acceptors)}},
	}})
}

const acceptors = 64

// accepting is so many producers, who enqueue one job each at a time.
func accepting(producers int) side {
	return side{"hem", func() (func(int), func()) {
		dir, err := jobDir()
		must(err)
		h, err := openHem(context.Background(), filepath.Join(dir, "log"), hemConfig{})
		must(err)
		one := h.queue().one
		turn := func(n int) {
			var all sync.WaitGroup
			for range producers {
				all.Go(func() {
					for range n {
						must(one(context.Background()))
					}
				})
			}
			all.Wait()
		}
		return turn, func() { must(errors.Join(h.close(), os.RemoveAll(dir))) }
	}}
}

// flushing is what the disk takes for the bytes alone.
var flushing = side{"write+fsync", func() (func(int), func()) {
	dir, err := jobDir()
	must(err)
	f, err := os.Create(filepath.Join(dir, "raw"))
	must(err)
	in := payload(jobSize)
	turn := func(n int) {
		for range n {
			_, err := f.Write(in)
			must(errors.Join(err, f.Sync()))
		}
	}
	return turn, func() { must(errors.Join(f.Close(), os.RemoveAll(dir))) }
}}
