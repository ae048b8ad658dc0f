package job_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
)

// A tally is what callers were told.
type tally struct {
	mu       sync.Mutex
	accepted map[job.ID]bool
	done     map[job.ID]int
	perhaps  int // Enqueues of which nobody knows
}

func (y *tally) note(f func()) {
	y.mu.Lock()
	defer y.mu.Unlock()
	f()
}

// Sixty-four goroutines enqueue, claim and complete in real time, with contexts
// that end at any moment, while appends are slow and answers are lost. What was
// acknowledged must be in the log, once.
func TestStressEveryAcknowledgementIsInTheLog(t *testing.T) {
	m := jobtest.NewMemory()
	var unlucky atomic.Uint64
	m.Faults(func(op jobtest.Op) jobtest.Fault {
		if op.Verb != jobtest.Append {
			return jobtest.Fault{}
		}
		switch n := unlucky.Add(1); {
		case n%499 == 0:
			return jobtest.Fault{Lose: jobtest.Stored}
		case n%401 == 0:
			return jobtest.Fault{Lose: jobtest.Never}
		case n%7 == 0:
			return jobtest.Fault{Wait: time.Millisecond}
		}
		return jobtest.Fault{}
	})
	o := open(t, m, job.Config{Depth: 500, SnapshotAfter: 64 << 10})
	y := &tally{accepted: make(map[job.ID]bool), done: make(map[job.ID]int)}
	stop := make(chan struct{})
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 7))
			if i%2 == 0 {
				y.produce(t, o.Client(), r, stop)
			} else {
				y.consume(t, o.Client(), r, stop)
			}
		})
	}
	time.Sleep(2 * time.Second)
	close(stop)
	all.Wait()
	shut(t, o)
	y.check(t, m)
}

func hasEnded(stop <-chan struct{}) bool {
	select {
	case <-stop:
		return true
	default:
		return false
	}
}

// impatient is a context that often ends soon.
func impatient(r *rand.Rand) (context.Context, context.CancelFunc) {
	bound := time.Second
	if r.IntN(4) == 0 {
		bound = time.Duration(r.IntN(2000)) * time.Microsecond
	}
	return context.WithTimeout(context.Background(), bound)
}

func (y *tally) produce(t *testing.T, c *job.Client, r *rand.Rand, stop <-chan struct{}) {
	for !hasEnded(stop) {
		ctx, cancel := impatient(r)
		h, err := job.Enqueue(ctx, c, resize, r.IntN(1000), job.Keep(time.Hour))
		cancel()
		switch kind := fault.KindOf(err); {
		case err == nil:
			y.note(func() { y.accepted[h.ID()] = true })
		case kind != fault.Deadline:
			t.Error(err)
			return
		case fault.Started(err):
			y.note(func() { y.perhaps++ })
		}
	}
}

func (y *tally) consume(t *testing.T, c *job.Client, r *rand.Rand, stop <-chan struct{}) {
	s, err := c.Session(context.Background(), job.SessionConfig{})
	if err != nil {
		t.Error(err)
		return
	}
	for !hasEnded(stop) {
		ctx, cancel := impatient(r)
		leases, err := s.Claim(ctx, 1+r.IntN(5), job.Filter{})
		cancel()
		if err != nil && fault.KindOf(err) != fault.Deadline {
			t.Error(err)
			return
		}
		for _, l := range leases {
			switch r.IntN(10) {
			case 0:
				err = l.Return(context.Background())
			case 1:
				err = l.Fail(context.Background(), fault.RetryAfter(errEnough, 0))
			default:
				if err = l.Complete(context.Background(), nil); err == nil {
					y.note(func() { y.done[l.ID()]++ })
				}
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
	}
	if err := s.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// check replays the log, as the next owner would.
func (y *tally) check(t *testing.T, m *jobtest.Memory) {
	m.Faults(nil)
	o := open(t, m, job.Config{Depth: 1000})
	c := o.Client()
	n, err := c.Counts(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d accepted, %d perhaps, %d done, %d records, %+v", len(y.accepted), y.perhaps, len(y.done), len(m.Records()), n)
	if n.Running != 0 {
		t.Errorf("%d are running without a session", n.Running)
	}
	total := n.Live() + n.Done + n.Dead
	if total < int64(len(y.accepted)) || total > int64(len(y.accepted)+y.perhaps) {
		t.Errorf("the log has %d jobs, %d were accepted and %d perhaps", total, len(y.accepted), y.perhaps)
	}
	for id := range y.accepted {
		st, err := c.Status(t.Context(), id)
		if err != nil {
			t.Errorf("job %v was acknowledged: %v", id, err)
			return
		}
		if times := y.done[id]; times > 1 || (times == 1) != (st.State == job.Done) {
			t.Errorf("job %v was completed %d times, and is %v", id, times, st.State)
		}
	}
}

// Owners take over from each other under load. Whoever is deposed tells its
// callers, and what any of them has acknowledged is there in the end.
//
// An append takes 2 ms: of two owners at one log the quicker wins, and one that
// has yet to read what the other writes would never be that on a log without a
// disk.
func TestStressTakeoversLoseNothing(t *testing.T) {
	m := jobtest.NewMemory()
	m.Faults(func(op jobtest.Op) jobtest.Fault {
		if op.Verb == jobtest.Append {
			return jobtest.Fault{Lag: 2 * time.Millisecond}
		}
		return jobtest.Fault{}
	})
	y := &tally{accepted: make(map[job.ID]bool), done: make(map[job.ID]int)}
	var now atomic.Pointer[job.Owner]
	now.Store(open(t, m, job.Config{SnapshotAfter: 64 << 10}))
	stop := make(chan struct{})
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			for !hasEnded(stop) {
				h, err := job.Enqueue(context.Background(), now.Load().Client(), resize, i)
				switch {
				case err == nil:
					y.note(func() { y.accepted[h.ID()] = true })
				case fault.KindOf(err) != fault.Lost:
					t.Error(err)
					return
				case fault.Started(err):
					y.note(func() { y.perhaps++ })
				}
			}
		})
	}
	for range 10 {
		time.Sleep(20 * time.Millisecond)
		now.Store(open(t, m, job.Config{SnapshotAfter: 64 << 10}))
	}
	close(stop)
	all.Wait()
	shut(t, now.Load())
	y.check(t, m)
}
