package lock_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

// A ring is tasks of which each waits for something that only the next can
// give.
type ring struct {
	members []*member
	ready   sync.WaitGroup  // those that hold what they are to hold
	gates   []chan struct{} // opened for a member to begin its wait
	order   []int           // in which they are
	rush    bool            // all at once

	mu       sync.Mutex
	verdicts []*fault.Deadlock // each once
	wrong    []error
}

// member is one task: what the one before waits for is its, by the edge of that
// one.
type member struct {
	edge   edge
	mutex  *lock.Mutex
	rw     *lock.RWMutex
	units  *lock.Semaphore
	guard  *lock.Guard[int]
	future *scope.Future[int]
	pended chan struct{} // closed when a writer waits for rw
}

type edge string

const (
	onMutex   edge = "mutex"                // the next holds it
	onWriting edge = "reading, to write"    // the next reads, I want to write
	onReading edge = "writing, to read"     // the next writes, I want to read
	onPending edge = "a writer in between"  // the next reads, a writer waits, I want to read
	onUnits   edge = "units of a semaphore" // the next holds too many
	onGuard   edge = "guard"                // the next updates it
	onFuture  edge = "future"               // the next produces it
	onJoin    edge = "join"                 // the next is a task of my scope
)

var edges = []edge{onMutex, onWriting, onReading, onPending, onUnits, onGuard, onFuture, onJoin}

// planRing draws the ring of a seed: 1 to 7 members.
func planRing(seed uint64) *ring {
	r := rand.New(rand.NewPCG(seed, 31))
	n := 1 + int(seed%7)
	k := &ring{order: r.Perm(n), rush: r.IntN(2) == 0}
	for i := range n {
		name := lock.Name(fmt.Sprint("of", i))
		k.members = append(k.members, &member{
			edge: edges[r.IntN(len(edges))], mutex: lock.NewMutex(name), rw: lock.NewRWMutex(name),
			units: lock.NewSemaphore(3, name), guard: lock.NewGuard(0, name), pended: make(chan struct{}),
		})
		k.gates = append(k.gates, make(chan struct{}))
	}
	if !slices.ContainsFunc(k.members, func(m *member) bool { return m.edge != onJoin }) {
		k.members[r.IntN(n)].edge = edges[r.IntN(len(edges)-1)] // scopes are trees
	}
	if n == 1 && (k.members[0].edge == onWriting || k.members[0].edge == onPending) {
		k.members[0].edge = onMutex // an upgrade is another error; a pending writer makes two
	}
	return k
}

func (k *ring) before(i int) *member { return k.members[(i+len(k.members)-1)%len(k.members)] }
func (k *ring) next(i int) *member   { return k.members[(i+1)%len(k.members)] }

// run lets the ring close in s.
func (k *ring) run(s *scope.Scope) {
	k.ready.Add(len(k.members))
	for i := range k.members {
		if k.before(i).edge != onJoin {
			k.start(s, i)
		}
	}
	k.ready.Wait()
	for i, m := range k.members {
		if k.before(i).edge == onPending {
			s.Go(func(ctx context.Context) error {
				k.judge(write(ctx, m.rw, nothing))
				return nil
			}, scope.Name(fmt.Sprint("pending", i)))
			for {
				h, ok := m.rw.TryRLock(context.Background())
				if !ok {
					break // the writer waits
				}
				h.Unlock()
				time.Sleep(10 * time.Microsecond)
			}
		}
	}
	for _, i := range k.order {
		close(k.gates[i])
		if !k.rush {
			time.Sleep(100 * time.Microsecond)
		}
	}
}

func (k *ring) start(s *scope.Scope, i int) {
	name := scope.Name(fmt.Sprint("member", i))
	if k.before(i).edge == onFuture {
		k.members[i].future = scope.Go(s, func(ctx context.Context) (int, error) { k.live(ctx, i); return i, nil }, name)
		return
	}
	s.Go(func(ctx context.Context) error { k.live(ctx, i); return nil }, name)
}

// live takes what the one before wants, and waits for the next.
func (k *ring) live(ctx context.Context, i int) {
	m := k.members[i]
	var err error
	act := func() error { err = k.wait(ctx, i); return nil }
	switch k.before(i).edge {
	case onMutex:
		k.must(hold(ctx, m.mutex, act))
	case onWriting, onPending:
		k.must(read(ctx, m.rw, act))
	case onReading:
		k.must(write(ctx, m.rw, act))
	case onUnits:
		k.must(m.units.With(ctx, 2, func(ctx context.Context) error { return act() }))
	case onGuard:
		k.must(m.guard.Update(ctx, func(*int) error { return act() }))
	default:
		_ = act()
	}
	k.judge(err)
}

// wait waits for the next member.
func (k *ring) wait(ctx context.Context, i int) error {
	next := k.next(i)
	if k.members[i].edge == onJoin {
		return scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
			k.start(s, (i+1)%len(k.members))
			k.begin(i)
			return nil
		})
	}
	k.begin(i)
	switch k.members[i].edge {
	case onMutex:
		return hold(ctx, next.mutex, nothing)
	case onWriting:
		return write(ctx, next.rw, nothing)
	case onReading, onPending:
		return read(ctx, next.rw, nothing)
	case onUnits:
		return next.units.With(ctx, 2, func(context.Context) error { return nil })
	case onGuard:
		return next.guard.Update(ctx, func(*int) error { return nil })
	default:
		_, err := next.future.Await(ctx)
		return err
	}
}

func (k *ring) begin(i int) {
	k.ready.Done()
	<-k.gates[i]
}

func (k *ring) must(err error) {
	if err != nil {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.wrong = append(k.wrong, err)
	}
}

// judge takes what became of a wait: nothing, the verdict, or its echo.
func (k *ring) judge(err error) {
	if err == nil {
		return
	}
	d := deadlock(err)
	if d == nil {
		k.must(err)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !slices.Contains(k.verdicts, d) {
		k.verdicts = append(k.verdicts, d)
	}
}

// try closes the ring and says what was wrong with that.
func (k *ring) try() error {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	defer time.AfterFunc(patience, func() { cancel(errors.New("the knot was missed")) }).Stop()
	err := scope.Run(ctx, func(_ context.Context, s *scope.Scope) error { k.run(s); return nil })
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("%w: %s", cause, k.plan())
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := errors.Join(append(k.wrong, err)...); err != nil {
		return fmt.Errorf("%w\n%s", err, k.plan())
	}
	if len(k.verdicts) != 1 {
		return fmt.Errorf("%d verdicts: %s", len(k.verdicts), k.plan())
	}
	d := k.verdicts[0]
	for i := range k.members {
		at := slices.IndexFunc(d.Members, func(m fault.Member) bool { return strings.HasPrefix(m.Task, fmt.Sprintf("member%d#", i)) })
		if at < 0 || len(d.Members[at].Stack) == 0 || d.Members[at].WaitsFor == "" {
			return fmt.Errorf("member %d is not told of as it should be: %s\n%s", i, k.plan(), d.Report())
		}
	}
	return nil
}

func (k *ring) plan() string {
	var all []edge
	for _, m := range k.members {
		all = append(all, m.edge)
	}
	return fmt.Sprintf("edges %q, order %v, at once %v", all, k.order, k.rush)
}

func TestEveryKnotOfLocksIsToldToExactlyOne(t *testing.T) {
	seeds := 400
	if testing.Short() {
		seeds = 140
	}
	for seed := range uint64(amount(t, seeds, "HEM_KNOTS")) {
		if err := planRing(seed).try(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

func TestKnotsThatCloseAtOnceAreToldOnceEach(t *testing.T) {
	seeds := uint64(amount(t, 300, "HEM_KNOTS"))
	var next atomic.Uint64
	bounded(t, func() {
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				for seed := next.Add(1); seed <= seeds; seed = next.Add(1) {
					if err := planRing(1_000_000 + seed).try(); err != nil {
						t.Errorf("seed %d: %v", 1_000_000+seed, err)
						next.Store(seeds)
					}
				}
			})
		}
		wg.Wait()
	})
}

// The verdict comes before the wait: nobody sleeps, the others go on.
func TestADoubleLockIsToldAtOnceAndTheHoldStays(t *testing.T) {
	m := lock.NewMutex(lock.Name("stock"))
	l := lock.NewRWMutex(lock.Name("price"))
	err := inTask(func(ctx context.Context) error {
		return hold(ctx, m, func() error {
			d := deadlock(hold(ctx, m, nothing))
			if d == nil || len(d.Members) != 1 || d.Members[0].WaitsFor != "mutex stock" || !slices.Equal(d.Members[0].Holds, []string{"mutex stock"}) {
				t.Errorf("verdict %v", d)
			}
			if _, ok := m.TryLock(ctx); ok {
				t.Error("the hold is gone")
			}
			return write(ctx, l, func() error {
				for _, err := range []error{write(ctx, l, nothing), read(ctx, l, nothing)} {
					if d := deadlock(err); d == nil || len(d.Members) != 1 {
						t.Errorf("of the lock it writes: %v", err)
					}
				}
				return nil
			})
		})
	})
	if err != nil {
		t.Error(err)
	}
}

// What is waited for with a deadline of its own is no deadlock, but its error
// tells of the knot.
func TestAWaitWithItsOwnDeadlineIsNotRefusedButExplained(t *testing.T) {
	m := lock.NewMutex(lock.Name("stock"))
	err := inTask(func(ctx context.Context) error {
		return hold(ctx, m, func() error {
			soon, cancel := context.WithTimeout(ctx, 5*time.Millisecond)
			defer cancel()
			err := hold(soon, m, nothing)
			if fault.KindOf(err) != fault.Deadline || deadlock(err) == nil {
				t.Errorf("%v of kind %v", err, fault.KindOf(err))
			}
			return nil
		})
	})
	if err != nil {
		t.Error(err)
	}
}

// Of four who hold a unit each and want three more at the same moment, nobody
// is stuck by one other alone. Three have to give up, one after the other, and
// no more than that; who merely joins them is not told.
func TestAKnotInWhichNobodyIsStuckByOneOtherAloneIsUndone(t *testing.T) {
	for range amount(t, 300, "HEM_KNOTS") {
		units := lock.NewSemaphore(4)
		var told atomic.Int32
		var ready sync.WaitGroup
		ready.Add(4)
		bounded(t, func() {
			err := scope.Run(context.Background(), func(_ context.Context, s *scope.Scope) error {
				for range 4 {
					s.Go(func(ctx context.Context) error {
						err := units.With(ctx, 1, func(ctx context.Context) error {
							ready.Done()
							ready.Wait()
							return units.With(ctx, 3, func(context.Context) error { return nil })
						})
						if deadlock(err) != nil {
							told.Add(1)
							return nil
						}
						return err
					})
				}
				return nil
			})
			if err != nil {
				t.Errorf("the scope: %v", err)
			}
		})
		if told.Load() != 3 {
			t.Fatalf("%d were told", told.Load())
		}
	}
}
