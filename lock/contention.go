package lock

import (
	"cmp"
	"fmt"
	"path"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
)

// What waiting costs a program, shown by inspect as the place "contended
// locks", and told as findings when it is long. Only who waits pays: a wait
// reads the clock, and one in sampleEvery short ones, and every long one, is
// entered in the table.

const (
	longWait    = time.Second            // a finding
	longHold    = time.Second            // a finding
	exactFrom   = 100 * time.Microsecond // waits that are entered each
	sampleEvery = 64                     // of the others
	maxSites    = 256
	shownSites  = 16
)

// contention is the table, nil until somebody has waited.
var contention atomic.Pointer[siteTable]

var shorts atomic.Uint32 // waits that were too short to be entered each

// siteTable is what is known of each place in the code where locks were waited
// for.
type siteTable struct {
	mu    sync.Mutex
	sites map[waitSite]*waitFigures
}

type waitSite struct {
	label graph.Label
	pc    uintptr
}

type waitFigures struct {
	waits   uint64
	total   time.Duration
	longest time.Duration
	next    time.Duration // the wait that is to be a finding
}

// waited notes that the caller's caller waited for l since then.
func waited(l graph.Resource, t *graph.Task, since time.Time) {
	took := clock(t).Sub(since)
	weight := uint64(1)
	if took < exactFrom {
		if shorts.Add(1)%sampleEvery != 0 {
			return
		}
		weight = sampleEvery
	}
	site := waitSite{l.Label(), siteOf()}
	if theTable().note(site, took, weight) {
		graph.Report(graph.Finding{Code: "lock.long-wait", Task: t,
			Detail: fmt.Sprintf("%s waited %v for %v", nameOf(t), took.Round(time.Millisecond), site.label),
			Stack:  fault.Stack{fault.FrameAt(site.pc)}})
	}
}

func nameOf(t *graph.Task) string {
	if t == nil {
		return "a goroutine outside every task"
	}
	return t.String()
}

// siteOf returns the first address on the stack that is not this package's.
func siteOf() uintptr {
	var pcs [16]uintptr
	n := runtime.Callers(4, pcs[:])
	for _, pc := range pcs[:n] {
		if f := runtime.FuncForPC(pc - 1); f != nil && !ours(f.Name()) {
			return pc
		}
	}
	return pcs[0]
}

// ours reports whether a function is one of this package.
func ours(name string) bool {
	const pkg = "github.com/hemgo/hem/lock."
	return len(name) > len(pkg) && name[:len(pkg)] == pkg
}

func theTable() *siteTable {
	if c := contention.Load(); c != nil {
		return c
	}
	c := &siteTable{sites: make(map[waitSite]*waitFigures)}
	if contention.CompareAndSwap(nil, c) {
		graph.AddPlace(c)
	}
	return contention.Load()
}

// note enters a wait that stands for so many, and reports whether it is to be
// a finding: at each site the first long one, and each twice as long as the
// last that was.
func (c *siteTable) note(at waitSite, took time.Duration, weight uint64) (tell bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.sites[at]
	if f == nil {
		if len(c.sites) >= maxSites {
			c.forgetLocked()
		}
		f = &waitFigures{next: longWait}
		c.sites[at] = f
	}
	f.waits += weight
	f.total += took * time.Duration(weight)
	f.longest = max(f.longest, took)
	if took < f.next {
		return false
	}
	f.next = 2 * took
	return true
}

// forgetLocked drops the half of the sites where least was waited.
func (c *siteTable) forgetLocked() {
	for _, at := range c.rankedLocked()[maxSites/2:] {
		delete(c.sites, at)
	}
}

// rankedLocked returns the sites, the one where most was waited first.
func (c *siteTable) rankedLocked() []waitSite {
	all := make([]waitSite, 0, len(c.sites))
	for at := range c.sites {
		all = append(all, at)
	}
	slices.SortFunc(all, func(a, b waitSite) int {
		return cmp.Or(cmp.Compare(c.sites[b].total, c.sites[a].total), cmp.Compare(a.pc, b.pc))
	})
	return all
}

// Label is for inspect.
func (c *siteTable) Label() graph.Label { return graph.Label{Kind: "lock", Name: "contended locks"} }

// Figures tells the sites where most was waited.
func (c *siteTable) Figures() []graph.Figure {
	c.mu.Lock()
	defer c.mu.Unlock()
	ranked := c.rankedLocked()
	var all []graph.Figure
	for _, at := range ranked[:min(len(ranked), shownSites)] {
		f, where := c.sites[at], fault.FrameAt(at.pc)
		all = append(all, graph.Figure{
			Name: fmt.Sprintf("%s:%d for %v", path.Base(where.File), where.Line, at.label),
			Value: fmt.Sprintf("%d waits, %v in all, longest %v", f.waits,
				f.total.Round(time.Microsecond), f.longest.Round(time.Microsecond)),
		})
	}
	return all
}

// sawHold notes that the hold with this number lasts since now at the latest.
func (r *rare) sawHold(number uint64, now time.Time) {
	if r.sawNumber != number || r.sawAt.IsZero() {
		r.sawNumber, r.sawAt = number, now
	}
}

// heldLongLocked returns how long the hold with this number, which ends, has
// been waited for, if that is worth a finding. On a lock it is so once, and when
// it is twice as long as the last that was.
func (r *rare) heldLongLocked(number uint64, t *graph.Task) time.Duration {
	if r.sawNumber != number || r.sawAt.IsZero() {
		return 0
	}
	took := clock(t).Sub(r.sawAt)
	if took < max(longHold, r.nextHold) {
		return 0
	}
	r.nextHold = 2 * took
	return took
}

// reportHold makes a finding of a hold of l by t, if it took long.
func reportHold(l graph.Resource, t *graph.Task, took time.Duration) {
	if took == 0 {
		return
	}
	graph.Report(graph.Finding{Code: "lock.long-hold", Task: t,
		Detail: fmt.Sprintf("%s held %v for at least %v while others waited", nameOf(t), l.Label(), took.Round(time.Millisecond)),
		Stack:  fault.Stack{fault.FrameAt(siteOf())}})
}

func init() {
	graph.Abandoned = func(t *graph.Task, n int) {
		graph.Report(graph.Finding{Code: "lock.abandoned", Task: t,
			Detail: fmt.Sprintf("%v ended while it held %d locks that it had not unlocked", t, n)})
	}
}
