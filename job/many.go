package job

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
	"github.com/hemgo/hem/scope"
)

// ReplayAll is [Client.Replay] of every dead letter that q finds, and returns how
// many it was. Those that are no dead letters any more when their turn comes, whose
// key another job has by then, or whose parent has ended, are left out; so are those
// that die after ReplayAll was called. States need not be said.
//
// # Cancellation
//
// When ctx ends, so does ReplayAll. What it has replayed stays replayed.
//
// # Errors
//
// Beside those of [Client], at the first of which it stops:
//
//	fault.Invalid     q says States other than Dead.
//	fault.Overloaded  there is no room for one more live job.
func (c *Client) ReplayAll(ctx context.Context, q Query) (n int, err error) {
	return c.everyOne(ctx, q, change{
		verb: "ReplayAll", op: opReplayAll, what: owner.Revive, states: []State{Dead},
		passed: []error{state.ErrNotDead, state.ErrForgotten, state.ErrKeyTaken, state.ErrScope},
	})
}

// CancelAll is [Client.Cancel] of every live job that q finds, and returns how many
// it was. Those that have ended when their turn comes are left out, and so are those
// that were enqueued after CancelAll was called. States need not be said; they can be
// Delayed, Ready and Running.
//
// # Cancellation
//
// When ctx ends, so does CancelAll. What it has cancelled stays cancelled.
//
// # Errors
//
// Beside those of [Client], at the first of which it stops, [fault.Invalid]: q says
// States of jobs that have ended.
func (c *Client) CancelAll(ctx context.Context, q Query) (n int, err error) {
	return c.everyOne(ctx, q, change{
		verb: "CancelAll", op: opCancelAll, what: owner.Cancel, states: []State{Delayed, Ready, Running},
		passed: []error{state.ErrEnded, state.ErrForgotten},
	})
}

// A change is what is done to every job that a query finds.
type change struct {
	verb, op string
	what     owner.Op
	states   []State // in which it can be done
	passed   []error // with which it comes too late
}

// mostAtOnce is how many requests are under way at a time. They share records of the
// log.
const mostAtOnce = 128

func (c *Client) everyOne(ctx context.Context, q Query, do change) (int, error) {
	c.must(do.verb)
	if ctx == nil {
		panic("job: " + do.verb + " with a nil context")
	}
	for _, s := range q.States {
		if !slices.Contains(do.states, s) {
			return 0, invalid(do.op, "", fmt.Errorf("it is for jobs that are %v, and not %v: leave States out", do.states, s))
		}
	}
	if len(q.States) == 0 {
		q.States = do.states
	}
	asked, err := q.search()
	if err != nil {
		return 0, invalid(do.op, "", err)
	}
	var n atomic.Int64
	for below, more := uint64(q.Below), true; more; {
		page := &read{kind: readSearch, query: asked, below: below, most: mostPage}
		if err := c.look(ctx, do.verb, do.op, "", page); err != nil {
			return int(n.Load()), err
		}
		below, more = page.next, page.next != 0
		_, err := scope.Map(ctx, mostAtOnce, page.jobs, func(ctx context.Context, i state.Info) (_ struct{}, err error) {
			done, err := c.one(ctx, do, i.ID)
			if done {
				n.Add(1)
			}
			return struct{}{}, err
		})
		if err != nil {
			return int(n.Load()), err
		}
	}
	return int(n.Load()), nil
}

// one does it to one job. done is false if it came too late.
func (c *Client) one(ctx context.Context, do change, id uint64) (done bool, err error) {
	r := &request{}
	r.Op, r.Job = do.what, id
	err = c.desk.ask(ctx, r)
	if slices.Contains(do.passed, err) {
		return false, nil
	}
	return err == nil, refusal(do.op, ID(id).String(), err)
}
