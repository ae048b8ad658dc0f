package graph_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/scope"
)

// knot is a ring of tasks, each of which waits for the next, and bystanders
// who wait for some of them.
type knot struct {
	members    []member
	bystanders []bystander
	order      []int // in which members begin to wait
	rush       bool  // all at once

	gate  []chan struct{} // opened for a member to begin its wait
	ready chan int        // members that hold what they are to hold
	over  chan struct{}   // closed with the first verdict

	mu       sync.Mutex
	verdicts map[*fault.Deadlock]bool
	began    time.Time // of the latest wait of a member
	latency  time.Duration
	wrong    []error
}

// member is one task of the ring and its wait for the next one.
type member struct {
	edge edge
	task *graph.Task

	// What the one before waits for, as far as its edge says.
	mutex     *mutex
	semaphore *semaphore
	future    *scope.Future[int]
	holds     int // units
	others    int // units of a holder that is live
	need      int // units that the one before asks for
	ahead     int // units that a task in the queue before it asks for
}

type edge string

const (
	onMutex     edge = "mutex"
	onSemaphore edge = "semaphore"
	onQueue     edge = "queue" // units are free, but somebody ahead waits for the next member
	onFuture    edge = "future"
	onJoin      edge = "join"
)

type bystander struct {
	on            int  // the member it waits for
	soft, strange bool // under a deadline of its own; outside every task
	late          bool // comes while the knot closes
}

// planKnot draws the knot of a seed: 1 to 8 members.
func planKnot(seed uint64) *knot {
	r := rand.New(rand.NewPCG(seed, 11))
	n := 1 + int(seed%8)
	k := &knot{
		members: make([]member, n), order: r.Perm(n), rush: r.IntN(2) == 0,
		gate: make([]chan struct{}, n), ready: make(chan int, n), over: make(chan struct{}),
		verdicts: make(map[*fault.Deadlock]bool),
	}
	kinds := []edge{onMutex, onSemaphore, onQueue, onFuture, onJoin}
	for i := range k.members {
		k.gate[i] = make(chan struct{})
		k.members[i].edge = kinds[r.IntN(len(kinds))]
	}
	if k.joinsOnly() {
		k.members[r.IntN(n)].edge = kinds[r.IntN(4)]
	}
	for i := range k.members {
		k.furnish(r, i)
	}
	for range r.IntN(4) {
		k.bystanders = append(k.bystanders, bystander{r.IntN(n), r.IntN(3) == 0, r.IntN(4) == 0, r.IntN(2) == 0})
	}
	return k
}

// joinsOnly reports whether no edge but joins closes the ring: scopes are trees.
func (k *knot) joinsOnly() bool {
	for _, m := range k.members {
		if m.edge != onJoin {
			return false
		}
	}
	return true
}

// furnish gives member i what its predecessor is to wait for.
func (k *knot) furnish(r *rand.Rand, i int) {
	m, name := &k.members[i], fmt.Sprint("of", i)
	m.mutex = &mutex{name: name}
	size := 2 + r.IntN(5)
	m.semaphore = newSemaphore(name, size)
	switch k.before(i).edge {
	case onSemaphore:
		m.holds = 1 + r.IntN(size)
		m.others = r.IntN(size - m.holds + 1)
		m.need = size - m.holds + 1 + r.IntN(m.holds)
	case onQueue:
		m.holds = 1 + r.IntN(size-1)
		free := size - m.holds
		m.need = 1 + r.IntN(free)
		m.others = r.IntN(free - m.need + 1)
		m.ahead = free + 1 + r.IntN(m.holds)
	}
}

func (k *knot) before(i int) *member { return &k.members[(i+len(k.members)-1)%len(k.members)] }
func (k *knot) next(i int) int       { return (i + 1) % len(k.members) }

// run lets the knot close in s, whose tasks it starts.
func (k *knot) run(ctx context.Context, s *scope.Scope) {
	for i := range k.members {
		if k.before(i).edge != onJoin {
			k.start(s, i)
		}
	}
	for range k.members {
		<-k.ready
	}
	for i := range k.members {
		k.furnishQueue(s, i)
	}
	for i, b := range k.bystanders {
		if !b.late {
			k.stand(ctx, s, i)
		}
	}
	for n, i := range k.order {
		close(k.gate[i])
		if !k.rush && n < len(k.order)-1 {
			parked(k.members[i].task)
		}
	}
	for i, b := range k.bystanders {
		if b.late {
			k.stand(ctx, s, i)
		}
	}
}

// start makes member i a task of s, which its predecessor may be the owner of.
func (k *knot) start(s *scope.Scope, i int) {
	name := scope.Name(fmt.Sprint("member", i))
	if k.before(i).edge != onFuture {
		s.Go(func(ctx context.Context) error { k.act(ctx, i); return nil }, name)
		return
	}
	k.members[i].future = scope.Go(s, func(ctx context.Context) (int, error) { k.act(ctx, i); return i, nil }, name)
}

// act is member i's life: take, wait for the next, give up what it has.
func (k *knot) act(ctx context.Context, i int) {
	m := &k.members[i]
	m.task = graph.Current(ctx)
	switch k.before(i).edge {
	case onMutex:
		k.check(m.mutex.Lock(ctx))
		defer m.mutex.Unlock()
	case onSemaphore, onQueue:
		release, err := m.semaphore.Acquire(ctx, m.holds)
		k.check(err)
		defer release()
	}
	wait := func() {
		k.ready <- i
		<-k.gate[i]
		k.mu.Lock()
		k.began = time.Now()
		k.mu.Unlock()
	}
	if m.edge != onJoin {
		wait()
		k.judge(m, k.waitForNext(ctx, i))
		return
	}
	k.judge(m, scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
		context.AfterFunc(ctx, func() { k.told(context.Cause(ctx)) }) // Run tells later
		k.start(s, k.next(i))
		wait()
		return nil
	}, scope.Name(fmt.Sprint("scope", i))))
}

func (k *knot) waitForNext(ctx context.Context, i int) error {
	next := &k.members[k.next(i)]
	switch k.members[i].edge {
	case onMutex:
		err := next.mutex.Lock(ctx)
		if err == nil {
			next.mutex.Unlock()
		}
		return err
	case onSemaphore, onQueue:
		release, err := next.semaphore.Acquire(ctx, next.need)
		if err == nil {
			release()
		}
		return err
	default:
		_, err := next.future.Await(ctx)
		return err
	}
}

// furnishQueue gives member i's semaphore a live holder and a queue.
func (k *knot) furnishQueue(s *scope.Scope, i int) {
	m := &k.members[i]
	if m.others > 0 {
		has := make(chan bool)
		s.Go(func(ctx context.Context) error {
			release, err := m.semaphore.Acquire(ctx, m.others)
			k.check(err)
			has <- true
			select {
			case <-k.over:
			case <-ctx.Done(): // something went wrong: do not hang as well
			}
			release()
			return nil
		}, scope.Name(fmt.Sprint("holder", i)))
		<-has
	}
	if m.ahead > 0 {
		queued := make(chan *graph.Task)
		s.Go(func(ctx context.Context) error {
			queued <- graph.Current(ctx)
			release, err := m.semaphore.Acquire(ctx, m.ahead)
			if err == nil {
				release()
			} else if !k.told(err) { // it is in the knot: on a busy machine it may look for it last
				k.check(err)
			}
			return nil
		}, scope.Name(fmt.Sprint("ahead", i)))
		parked(<-queued)
	}
}

// stand starts bystander i: it must get what it waits for, and nothing else.
func (k *knot) stand(ctx context.Context, s *scope.Scope, i int) {
	b := k.bystanders[i]
	m := &k.members[b.on]
	wait := func(ctx context.Context) error {
		if b.soft {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, time.Hour)
			defer cancel()
		}
		var err error
		switch k.before(b.on).edge {
		case onMutex:
			if err = m.mutex.Lock(ctx); err == nil {
				m.mutex.Unlock()
			}
		case onSemaphore, onQueue:
			var release func()
			if release, err = m.semaphore.Acquire(ctx, m.semaphore.size); err == nil {
				release()
			}
		case onFuture:
			_, err = m.future.Await(ctx)
		}
		k.check(err)
		return nil
	}
	if b.strange {
		began := make(chan bool)
		go func() { began <- true; wait(ctx) }()
		<-began
		return
	}
	s.Go(wait, scope.Name(fmt.Sprint("bystander", i)))
}

// parked waits until t does.
func parked(t *graph.Task) {
	for t.Wait() == nil {
		time.Sleep(20 * time.Microsecond)
	}
}

// judge takes a member's error: nothing, the verdict, or its echo in a scope.
func (k *knot) judge(m *member, err error) {
	if err != nil && !k.told(err) {
		k.check(fmt.Errorf("%v: %w", m.task, err))
	}
}

// told notes a verdict, once however often it is heard.
func (k *knot) told(err error) bool {
	now := time.Now()
	var d *fault.Deadlock
	if !errors.As(err, &d) {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.verdicts) == 0 {
		k.latency = now.Sub(k.began)
		close(k.over)
	}
	k.verdicts[d] = true
	return true
}

// check notes an error where there should be none.
func (k *knot) check(err error) {
	if err == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.wrong = append(k.wrong, err)
}
