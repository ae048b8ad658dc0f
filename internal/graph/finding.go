package graph

import (
	"sync"
	"time"

	"github.com/hemgo/hem/fault"
)

// A Finding is something worth a person's look that is nobody's error: a task
// that ignores its cancellation, a pool that is always full.
type Finding struct {
	Code   string      // package, dot, what: "scope.ignored-cancel"
	Task   *Task       // whom it concerns, may be nil
	Detail string      // one sentence
	Stack  fault.Stack // may be empty
	Time   time.Time   // set by Report
}

// findings keeps the newest, and tells whoever subscribed.
var findings struct {
	mu    sync.Mutex
	ring  [256]Finding
	total uint64
	count map[string]uint64
	subs  map[*func(Finding)]struct{}
}

// Report records f. It is for slow paths: it takes a lock and reads the clock.
func Report(f Finding) {
	f.Time = time.Now()
	findings.mu.Lock()
	findings.ring[findings.total%uint64(len(findings.ring))] = f
	findings.total++
	if findings.count == nil {
		findings.count = make(map[string]uint64)
	}
	findings.count[f.Code]++
	subs := make([]func(Finding), 0, len(findings.subs))
	for s := range findings.subs {
		subs = append(subs, *s)
	}
	findings.mu.Unlock()
	for _, s := range subs {
		s(f)
	}
}

// Findings returns the newest findings, oldest first, and how often each code
// was ever reported.
func Findings() (newest []Finding, count map[string]uint64) {
	findings.mu.Lock()
	defer findings.mu.Unlock()
	n := uint64(len(findings.ring))
	for i := findings.total - min(findings.total, n); i < findings.total; i++ {
		newest = append(newest, findings.ring[i%n])
	}
	count = make(map[string]uint64, len(findings.count))
	for code, c := range findings.count {
		count[code] = c
	}
	return newest, count
}

// Subscribe calls f with every finding from now on, on the goroutine that
// reports it, until cancel is called.
func Subscribe(f func(Finding)) (cancel func()) {
	findings.mu.Lock()
	defer findings.mu.Unlock()
	if findings.subs == nil {
		findings.subs = make(map[*func(Finding)]struct{})
	}
	findings.subs[&f] = struct{}{}
	return func() {
		findings.mu.Lock()
		defer findings.mu.Unlock()
		delete(findings.subs, &f)
	}
}
