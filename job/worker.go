package job

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/task"
)

// A worker is what [Work] runs. It works in stints, each with a session of its
// own; in one
//
//	claims ─▶ attempts, each a task ─▶ outcomes
//	             ▲
//	listens ─────┘ cancelled, or not its own any more
type worker struct {
	client *Client
	conf   WorkerConfig
	tasks  map[string]task.Task
	filter Filter
	slots  slots

	mu      sync.Mutex
	running map[claimID]*attempt
	early   map[claimID]error // what was cancelled before it was heard of as claimed
}

// A claimID is a claim of a job.
type claimID struct {
	job   uint64
	epoch uint32
}

// work works until ctx ends. A session elsewhere may end although the owner is
// there, if nothing was heard for long: then there is another stint.
func (w *worker) work(ctx context.Context) error {
	for {
		err := w.stint(ctx)
		if err == nil || fault.KindOf(err) != fault.Fenced || !w.client.desk.remote() || ctx.Err() != nil {
			return err
		}
		w.conf.Log.Warn("job: the worker's session has ended, and it begins another", "name", w.conf.Name, "err", err)
	}
}

// A stint is a worker's work in one session.
type stint struct {
	*worker
	session *Session
	quit    context.CancelCauseFunc // ends claiming
	quits   <-chan struct{}         // it has
	overdue overdue

	mu       sync.Mutex
	lost     error     // why the session's jobs are not its own any more
	refusals int       // how often the rung has refused work since it took some
	warned   time.Time // when that was last told
}

// stint returns nil when ctx has ended and all is done, and otherwise why it could
// not go on.
func (w *worker) stint(ctx context.Context) error {
	session, err := w.client.Session(ctx, SessionConfig{Name: w.conf.Name})
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	w.running, w.early = make(map[claimID]*attempt), make(map[claimID]error)
	claiming, quit := context.WithCancelCause(ctx)
	defer quit(nil)
	st := &stint{worker: w, session: session, quit: quit, quits: claiming.Done()}
	rest := context.WithoutCancel(ctx) // what has begun is ended in an orderly way
	_ = scope.Run(rest, func(_ context.Context, s *scope.Scope) error {
		s.Daemon(st.listen, scope.Name("cancelled jobs"))
		s.Daemon(st.watch, scope.Name("session"))
		st.claim(claiming, s)
		st.finish(ctx)
		return nil
	}, scope.Name(w.conf.Name), scope.Contain(), scope.Supervise(func(error) {})) // an attempt tells its own end
	if lost := st.isLost(); lost != nil {
		return lost
	}
	if err := session.Close(rest); err != nil {
		return err
	}
	return nil
}

// claim takes jobs as long as ctx lasts, as many as there are slots for.
func (st *stint) claim(ctx context.Context, s *scope.Scope) {
	for {
		n := st.slots.wait(ctx)
		if n == 0 {
			return
		}
		leases, err := st.session.Claim(ctx, n, st.filter)
		if err != nil {
			if ctx.Err() == nil {
				st.lose(err)
			}
			return
		}
		if ctx.Err() != nil { // the last claim was answered when nothing more was to be begun
			for _, l := range leases {
				_ = l.Return(context.WithoutCancel(ctx))
			}
			return
		}
		for _, a := range st.admit(leases) {
			s.Go(a.run, scope.Name(a.lease.info.Task))
		}
	}
}

// admit makes attempts of leases. What was cancelled before is told now.
func (st *stint) admit(leases []*Lease) []*attempt {
	attempts := make([]*attempt, len(leases))
	st.worker.mu.Lock()
	defer st.worker.mu.Unlock()
	for i, l := range leases {
		a := newAttempt(st, l)
		attempts[i] = a
		st.running[a.id] = a
		if why, ok := st.early[a.id]; ok {
			a.stop(why)
		}
	}
	clear(st.early) // at most one claim is under way: the others are of attempts that have ended
	st.slots.take(len(leases))
	if st.isLost() != nil { // since it was claimed
		for _, a := range attempts {
			a.stop(&fault.Error{Op: opWork, Task: st.conf.Name, Kind: fault.Fenced, Err: errFenced})
		}
	}
	return attempts
}

// listen is told which jobs are cancelled.
func (st *stint) listen(ctx context.Context) error {
	var seen uint64
	for {
		r := &request{}
		r.Op, r.Session, r.Seen = owner.Listen, st.session.id, seen
		if err := st.session.ask(ctx, r); err != nil {
			if ctx.Err() == nil {
				st.lose(refusal(opWork, st.conf.Name, err))
			}
			return nil
		}
		for i := range r.Cancels {
			c := &r.Cancels[i]
			seen = c.Seq
			st.cancelled(claimID{c.Job, c.Epoch}, causeOf(c))
		}
	}
}

// causeOf is the error that a handler's context ends with.
func causeOf(c *owner.Cancelled) error {
	switch scoped := c.Cause == state.CauseScope; {
	case scoped && len(c.Detail) > 0:
		why := fault.Decode(c.Detail)
		kind := fault.Cancelled
		if fault.KindOf(why) == fault.Deadline {
			kind = fault.Deadline
		}
		return &fault.Error{Op: opRun, Kind: kind, Err: fmt.Errorf("%w: %w", errScopeEnded, why)}
	case scoped:
		return &fault.Error{Op: opRun, Kind: fault.Cancelled, Err: errScopeEnded}
	case len(c.Detail) > 0:
		return fault.Decode(c.Detail)
	}
	return &fault.Error{Op: opRun, Kind: fault.Cancelled, Err: errCancelled}
}

func (st *stint) cancelled(id claimID, why error) {
	st.worker.mu.Lock()
	defer st.worker.mu.Unlock()
	if a := st.running[id]; a != nil {
		a.stop(why)
	} else {
		st.early[id] = why
	}
}

// watch is told when the session has ended.
func (st *stint) watch(ctx context.Context) error {
	select {
	case <-st.session.fenced():
		st.lose(&fault.Error{Op: opWork, Task: st.conf.Name, Kind: fault.Fenced, Err: errNoSession})
	case <-ctx.Done():
	}
	return nil
}

// lose ends the attempts: whatever they still do is not heard.
func (st *stint) lose(why error) {
	st.mu.Lock()
	if st.lost == nil {
		st.lost = why
	}
	st.mu.Unlock()
	st.quit(why)
	st.stopAll(&fault.Error{Op: opWork, Task: st.conf.Name, Kind: fault.Fenced, Err: errFenced})
}

func (st *stint) isLost() error {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.lost
}

func (st *stint) stopAll(why error) {
	st.worker.mu.Lock()
	defer st.worker.mu.Unlock()
	for _, a := range st.running {
		a.stop(why)
	}
}

// finish waits until all attempts have ended, and ends the contexts of those that take
// too long once ctx has ended.
func (st *stint) finish(ctx context.Context) {
	if st.isLost() == nil {
		grace := time.AfterFunc(st.conf.Grace, func() { st.stopAll(&stopping{context.Cause(ctx)}) })
		defer grace.Stop()
	}
	defer st.overdue.end()
	st.slots.drain(context.WithoutCancel(ctx))
}

// stopping is the cause with which a handler's context ends because its worker
// does.
type stopping struct{ cause error }

// Error says so.
func (s *stopping) Error() string { return "the worker ends: " + s.cause.Error() }

// Unwrap gives why it does.
func (s *stopping) Unwrap() error { return s.cause }

func isStopping(err error) bool {
	_, ok := err.(*stopping)
	return ok
}
