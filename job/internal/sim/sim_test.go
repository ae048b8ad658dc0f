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

// A mutation is what is broken on purpose beside package state's and owner's
// switches.
type mutation struct {
	disk diskMutant
	deaf bool
}

// seeds is how many histories there are: HEM_SIM says, or what takes about a
// minute under the race detector on two cores.
func seeds(t *testing.T) uint64 {
	if s := os.Getenv("HEM_SIM"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil || n == 0 {
			t.Fatalf("HEM_SIM=%q is no number of seeds", s)
		}
		return n
	}
	if testing.Short() {
		return 1000
	}
	return 10_000
}

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
	n := seeds(t)
	began := time.Now()
	total, failed := runSeeds(t, n)
	t.Logf("%d seeds in %v: %v", n, time.Since(began).Round(time.Millisecond), total)
	if failed != nil {
		t.Fatal(report(failed.seed, failed.broken, mutation{}, 20*time.Second))
	}
	if missing := total.missing(); len(missing) > 0 && n >= 1000 {
		t.Errorf("never happened, so it proves nothing about: %s", strings.Join(missing, ", "))
	}
}

// runSeeds runs the first n seeds, one on each processor. It stops at the first that
// fails, which is the lowest that did.
func runSeeds(t *testing.T, n uint64) (total *tally, failed *world) {
	var next, done atomic.Uint64
	var mu sync.Mutex
	total = new(tally)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			var mine tally
			for seed := next.Add(1); seed <= n; seed = next.Add(1) {
				w := history(seed, nil, mutation{}, false)
				mine.add(&w.tally)
				if len(w.broken) > 0 {
					mu.Lock()
					if failed == nil || seed < failed.seed {
						failed = w
					}
					mu.Unlock()
					next.Store(n)
				}
				if d := done.Add(1); d%50_000 == 0 {
					t.Logf("%d of %d seeds", d, n)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			total.add(&mine)
		})
	}
	wg.Wait()
	return total, failed
}
