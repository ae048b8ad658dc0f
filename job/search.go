package job

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job/internal/state"
)

// A Query says which jobs are meant: those for which all that it says is so. What is
// not said is any; of a list, one is enough.
type Query struct {
	States []State
	Tasks  []string
	Queues []string
	Groups []string // "" is that of jobs without one

	Tag      string // one that it has
	Key      string
	Schedule string // that it comes from
	Parent   ID     // whose child it is

	After  time.Time // it was accepted then or later
	Before time.Time // it was accepted earlier

	// Below lets a search go on where another has stopped: see [Found].
	Below ID
}

// Found is a page of a search.
type Found struct {
	Jobs []Status // the newest first

	// Next is the Query.Below of the page that follows; 0 is that there is none.
	Next ID
}

// Search returns the jobs that q finds, the newest first: most at most, from 1 to
// 10,000. For the next page, set Query.Below to what [Found] has as Next. A job that
// was there all the while is on exactly one page; [Client.All] goes through them.
//
// # Errors
//
// Beside those of [Client], [fault.Invalid]: most or a State is wrong.
//
// # Cost
//
// It looks at all jobs in the States of q which are newer than Query.After and older
// than the last one that it returns, a few thousand at a time, and lets others have
// their turn between: some 10 ms for 100,000 jobs. To know how many there are,
// [Client.Count] looks at none.
func (c *Client) Search(ctx context.Context, q Query, most int) (Found, error) {
	c.must("Search")
	asked, err := q.search()
	if err == nil && (most < 1 || most > mostFound) {
		err = fmt.Errorf("at most %d jobs are wanted: it must be 1 to %d", most, mostFound)
	}
	if err != nil {
		return Found{}, invalid(opSearch, "", err)
	}
	found := Found{Next: q.Below}
	for len(found.Jobs) < most {
		r := &read{kind: readSearch, query: asked, below: uint64(found.Next), most: min(most-len(found.Jobs), mostPage)}
		if err := c.look(ctx, "Search", opSearch, "", r); err != nil {
			return Found{}, err
		}
		for i := range r.jobs {
			found.Jobs = append(found.Jobs, statusOf(&r.jobs[i]))
		}
		found.Next = ID(r.next)
		if r.next == 0 {
			break
		}
	}
	return found, nil
}

// mostFound is how many jobs one Search returns.
const mostFound = 10_000

// All goes through the jobs that q finds, the newest first, page by page: a job that
// comes to be meanwhile is not among them, and each is as it was when its page was
// read. An error is the last that it gives. See [Client.Search].
func (c *Client) All(ctx context.Context, q Query) iter.Seq2[Status, error] {
	return func(yield func(Status, error) bool) {
		for {
			found, err := c.Search(ctx, q, mostPage)
			if err != nil {
				yield(Status{}, err)
				return
			}
			for _, s := range found.Jobs {
				if !yield(s, nil) {
					return
				}
			}
			if q.Below = found.Next; q.Below == 0 {
				return
			}
		}
	}
}

// search is q for package state. The caller may change its lists afterwards.
func (q *Query) search() (asked state.Query, err error) {
	asked = state.Query{
		Tasks: slices.Clone(q.Tasks), Queues: slices.Clone(q.Queues), Groups: slices.Clone(q.Groups),
		Tag: q.Tag, Key: q.Key, Schedule: q.Schedule, Parent: uint64(q.Parent),
		After: microsUp(q.After), Before: microsUp(q.Before),
	}
	for _, s := range q.States {
		if s == 0 || s > Cancelled {
			return asked, fmt.Errorf("%v is not a State", s)
		}
		asked.Statuses = append(asked.Statuses, state.Status(s))
	}
	return asked, nil
}

// microsUp is a bound for times in microseconds: those at or after t are at or after
// it. The zero Time is none, 0.
func microsUp(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	micros := t.UnixMicro()
	if time.UnixMicro(micros).Before(t) {
		micros++
	}
	return max(micros, 1)
}

// Count returns how many jobs q means, by their State: by Tasks, Queues and Groups
// together, or by one Tag alone; States leaves those out that it does not have. It
// looks at no job: the numbers are kept.
//
// # Errors
//
// Beside those of [Client], [fault.Invalid]: q says what cannot be counted without
// looking at jobs. [Client.Search] does.
//
// # Cost
//
// By one Tag, by Queues alone, or of all: next to nothing. Otherwise it grows with how
// many different tasks, queues and groups jobs have, and not with how many jobs.
func (c *Client) Count(ctx context.Context, q Query) (Counts, error) {
	c.must("Count")
	asked, err := q.count()
	if err != nil {
		return Counts{}, invalid(opCount, "", err)
	}
	r := &read{kind: readCount, query: asked}
	if err := c.look(ctx, "Count", opCount, "", r); err != nil {
		return Counts{}, err
	}
	counts := countsOf(r.counts)
	if len(q.States) > 0 {
		counts = counts.only(q.States)
	}
	return counts, nil
}

var errNotCounted = &fault.Error{
	Err:  errors.New("counts are kept by Tasks, Queues and Groups together, or by one Tag alone"),
	Hint: "use Search, which looks at jobs",
}

// count is search for what is counted.
func (q *Query) count() (asked state.Query, err error) {
	names := len(q.Tasks) + len(q.Queues) + len(q.Groups)
	switch {
	case q.Key != "", q.Schedule != "", q.Parent != 0, q.Below != 0, !q.After.IsZero(), !q.Before.IsZero(), q.Tag != "" && names > 0:
		return asked, errNotCounted
	}
	return q.search()
}

// only leaves out what is not in one of the states. Bytes are of live jobs.
func (c Counts) only(states []State) (left Counts) {
	for s, n := range map[State][2]*int64{
		Delayed: {&c.Delayed, &left.Delayed}, Ready: {&c.Ready, &left.Ready}, Running: {&c.Running, &left.Running},
		Done: {&c.Done, &left.Done}, Dead: {&c.Dead, &left.Dead}, Cancelled: {&c.Cancelled, &left.Cancelled},
	} {
		if slices.Contains(states, s) {
			*n[1] = *n[0]
		}
	}
	left.Bytes = c.Bytes
	return left
}
