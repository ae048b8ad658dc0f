package job

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hemgo/hem/job/internal/state"
)

// A Why says why nobody works on a job, or who does. Its String is for people.
type Why struct {
	Job    Status
	Reason Reason

	Until time.Time // ReasonDelayed, ReasonQueueRate, ReasonLimitRate: when that ends
	By    []ID      // ReasonQueueFull, ReasonLimitFull: jobs that stand in the way, 16 at most, of the 10,000 that are looked at

	// Ahead is how many jobs have their turn before it, with ReasonBehind, and
	// Others how many of these are of other queues; 10,000 stands for that many or
	// more. What a worker does not claim is not before it: of several workers with
	// different tasks or queues, this is for the one with the fewest. It is exact
	// about there being none, and else about right.
	Ahead, Others int

	// Workers is how many open sessions have last claimed jobs of its task in its
	// queue, with ReasonBusy. Those that work, and have not claimed since the owner
	// was opened, are among them.
	Workers int

	// Token is that of the attempt, with ReasonRunning: Job has Session, Since
	// and Attempt.
	Token FencingToken
}

// A Reason is why nobody works on a job.
type Reason uint8

// The reasons. Of several that hold, the first of this list is given.
const (
	ReasonEnded     Reason = 1 + iota // it has ended
	ReasonRunning                     // somebody does work on it
	ReasonDelayed                     // it waits for its time, or for its next attempt
	ReasonPaused                      // its queue is paused
	ReasonNoWorker                    // no open session has last claimed jobs of its task in its queue
	ReasonQueueFull                   // as many jobs of its queue are running as may be
	ReasonQueueRate                   // its queue's rate does not allow it yet
	ReasonLimitFull                   // as many jobs of its limit's key are running as may be
	ReasonLimitRate                   // its limit's rate does not allow it yet
	ReasonBehind                      // others have their turn before it
	ReasonBusy                        // no worker that claims such jobs has a slot free
	ReasonNext                        // none: one of them waits for it
)

var reasonNames = [...]string{
	ReasonEnded: "ended", ReasonRunning: "running", ReasonDelayed: "delayed", ReasonPaused: "paused", ReasonNoWorker: "no worker",
	ReasonQueueFull: "queue full", ReasonQueueRate: "queue rate", ReasonLimitFull: "limit full", ReasonLimitRate: "limit rate",
	ReasonBehind: "behind", ReasonBusy: "busy", ReasonNext: "next",
}

// String is, for example, "no worker".
func (r Reason) String() string {
	if int(r) < len(reasonNames) && r != 0 {
		return reasonNames[r]
	}
	return "reason " + strconv.Itoa(int(r))
}

// Why says why nobody works on a job, or who does.
//
// # Errors
//
// Beside those of [Client], [fault.Invalid] with [ErrNoJob].
//
// # Cost
//
// Nobody is served meanwhile, so it looks at 10,000 of the running jobs at most, and at
// 40,000 of those that are ready, for each of 4 different filters that workers claim
// with.
func (c *Client) Why(ctx context.Context, id ID) (Why, error) {
	r := &read{kind: readWhy, id: uint64(id)}
	err := c.look(ctx, "Why", opWhy, id.String(), r)
	if err == nil {
		err = refusal(opWhy, id.String(), r.err)
	}
	if err != nil {
		return Why{}, err
	}
	return whyOf(c.desk.logID(), r), nil
}

// reasons are those of package state.
var reasons = [...]Reason{
	state.ReasonNotDue: ReasonDelayed, state.ReasonPaused: ReasonPaused, state.ReasonQueue: ReasonQueueFull, state.ReasonRate: ReasonQueueRate,
	state.ReasonLimit: ReasonLimitFull, state.ReasonKeyRate: ReasonLimitRate, state.ReasonBehind: ReasonBehind, state.ReasonNext: ReasonNext,
}

func whyOf(log [16]byte, r *read) Why {
	info := &r.jobs[0]
	w := Why{Job: statusOf(info), Reason: reasons[r.why.Reason]}
	switch {
	case !info.Status.Live():
		w.Reason = ReasonEnded
		return w
	case info.Status == state.Running:
		w.Reason = ReasonRunning
		w.Token = FencingToken{Log: log, Job: w.Job.ID, Epoch: info.Epoch}
		return w
	case w.Reason > ReasonNoWorker && r.workers == 0:
		w.Reason = ReasonNoWorker
		return w
	case w.Reason == ReasonNext && !r.claimed:
		w.Reason, w.Workers = ReasonBusy, r.workers
		return w
	}
	w.Until, w.Ahead, w.Others = timeOf(r.why.Until), r.why.Ahead, r.why.Others
	for _, id := range r.why.By {
		w.By = append(w.By, ID(id))
	}
	return w
}

// String says it in a sentence without a full stop, as in
//
//	limit "api" of key "acme" is reached by job 17
func (w Why) String() string {
	j := &w.Job
	until := w.Until.Format(time.RFC3339)
	switch w.Reason {
	case ReasonEnded:
		return fmt.Sprintf("it has ended: %v", j.State)
	case ReasonRunning:
		return fmt.Sprintf("session %q works on it since %s: attempt %d of %d, token %v", j.Session, j.Since.Format(time.RFC3339), j.Attempt, j.Attempts, w.Token)
	case ReasonDelayed:
		if j.Attempt > 0 {
			return fmt.Sprintf("it waits until %s for attempt %d of %d", until, j.Attempt+1, j.Attempts)
		}
		return "it is not due until " + until
	case ReasonPaused:
		return fmt.Sprintf("queue %q is paused", j.Queue)
	case ReasonNoWorker:
		return fmt.Sprintf("no worker claims task %q of queue %q", j.Task, j.Queue)
	case ReasonQueueFull:
		return fmt.Sprintf("queue %q runs as many jobs as it may: %s", j.Queue, jobs(w.By))
	case ReasonQueueRate:
		return fmt.Sprintf("the rate of queue %q allows the next job at %s", j.Queue, until)
	case ReasonLimitFull:
		return fmt.Sprintf("%s is reached by %s", limitName(j), jobs(w.By))
	case ReasonLimitRate:
		return fmt.Sprintf("the rate of %s allows the next job at %s", limitName(j), until)
	case ReasonBehind:
		return "it is behind " + w.ahead()
	case ReasonBusy:
		if w.Workers == 1 {
			return "1 worker knows it, and has no free slot"
		}
		return fmt.Sprintf("%d workers know it, and none has a free slot", w.Workers)
	case ReasonNext:
		return "it is next"
	}
	return w.Reason.String()
}

// mostAhead is what stands for that many jobs or more.
const mostAhead = 10_000

// ahead is what has its turn before the job, in words.
func (w *Why) ahead() string {
	text := fmt.Sprintf("%d others", w.Ahead)
	switch {
	case w.Ahead >= mostAhead:
		text = "10,000 others or more"
	case w.Ahead == 1:
		text = "1 other"
	}
	switch w.Others {
	case 0:
		return text
	case w.Ahead:
		return text + " in other queues"
	}
	return fmt.Sprintf("%s, %d of them in other queues", text, w.Others)
}

// limitName is the limit that a job counts for, and its key.
func limitName(j *Status) string {
	if j.LimitKey == "" {
		return fmt.Sprintf("limit %q", j.Limit)
	}
	return fmt.Sprintf("limit %q of key %q", j.Limit, j.LimitKey)
}

// jobs are some jobs in words.
func jobs(ids []ID) string {
	const most = 5
	names := make([]string, 0, most)
	for _, id := range ids[:min(len(ids), most)] {
		names = append(names, id.String())
	}
	text := strings.Join(names, ", ")
	switch {
	case len(ids) == 0:
		return "jobs that are not among the 10,000 looked at"
	case len(ids) == 1:
		return "job " + text
	case len(ids) > most:
		return "jobs " + text + " and others"
	}
	return "jobs " + text
}
