package state_test

import (
	"errors"
	"testing"

	"github.com/hemgo/hem/job/internal/state"
)

const second = 1_000_000

// A shard is a state with helpers that fail the test.
type shard struct {
	*testing.T
	*state.State
	out state.Outcome
}

func open(t *testing.T, l state.Limits) *shard {
	x := &shard{T: t, State: state.New()}
	x.Begin(1000 * second)
	x.do(state.AppendLimits(nil, l))
	return x
}

var roomy = state.Limits{Jobs: 1000, Bytes: 1 << 20, Kept: 100, Buried: 100, KeptBytes: 1 << 40, Ageing: 60 * second}

func (x *shard) do(t []byte) *state.Outcome {
	x.Helper()
	if err := x.Apply(t, &x.out); err != nil {
		x.Fatalf("%x: %v", t, err)
	}
	x.sound()
	return &x.out
}

func (x *shard) refuses(want error, t []byte) {
	x.Helper()
	before := string(x.AppendCanonical(nil))
	if err := x.Apply(t, &x.out); !errors.Is(err, want) {
		x.Fatalf("%x: got %v, want %v", t, err, want)
	}
	if string(x.AppendCanonical(nil)) != before {
		x.Fatalf("%x was refused, and has changed the state", t)
	}
	x.sound()
}

func (x *shard) sound() {
	x.Helper()
	if err := x.Check(); err != nil {
		x.Fatal(err)
	}
}

func (x *shard) pass(d int64) {
	x.Begin(x.Now() + d)
	x.sound()
}

func spec(change ...func(*state.Spec)) state.Spec {
	p := state.Spec{Task: "resize", Queue: "q", Attempts: 3, First: second, Most: 10 * second, Keep: 60 * second, Bury: 600 * second, Input: []byte("in")}
	for _, c := range change {
		c(&p)
	}
	return p
}

func (x *shard) enqueue(change ...func(*state.Spec)) uint64 {
	x.Helper()
	return x.do(state.AppendEnqueue(nil, spec(change...))).IDs[0]
}

// enqueueMany enters n jobs that are alike.
func (x *shard) enqueueMany(n int, change ...func(*state.Spec)) {
	x.Helper()
	for range n {
		x.enqueue(change...)
	}
}

func (x *shard) session() uint64 {
	x.Helper()
	return x.do(state.AppendSessionOpen(nil, "w", false)).IDs[0]
}

// claim gives the next job to a session.
func (x *shard) claim(session uint64) (job uint64, epoch uint32) {
	x.Helper()
	job, ok := x.Pick(state.Filter{})
	if !ok {
		x.Fatal("no job is ready")
	}
	return job, x.do(state.AppendClaim(nil, session, job)).Epoch
}

// all claims what there is to claim, and returns how many jobs that are.
func (x *shard) all(session uint64) (n int) {
	x.Helper()
	for {
		if _, ok := x.Pick(state.Filter{}); !ok {
			return n
		}
		x.claim(session)
		n++
	}
}

// complete ends a job that is running.
func (x *shard) complete(job uint64) {
	x.Helper()
	i := x.is(job, state.Running)
	x.do(state.AppendComplete(nil, i.Session, job, i.Epoch, nil))
}

// end completes everything that is running.
func (x *shard) end(session uint64) {
	x.Helper()
	for _, job := range x.Running(session) {
		x.do(state.AppendComplete(nil, session, job, x.is(job, state.Running).Epoch, nil))
	}
}

func (x *shard) is(job uint64, want state.Status) state.Info {
	x.Helper()
	i, err := x.Job(job)
	if err != nil || i.Status != want {
		x.Fatalf("job %d has status %d (%v), not %d", job, i.Status, err, want)
	}
	return i
}

func (x *shard) gone(job uint64) {
	x.Helper()
	if _, err := x.Job(job); err != state.ErrForgotten {
		x.Fatalf("job %d: got %v, want %v", job, err, state.ErrForgotten)
	}
}

func queued(name string) func(*state.Spec) {
	return func(p *state.Spec) { p.Queue = name }
}

func capped(limit, key string) func(*state.Spec) {
	return func(p *state.Spec) { p.Limit, p.LimitKey = limit, key }
}

func of(group string) func(*state.Spec) {
	return func(p *state.Spec) { p.Group = group }
}

func task(name string) func(*state.Spec) {
	return func(p *state.Spec) { p.Task = name }
}

// nothing holds that there is nothing to claim, and that a job which is ready is
// refused who claims it all the same.
func (x *shard) nothing(session, job uint64) {
	x.Helper()
	if got, ok := x.Pick(state.Filter{}); ok {
		x.Fatalf("job %d may be claimed", got)
	}
	x.refuses(state.ErrLimited, state.AppendClaim(nil, session, job))
}

// restored is x as a snapshot gives it.
func (x *shard) restored() *shard {
	x.Helper()
	r, p := state.NewRestore(), x.Snapshot()
	for {
		page, more := p.Next(nil, 1<<20)
		if !more {
			break
		}
		if err := r.Page(page); err != nil {
			x.Fatal(err)
		}
	}
	s, err := r.State()
	if err != nil {
		x.Fatal(err)
	}
	y := &shard{T: x.T, State: s}
	y.sound()
	if string(y.AppendCanonical(nil)) != string(x.AppendCanonical(nil)) {
		x.Fatal("the restored state is another one")
	}
	return y
}
