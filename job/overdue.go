package job

import (
	"fmt"
	"sync"
	"time"

	"github.com/hemgo/hem/internal/graph"
)

// deafAfter is how long a handler may go on after its context has ended before
// somebody should look at it. A process is killed by then, unless its pool's Grace is
// longer.
const deafAfter = 10 * time.Second

// An overdue has the attempts of a stint whose handlers' contexts have ended and that go
// on, and reports them when it is time. Its zero value is ready for use.
type overdue struct {
	mu    sync.Mutex
	since map[*attempt]time.Time // that are not reported yet
	timer *time.Timer            // nil while there are none
	over  bool                   // the stint is
}

// add is for an attempt whose context ends now.
func (o *overdue) add(a *attempt) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over {
		return
	}
	if o.since == nil {
		o.since = make(map[*attempt]time.Time)
	}
	o.since[a] = time.Now()
	if o.timer == nil {
		o.timer = time.AfterFunc(deafAfter, o.report)
	}
}

// remove is for an attempt whose handler has ended.
func (o *overdue) remove(a *attempt) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.since, a)
}

func (o *overdue) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.over = true
	if o.timer != nil {
		o.timer.Stop()
	}
}

// due takes out those whose time is over. It looks again once a second at most.
func (o *overdue) due() (due []*attempt) {
	o.mu.Lock()
	defer o.mu.Unlock()
	next := deafAfter
	for a, since := range o.since {
		if left := deafAfter - time.Since(since); left > 0 {
			next = min(next, left)
			continue
		}
		due = append(due, a)
		delete(o.since, a)
	}
	if o.timer = nil; len(o.since) > 0 && !o.over {
		o.timer = time.AfterFunc(max(next, time.Second), o.report)
	}
	return due
}

// report names those that are due: all at once, as their stacks stop the world.
func (o *overdue) report() {
	var deaf []*attempt
	var tasks []*graph.Task
	for _, a := range o.due() {
		if t := a.goesOn(); t != nil {
			deaf, tasks = append(deaf, a), append(tasks, t)
		}
	}
	if len(deaf) == 0 {
		return
	}
	stacks := graph.Stacks(tasks)
	for i, a := range deaf {
		t := tasks[i]
		detail := fmt.Sprintf("job %v, %s, still runs %v after its handler's context ended: %v", a.lease.ID(), t, deafAfter, a.why)
		graph.Report(graph.Finding{Code: "job.ignored-cancel", Task: t, Detail: detail, Stack: stacks[t]})
		a.conf.Log.Warn("job: a handler ignores that its context has ended, and is waited for", "name", a.conf.Name,
			"task", a.lease.info.Task, "job", a.lease.ID(), "cause", a.why, "stack", stacks[t].String())
	}
}

// goesOn returns the task that the handler is in, or nil if it has ended, or not begun.
func (a *attempt) goesOn() *graph.Task {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.end == nil {
		return nil
	}
	return a.task
}
