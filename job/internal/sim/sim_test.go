// Package sim_test simulates a shard of durable jobs: owners that crash, pause and
// are replaced, on clocks that are wrong; a log that fails in every way that one
// may; a network that loses and doubles; clients that ask again, callers who leave,
// workers that are late, or elsewhere, cut off or stopped, with clocks of their own.
// All of it is in virtual time and follows from a seed, so whatever is found
// can be found again, and shrunk to the shortest history that shows it.
//
//	script ──steps──▶ clients, workers ──network──▶ shells (owner.Core) ──▶ disk
//	   │              remotes ────────connections──────▲                      │
//	   └──faults───────────────┴────────────────────────┴─────────────────────┤
//	                        judge ◀──answers                 model ◀──records─┘
//
// The model is the rules of package state written a second time, as simply as
// possible; the judge holds what was answered to what the log has. The rules are
// in rule_test.go, and mutants_test.go shows that each of them is noticed when it
// is broken.
package sim_test

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestMain lets garbage pile up: a history is a few megabytes, and then nothing.
func TestMain(m *testing.M) {
	debug.SetGCPercent(800)
	os.Exit(m.Run())
}

// seeds is which histories there are, and for how long they may run: HEM_SIM says,
// or they are as many as fit into what a test may take.
func seeds(t *testing.T) (first, last uint64, within time.Duration) {
	if s := os.Getenv("HEM_SIM"); s != "" {
		from, to, ok := strings.Cut(s, "-")
		if !ok {
			from, to = "1", s
		}
		first, err := strconv.ParseUint(from, 10, 64)
		last, err2 := strconv.ParseUint(to, 10, 64)
		if err != nil || err2 != nil || first == 0 || last < first {
			t.Fatalf("HEM_SIM=%q is neither a number of seeds nor the first and the last", s)
		}
		return first, last, 1000 * time.Hour
	}
	if testing.Short() {
		return 1, 1000, 20 * time.Second
	}
	return 1, 10_000, 100 * time.Second
}

// TestSimulatedHistoriesKeepEveryPromise takes 10,000 seeds, or as many as fit in
// 100 s, and then says how many. HEM_SIM=n takes n, HEM_SIM=m-n goes on where one
// was found, and HEM_SIM_SEED=n shows one.
func TestSimulatedHistoriesKeepEveryPromise(t *testing.T) {
	if s := os.Getenv("HEM_SIM_SEED"); s != "" {
		seed, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("HEM_SIM_SEED=%q is no seed", s)
		}
		w := history(seed, nil, mutation{}, true)
		t.Logf("seed %d:\n%s\n%v", seed, strings.Join(w.lines, "\n"), w.tally.String())
		if len(w.broken) > 0 {
			t.Error(report(seed, w.broken, mutation{}, 20*time.Second))
		}
		return
	}
	first, last, within := seeds(t)
	began := time.Now()
	total, ran, failed := runSeeds(t, first, last, began.Add(within))
	took := time.Since(began)
	t.Logf("%d seeds of %d in %v: %v", ran, last-first+1, took.Round(time.Millisecond), total)
	if failed != nil {
		t.Fatal(report(failed.seed, failed.broken, mutation{}, 20*time.Second))
	}
	if missing := total.missing(); len(missing) > 0 && ran >= 1000 {
		t.Errorf("never happened, so it proves nothing about: %s", strings.Join(missing, ", "))
	}
}

// runSeeds runs the seeds from first to last, or those that it comes to before the
// end, one on each processor. It stops at the first that fails, which is the lowest
// that did.
func runSeeds(t *testing.T, first, last uint64, end time.Time) (total *tally, ran uint64, failed *world) {
	var next, done atomic.Uint64
	next.Store(first - 1)
	var mu sync.Mutex
	total = new(tally)
	began := time.Now()
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			var mine tally
			for seed := next.Add(1); seed <= last && time.Now().Before(end); seed = next.Add(1) {
				w := history(seed, nil, mutation{}, false)
				mine.add(&w.tally)
				if len(w.broken) > 0 {
					mu.Lock()
					if failed == nil || seed < failed.seed {
						failed = w
					}
					mu.Unlock()
					next.Store(last)
				}
				if d := done.Add(1); d%25_000 == 0 {
					t.Logf("%d of %d seeds, after %v", d, last-first+1, time.Since(began).Round(time.Second))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			total.add(&mine)
		})
	}
	wg.Wait()
	return total, done.Load(), failed
}

func TestSimulationIsAFunctionOfItsSeed(t *testing.T) {
	for seed := uint64(1); seed <= 20; seed++ {
		once, again := history(seed, nil, mutation{}, true), history(seed, nil, mutation{}, true)
		if strings.Join(once.lines, "\n") != strings.Join(again.lines, "\n") || once.tally != again.tally {
			t.Fatalf("seed %d has two histories", seed)
		}
	}
}
