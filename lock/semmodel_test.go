package lock_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/lock"
)

// semModel is a semaphore without concurrency: what becomes of each request.
type semModel struct {
	size, free int64
	queue      []*semRequest // in the order in which they came
	all        []*semRequest
}

type semRequest struct {
	n       int64
	level   int
	came    time.Duration
	with    bool
	state   semState
	cancel  context.CancelFunc
	finish  chan struct{}
	outcome semState // what the real one became
}

type semState string

const (
	semWaits     semState = "waits"
	semHolds     semState = "holds"
	semDone      semState = "done"
	semCancelled semState = "cancelled"
	semInvalid   semState = "invalid"
)

// head returns who is to be served next.
func (m *semModel) head() (best *semRequest) {
	rank := func(r *semRequest) time.Duration { return r.came - time.Duration(r.level)*semAge }
	for _, r := range m.queue {
		if best == nil || rank(r) < rank(best) || rank(r) == rank(best) && r.level > best.level {
			best = r
		}
	}
	return best
}

func (m *semModel) leave(r *semRequest, state semState) {
	r.state = state
	m.queue = slices.DeleteFunc(m.queue, func(x *semRequest) bool { return x == r })
}

func (m *semModel) serve() {
	for r := m.head(); r != nil && r.n <= m.free; r = m.head() {
		m.leave(r, semHolds)
		m.free -= r.n
	}
}

func (m *semModel) request(r *semRequest) {
	m.all = append(m.all, r)
	if r.n <= 0 || r.n > m.size {
		r.state = semInvalid
		return
	}
	r.state = semWaits
	m.queue = append(m.queue, r)
	m.serve()
}

func (m *semModel) try(n int64) bool {
	if len(m.queue) > 0 || m.free < n {
		return false
	}
	m.free -= n
	m.all = append(m.all, &semRequest{n: n, state: semHolds, outcome: semHolds})
	return true
}

func (m *semModel) giveBack(n int64) {
	m.free += n
	m.serve()
}

func (m *semModel) resize(n int64) bool {
	if n <= 0 {
		return false
	}
	m.free += n - m.size
	m.size = n
	for _, r := range slices.Clone(m.queue) {
		if r.n > n {
			m.leave(r, semInvalid)
		}
	}
	m.serve()
	return true
}

// anonymous is what Release may give back.
func (m *semModel) anonymous() (n int64) {
	for _, r := range m.all {
		if r.state == semHolds && !r.with {
			n += r.n
		}
	}
	return n
}

// pick returns one of those in a state, nil if there are none.
func (m *semModel) pick(state semState, by byte) *semRequest {
	var in []*semRequest
	for _, r := range m.all {
		if r.state == state {
			in = append(in, r)
		}
	}
	if len(in) == 0 {
		return nil
	}
	return in[int(by)%len(in)]
}

// semRun plays a program, three bytes to a step, on a semaphore and on the
// model, and compares them after each step.
func semRun(t *testing.T, program []byte) {
	synctest.Test(t, func(t *testing.T) {
		s := lock.NewSemaphore(4)
		m := &semModel{size: 4, free: 4}
		start := time.Now()
		for i := 0; i+2 < len(program) && i < 3*200; i += 3 {
			op, a, b := program[i]%10, program[i+1], program[i+2]
			what := fmt.Sprintf("step %d, %d(%d, %d)", i/3, op, a, b)
			semStep(t, s, m, op, a, b, time.Since(start))
			synctest.Wait()
			if !semSame(t, s, m, what) {
				break
			}
		}
		semEndAll(s, m)
		synctest.Wait()
		semIdle(t, s)
	})
}

// semStep does one thing to both.
func semStep(t *testing.T, s *lock.Semaphore, m *semModel, op, a, b byte, now time.Duration) {
	switch op {
	case 0, 1, 2, 3:
		r := &semRequest{n: int64(a % 7), level: int(b%7) - 3, came: now, with: op%2 == 0, outcome: semWaits, finish: make(chan struct{})}
		if op < 2 {
			r.level = 0
		}
		semStart(t, s, r)
		m.request(r)
	case 4:
		n := 1 + int64(a%5)
		if got, want := s.TryAcquire(n), m.try(n); got != want {
			t.Errorf("TryAcquire(%d) is %v, want %v", n, got, want)
		}
	case 5, 6:
		if r := m.pick(semHolds, a); r != nil {
			r.state, r.outcome = semDone, semDone
			if r.with {
				close(r.finish)
			} else {
				s.Release(r.n)
			}
			m.giveBack(r.n)
		}
	case 7:
		if r := m.pick(semWaits, a); r != nil {
			r.cancel()
			m.leave(r, semCancelled)
			m.serve()
		}
	case 8:
		n := int64(a % 9)
		if err := s.Resize(n); (err == nil) != m.resize(n) {
			t.Errorf("Resize(%d): %v", n, err)
		}
	case 9:
		if b%4 == 0 {
			n := m.anonymous() + 1 + int64(a%3)
			if semEnd(func() { s.Release(n) }) == nil {
				t.Errorf("Release(%d) of %d", n, n-1)
			}
			return
		}
		time.Sleep(time.Duration(a) * 5 * time.Millisecond)
	}
}

// semStart begins a request on the real one.
func semStart(t *testing.T, s *lock.Semaphore, r *semRequest) {
	ctx, cancel := context.WithCancel(t.Context())
	r.cancel = cancel
	ended := func(err error) {
		switch fault.KindOf(err) {
		case fault.Cancelled:
			r.outcome = semCancelled
		case fault.Invalid:
			r.outcome = semInvalid
		default:
			t.Error(err)
		}
	}
	go func() {
		if !r.with {
			if err := s.Acquire(ctx, r.n, lock.Priority(r.level)); err != nil {
				ended(err)
				return
			}
			r.outcome = semHolds
			return
		}
		finished := errors.New("finished")
		err := s.With(ctx, r.n, func(context.Context) error {
			r.outcome = semHolds
			<-r.finish
			return finished
		}, lock.Priority(r.level))
		if err != finished {
			ended(err)
		}
	}()
}

// semSame compares what became of the requests, and the units.
func semSame(t *testing.T, s *lock.Semaphore, m *semModel, what string) bool {
	same := true
	for i, r := range m.all {
		if r.outcome != r.state {
			t.Errorf("%s: request %d for %d units at level %d %s, but should be: %s", what, i, r.n, r.level, r.outcome, r.state)
			same = false
		}
	}
	if s.Free() != m.free || s.Size() != m.size || s.Waiting() != len(m.queue) {
		t.Errorf("%s: %d of %d are free and %d wait, want %d, %d and %d", what, s.Free(), s.Size(), s.Waiting(), m.free, m.size, len(m.queue))
		same = false
	}
	return same
}

// semEndAll ends whatever is left of a program.
func semEndAll(s *lock.Semaphore, m *semModel) {
	for _, r := range m.all {
		if r.cancel != nil {
			r.cancel()
		}
	}
	synctest.Wait()
	for _, r := range m.all {
		if r.outcome == semHolds {
			if r.with {
				close(r.finish)
			} else {
				s.Release(r.n)
			}
		}
	}
}

// FuzzSemaphoreServesLikeTheModel compares a semaphore with one that knows no
// concurrency: who has been served, refused or let go after each step of a
// random program, and how many units are free.
func FuzzSemaphoreServesLikeTheModel(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 3, 0, 0, 3, 0, 1, 1, 0, 5, 0, 0, 5, 0, 0})                // two large ones, a small one behind
	f.Add([]byte{1, 4, 0, 2, 2, 0, 9, 200, 1, 3, 2, 6, 5, 0, 0, 5, 0, 0})     // priorities and ageing
	f.Add([]byte{1, 4, 0, 1, 4, 0, 1, 1, 0, 7, 0, 0, 8, 2, 0, 5, 0, 0})       // a head that gives up, a smaller size
	f.Add([]byte{1, 4, 0, 0, 3, 0, 0, 1, 0, 8, 2, 0, 8, 8, 0, 4, 1, 0})       // refused by a Resize, then larger
	f.Add([]byte{4, 1, 0, 4, 3, 0, 9, 1, 0, 9, 1, 4, 1, 0, 0, 1, 6, 0, 8, 0}) // tries and mistakes
	f.Fuzz(semRun)
}

func TestRandomProgramsServeLikeTheModel(t *testing.T) {
	programs := uint64(500)
	if testing.Short() {
		programs = 100
	}
	for seed := range programs {
		r := rand.New(rand.NewPCG(seed, 2))
		program := make([]byte, 3*(20+r.IntN(100)))
		for i := range program {
			program[i] = byte(r.Uint32())
		}
		semRun(t, program)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
