//go:build linux

package chaos_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hemgo/hem/job"
)

// The parent of a tree is killed when it has had nine tenths of its children, and
// so is whoever works on anything else at that moment in the same process. Its
// successor finds what there is.
func TestAParentThatIsKilledAtChild900ResumesAndNoChildRunsTwiceAfterItsResult(t *testing.T) {
	t.Parallel()
	f := newFleet(t, job.Config{}, 4)
	h, err := job.Enqueue(t.Context(), f.client, keptRoot, branch{Path: "t", Below: []int{10, 100}})
	if err != nil {
		t.Fatal(err)
	}
	var pid, had int
	var from int64
	for began := time.Now(); had < 900; time.Sleep(2 * time.Millisecond) {
		if time.Since(began) > 2*patience {
			t.Fatalf("%d children after %v\n%s", had, time.Since(began), f.crew[0].stderr.Bytes())
		}
		var all []line
		all, from = f.lines(from)
		for _, l := range all {
			switch {
			case l.what == "begins" && l.path == "t":
				pid = l.pid
			case l.what == "has" && strings.Count(l.path, "/") == 2:
				had++
			}
		}
	}
	killed := false
	for i, h := range f.crew {
		if h.cmd.Process.Pid == pid {
			h.kill()
			f.crew[i], killed = f.hire(), true
		}
	}
	if !killed {
		t.Fatalf("the root runs in process %d, which is none of the fleet", pid)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	got, err := h.Wait(ctx)
	if err != nil || got != 1000 {
		t.Fatalf("got %d, %v", got, err)
	}
	f.noneTwice()
	st, err := h.Status(t.Context())
	if err != nil || st.Attempt != 2 {
		t.Errorf("%+v, %v", st, err)
	}
}

// noneTwice fails the test if work began again after its result was recorded.
func (f *fleet) noneTwice() {
	f.t.Helper()
	all, _ := f.lines(0)
	has := make(map[string]bool)
	begun, again := 0, 0
	seen := make(map[string]bool)
	for _, l := range all {
		switch l.what {
		case "has":
			has[l.path] = true
		case "begins":
			if has[l.path] {
				f.t.Errorf("%s began again after its result was recorded", l.path)
			}
			if begun++; seen[l.path] {
				again++
			}
			seen[l.path] = true
		}
	}
	f.t.Logf("%d attempts began, %d of them again, %d results", begun, again, len(has))
}

// Load with limits by key, while processes are killed and stopped at random.
func TestWorkersThatAreKilledAndStoppedLoseNothingAndExceedNoLimit(t *testing.T) {
	t.Parallel()
	const most, keyed = 2, 5
	f := newFleet(t, job.Config{Limits: map[string]job.LimitConfig{"key": {Running: most}}}, 4)
	r := seeded(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	var mu sync.Mutex
	var handles []*job.Handle[int]
	all.Go(func() { // producers
		for n := 0; ctx.Err() == nil; n++ {
			opts := []job.Option{job.Limit("key", fmt.Sprint(n%keyed)), job.Backoff(0, 0), job.Attempts(1000)}
			h, err := job.Enqueue(ctx, f.client, limited, n, opts...)
			if err != nil {
				if ctx.Err() == nil {
					t.Error(err)
				}
				return
			}
			mu.Lock()
			handles = append(handles, h)
			mu.Unlock()
			time.Sleep(8 * time.Millisecond) // of 2·5 at a time, some 20 ms each
		}
	})
	all.Go(func() { // leases by key, as the owner has them
		for ctx.Err() == nil {
			running := make(map[string]int)
			for st, err := range f.client.All(ctx, job.Query{States: []job.State{job.Running}}) {
				if err != nil {
					break
				}
				running[st.LimitKey]++
			}
			for key, n := range running {
				if n > most {
					t.Errorf("%d jobs of key %s are running", n, key)
				}
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
	stops, kills := 0, 0
	resumed := make(map[int][]int64) // by process
	least := 20 * time.Second
	for e := effort(1); e.more() || time.Since(e.began) < least; {
		h := r.IntN(len(f.crew))
		switch {
		case f.crew[h].stopped.Load():
		case r.IntN(2) == 0 || stops == 0:
			d := time.Duration(r.Int64N(int64(15 * time.Second)))
			if stops == 0 {
				d = 13 * time.Second // one at least is given up for lost
			}
			f.crew[h].pause(d)
			stops++
		default:
			f.crew[h].kill()
			f.crew[h] = f.hire()
			kills++
		}
		time.Sleep(time.Duration(200+r.IntN(1500)) * time.Millisecond)
		for _, h := range f.crew {
			resumed[h.cmd.Process.Pid] = append(resumed[h.cmd.Process.Pid], h.resumed.Load())
		}
	}
	for _, h := range f.crew {
		for h.stopped.Load() {
			time.Sleep(10 * time.Millisecond)
		}
		resumed[h.cmd.Process.Pid] = append(resumed[h.cmd.Process.Pid], h.resumed.Load())
	}
	cancel()
	all.Wait()
	ctx, cancel = context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	for n, h := range handles {
		if got, err := h.Wait(ctx); err != nil || got != n {
			st, _ := h.Status(t.Context())
			t.Errorf("job %d: %d, %v; %+v", n, got, err, st)
		}
	}
	f.fencedSoon(resumed)
	t.Logf("%d jobs, %d kills, %d stops", len(handles), kills, stops)
}

// fencedSoon fails the test if a process went on with a job that another had begun
// after it, but for a moment after it was let go on.
func (f *fleet) fencedSoon(resumed map[int][]int64) {
	f.t.Helper()
	all, _ := f.lines(0)
	newest := make(map[string]uint32)
	late := 0
	for _, l := range all {
		if l.what == "begins" {
			newest[l.path] = max(newest[l.path], l.epoch)
		}
		if l.what != "works" || l.epoch >= newest[l.path] {
			continue
		}
		late++
		ok := false
		for _, at := range resumed[l.pid] {
			ok = ok || at > 0 && l.at >= at && l.at-at < int64(2*time.Second)
		}
		if !ok {
			f.t.Errorf("job %s was worked on under epoch %d when %d had begun", l.path, l.epoch, newest[l.path])
		}
	}
	f.t.Logf("%d steps of work came too late, each soon after its process was let go on", late)
}
