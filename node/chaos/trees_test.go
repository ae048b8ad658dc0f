//go:build linux

package chaos_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
)

const (
	// unheard is for how long a process can be silent before what it has is others'.
	unheard = 10 * time.Second

	// soon is what a process needs to hear of an end, on a machine that is busy.
	soon = 2 * time.Second
)

// A tree is one of attached children, three levels and a thousand leaves.
type tree struct {
	path string
	want fault.Kind // what its root is to end with

	sum    int
	err    error
	ended  time.Time
	pid    int // of the root
	leaves int // that have begun
}

// Trees of attached children are whole if nothing happens. While they grow, the
// process of one root is killed, that of another is stopped for longer than is waited
// for it, and a caller does not wait any more: each has failed then, within the time
// that is said, and nothing of it goes on.
func TestAttachedTreesAreWholeOrEndWithTheirRoots(t *testing.T) {
	t.Parallel()
	f := newFleet(t, job.Config{}, 4)
	r := seeded(t)
	var failed []*tree
	resumed := make(map[int][]int64)
	var longest time.Duration
	for e := effort(1); e.more(); {
		if n, err := root.Do(t.Context(), f.client, branch{Path: fmt.Sprint("whole", e.rounds), Below: []int{10, 100}}); n != 1000 || err != nil {
			t.Errorf("round %d: with nothing in its way a tree has %d leaves, %v", e.rounds, n, err)
		}
		killed := &tree{path: fmt.Sprint("killed", e.rounds), want: fault.Lost}
		stopped := &tree{path: fmt.Sprint("stopped", e.rounds), want: fault.Lost}
		left := &tree{path: fmt.Sprint("left", e.rounds), want: fault.Cancelled}
		trees := []*tree{killed, stopped, left}
		var leave context.CancelFunc
		var all sync.WaitGroup
		for _, tr := range trees {
			ctx := t.Context()
			if tr == left {
				ctx, leave = context.WithCancel(ctx)
			}
			all.Go(func() {
				tr.sum, tr.err = root.Do(ctx, f.client, branch{tr.path, []int{10, 100}, time.Second})
				tr.ended = time.Now()
			})
		}
		f.grown(trees, 15+r.IntN(20))
		began := time.Now()
		victim := f.of(killed.pid)
		f.crew[victim].kill()
		f.crew[victim] = f.hire()
		frozen := f.of(stopped.pid)
		if frozen < 0 { // it was the one that was killed
			frozen = (victim + 1) % len(f.crew)
		}
		ice := f.crew[frozen]
		ice.pause(unheard + 2*time.Second)
		leave()
		all.Wait()
		longest = max(longest, f.fallen(trees, began))
		for ice.stopped.Load() {
			time.Sleep(10 * time.Millisecond)
		}
		resumed[ice.cmd.Process.Pid] = append(resumed[ice.cmd.Process.Pid], ice.resumed.Load())
		failed = append(failed, trees...)
		time.Sleep(time.Until(time.Unix(0, ice.resumed.Load()).Add(soon + time.Second))) // if it goes on, it does so now
	}
	f.overWith(failed, resumed)
	t.Logf("%d trees have failed; the last of one ended %v after what it was", len(failed), longest)
}

// grown waits until of each tree so many leaves have begun.
func (f *fleet) grown(trees []*tree, leaves int) {
	f.t.Helper()
	var from int64
	least := 0
	for began := time.Now(); least < leaves; time.Sleep(2 * time.Millisecond) {
		if time.Since(began) > 2*patience {
			f.t.Fatalf("%d leaves after %v\n%s", least, time.Since(began), f.crew[0].stderr.Bytes())
		}
		var all []line
		all, from = f.lines(from)
		least = leaves
		for _, tr := range trees {
			for _, l := range all {
				if name, _, _ := strings.Cut(l.path, "/"); name != tr.path || l.what != "begins" {
					continue
				}
				switch strings.Count(l.path, "/") {
				case 0:
					tr.pid = l.pid
				case 2:
					tr.leaves++
				}
			}
			least = min(least, tr.leaves)
		}
	}
}

// of is which of the crew a process is, or -1.
func (f *fleet) of(pid int) int {
	for i, h := range f.crew {
		if h.cmd.Process.Pid == pid {
			return i
		}
	}
	return -1
}

// fallen fails the test unless each tree has failed as it should, and in time, and
// nothing of it is live soon. It returns how long that took since it began.
func (f *fleet) fallen(trees []*tree, began time.Time) time.Duration {
	f.t.Helper()
	for _, tr := range trees {
		if fault.KindOf(tr.err) != tr.want {
			f.t.Errorf("%s has %d leaves, %v; want one that failed, %v", tr.path, tr.sum, tr.err, tr.want)
		}
		if took := tr.ended.Sub(began); took > unheard+soon {
			f.t.Errorf("%s ended after %v", tr.path, took)
		}
	}
	for {
		c, err := f.client.Count(f.t.Context(), job.Query{Tasks: []string{"root", "middle", "leaf"}})
		if err != nil {
			f.t.Fatal(err)
		}
		switch took := time.Since(began); {
		case c.Live() == 0:
			return took
		case took > unheard+2*soon:
			f.t.Errorf("%d jobs are live %v after their roots were to end", c.Live(), took)
			return took
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// overWith fails the test if the store has work on a tree that began after the end of
// its root, but for a moment: after that end, or after its process was let go on.
func (f *fleet) overWith(trees []*tree, resumed map[int][]int64) {
	f.t.Helper()
	end := make(map[string]int64)
	for _, tr := range trees {
		end[tr.path] = tr.ended.UnixNano()
	}
	all, _ := f.lines(0)
	late := 0
	for _, l := range all {
		name, _, _ := strings.Cut(l.path, "/")
		at, failed := end[name]
		if !failed || l.what != "begins" || l.at <= at {
			continue
		}
		late++
		ok := l.at-at < int64(soon)
		for _, at := range resumed[l.pid] {
			ok = ok || l.at >= at && l.at-at < int64(soon)
		}
		if !ok {
			f.t.Errorf("%s began %v after its root had ended", l.path, time.Duration(l.at-at))
		}
	}
	f.t.Logf("%d jobs began after the ends of their roots, each soon after", late)
}
