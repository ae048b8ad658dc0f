//go:build linux

package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hemgo/hem/job"
)

// The owner's process is killed again and again, while workers elsewhere have running
// jobs, and callers elsewhere wait. What was promised is held against what the
// handlers themselves have written to a file.
func TestOwnersThatAreKilledLoseNothingAndAreFoundAgain(t *testing.T) {
	t.Parallel()
	re := newRealm(t, 3, 2)
	r := seeded(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	var mu sync.Mutex
	waiting := make(map[string]func(context.Context) error)
	wait := func(path string, f func(context.Context) error) {
		mu.Lock()
		waiting[path] = f
		mu.Unlock()
	}
	tried := re.client.With(job.Attempts(1000), job.Backoff(0, 0))
	all.Go(func() { // of a limit
		for n := 0; ctx.Err() == nil; n++ {
			key := fmt.Sprint(n % 3)
			path := fmt.Sprintf("limited-%s-%d", key, n)
			h, err := job.Enqueue(ctx, tried.With(job.Limit("key", key)), steady, chore{path, 5 + n%10*16})
			if err != nil {
				if ctx.Err() == nil {
					t.Error(err)
				}
				return
			}
			wait(path, func(ctx context.Context) error {
				got, err := h.Wait(ctx)
				if err == nil && got != path {
					err = fmt.Errorf("it returned %q", got)
				}
				return err
			})
			time.Sleep(700 * time.Millisecond)
		}
	})
	all.Go(func() { // trees
		for n := 0; ctx.Err() == nil; n++ {
			path := fmt.Sprint("tree-", n)
			h, err := job.Enqueue(ctx, tried, keptRoot, branch{Path: path, Below: []int{5, 20}})
			if err != nil {
				if ctx.Err() == nil {
					t.Error(err)
				}
				return
			}
			wait(path, func(ctx context.Context) error {
				got, err := h.Wait(ctx)
				if err == nil && got != 100 {
					err = fmt.Errorf("it has %d leaves", got)
				}
				return err
			})
			time.Sleep(2 * time.Second)
		}
	})
	all.Go(func() { // leases by key, as the owner has them
		for ctx.Err() == nil {
			running := make(map[string]int)
			for st, err := range re.client.All(ctx, job.Query{Tasks: []string{"steady"}, States: []job.State{job.Running}}) {
				if err != nil {
					break
				}
				running[st.LimitKey]++
			}
			delete(running, "")
			for key, n := range running {
				if n > mostOfKey {
					t.Errorf("%d jobs of key %s are running", n, key)
				}
			}
			time.Sleep(50 * time.Millisecond)
		}
	})

	least, long := 20*time.Second, false
	for e := effort(1); e.more() || time.Since(e.began) < least; {
		time.Sleep(time.Duration(r.Int64N(int64(3 * time.Second))))
		away := time.Duration(r.Int64N(int64(1500 * time.Millisecond)))
		switch {
		case !long && len(re.down) > 1 || r.IntN(8) == 0: // longer than a session is its own
			long = true
			time.Sleep(time.Second)
			away = 9*time.Second + time.Duration(r.Int64N(int64(4*time.Second)))
		case r.IntN(3) == 0: // it is killed while it opens
			re.fall(0)
			time.Sleep(time.Duration(r.Int64N(int64(300 * time.Millisecond))))
		}
		if r.IntN(3) == 0 || len(re.down) == 0 {
			re.bury(r.IntN(len(re.callers)))
		}
		re.fall(away)
	}
	re.bury(re.callsForLong()) // that is found to be nobody's while the rest is done
	cancel()
	all.Wait()
	for _, h := range re.callers {
		h.end()
	}

	ctx, cancel = context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	for path, f := range waiting {
		if err := f(ctx); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		c, err := re.client.Counts(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		if c.Live() == 0 {
			break
		}
		if time.Since(began) > patience {
			t.Fatalf("nobody works on what there is: %+v", c)
		}
	}
	accepted := re.accepted()
	for _, id := range accepted {
		if st, err := re.client.Status(t.Context(), id); err != nil || st.State != job.Done {
			t.Errorf("job %v, which was accepted: %+v, %v", id, st, err)
		}
	}
	re.noneTwice()
	re.noneAtOnce()
	re.stopWhenTheyMust()
	re.endWithTheirCallers()
	t.Logf("%d kills, %d jobs and trees of the test, %d accepted of callers, %d of whom died", len(re.down), len(waiting), len(accepted), len(re.dead))
	if len(accepted) == 0 || len(re.dead) == 0 {
		t.Error("nothing was tried")
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Error("it took too long")
	}
}

// attempt is one of a handler's, as it has noted it.
type attempt struct {
	path  string
	pid   int
	epoch uint32
}

// noneAtOnce fails the test if handlers were at one piece of work at the same time,
// or at more of one limit's key than may be. No worker was killed, so each has noted
// its end.
func (re *realm) noneAtOnce() {
	re.t.Helper()
	all, _ := re.lines(0)
	at := make(map[string]map[attempt]bool)
	change := func(what string, most int, l line, begins bool) {
		if at[what] == nil {
			at[what] = make(map[attempt]bool)
		}
		a := attempt{l.path, l.pid, l.epoch}
		if !begins {
			delete(at[what], a)
			return
		}
		if at[what][a] = true; len(at[what]) > most {
			re.t.Errorf("%d are at %s at the same time: %v", len(at[what]), what, at[what])
		}
	}
	for _, l := range all {
		begins, ends := l.what == "begins", l.what == "ends" || strings.HasPrefix(l.what, "stops-")
		if !begins && !ends || strings.HasPrefix(l.path, "tree") {
			continue // those of trees note no end
		}
		change(l.path, 1, l, begins)
		if rest, ok := strings.CutPrefix(l.path, "limited-"); ok {
			change("key "+rest[:1], mostOfKey, l, begins)
		}
	}
}

// stopWhenTheyMust fails the test if a handler worked on when its worker had heard
// nothing for longer than a session is its own; and if none went on when it might.
func (re *realm) stopWhenTheyMust() {
	re.t.Helper()
	const (
		must = int64(7500 * time.Millisecond) // 6 s, and some to notice
		may  = int64(2 * time.Second)
	)
	all, _ := re.lines(0)
	begun := make(map[attempt]int64)
	fenced, wentOn, long := 0, 0, 0
	for _, d := range re.down {
		if d.to-d.from > must {
			long++
		}
	}
	counted := make(map[attempt]bool)
	for _, l := range all {
		a := attempt{l.path, l.pid, l.epoch}
		switch l.what {
		case "begins":
			begun[a] = l.at
		case "stops-fenced":
			fenced++
		case "works":
			for _, d := range re.down {
				if l.at > d.from+must && l.at < d.to {
					re.t.Errorf("%s was worked on %v after the owner was killed", l.path, time.Duration(l.at-d.from))
				}
				if d.to-d.from < may && begun[a] < d.from && l.at > d.to+may && !counted[a] {
					counted[a] = true
					wentOn++
				}
			}
		}
	}
	if long == 0 || fenced == 0 || wentOn == 0 {
		re.t.Errorf("of %d outages %d were long, %d attempts were fenced and %d went on", len(re.down), long, fenced, wentOn)
	}
	re.t.Logf("of %d outages %d were long; %d attempts were fenced, %d went on under another owner", len(re.down), long, fenced, wentOn)
}

// endWithTheirCallers fails the test if attached work went on when its caller had
// been dead for as long as an owner needs to find that out. Each new owner gives all
// sessions their whole time.
func (re *realm) endWithTheirCallers() {
	re.t.Helper()
	const whole = int64(10 * time.Second)
	until := make(map[int]int64)
	for pid, at := range re.dead {
		until[pid] = at + whole
		for _, d := range re.down {
			if d.from > at && d.from < until[pid]+int64(time.Second) || d.from < at && at < d.to {
				until[pid] = d.to + int64(time.Second) + whole
			}
		}
	}
	all, _ := re.lines(0)
	ended := 0
	for _, l := range all {
		var pid, i, n int
		if c, _ := fmt.Sscanf(l.path, "call-%d-%d-%d", &pid, &i, &n); c != 3 || re.dead[pid] == 0 {
			continue
		}
		over := time.Duration(l.at - until[pid])
		switch {
		case l.what == "stops-cancelled" && l.at > re.dead[pid]:
			ended++
		case l.what == "works" && over > 2*time.Second:
			re.t.Errorf("%s was worked on %v after its caller was known to be dead", l.path, over)
		}
	}
	if ended == 0 {
		re.t.Error("no attached call ended because its caller was dead")
	}
	re.t.Logf("%d attached calls ended because their callers were dead", ended)
}
