package job_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/task"
)

// A mill is workers, callers and owners at one log, who are disturbed in every way.
type mill struct {
	t    *testing.T
	log  *jobtest.Memory
	now  atomic.Pointer[job.Owner]
	tree *task.Def[twig, uint32]

	calls  atomic.Int64 // that were made, and so the number of the last
	active atomic.Int64 // handlers

	mu   sync.Mutex
	runs map[int64]int     // of a call, how often it began
	done map[string]uint32 // of a child with a key whose result its parent has, the claim which that is of
	ids  []job.ID          // that were enqueued and belong to nobody
	told map[string]int    // how calls ended
}

// A twig is a call, with what grows from it.
type twig struct {
	Call  int64
	Child string // with a key: which, of whose
	Depth int
	Seed  uint64
}

// Workers, callers of all kinds, jobs within jobs, cancels at any moment, pauses,
// limits, a log that is slow and loses answers, and owners that take over from each
// other, in real time.
func TestStressOfWorkersKeepsEveryPromise(t *testing.T) {
	base := runtime.NumGoroutine()
	m := &mill{t: t, log: jobtest.NewMemory(), runs: make(map[int64]int), done: make(map[string]uint32), told: make(map[string]int)}
	m.tree = task.Define("tree", m.grow)
	m.disturbLog()
	owners := []*job.Owner{m.open()}
	working, endWork := context.WithCancel(t.Context())
	stop := make(chan struct{})
	var workers, others, callers sync.WaitGroup
	for i := range 3 {
		workers.Go(func() { m.work(working, i == 0) })
	}
	for i := range 24 {
		callers.Go(func() { m.call(rand.New(rand.NewPCG(uint64(i), 3)), i, stop) })
	}
	others.Go(func() { m.meddle(rand.New(rand.NewPCG(1, 4)), stop) })
	others.Go(func() { m.inspect(stop) })
	for range 8 {
		time.Sleep(300 * time.Millisecond)
		owners = append(owners, m.open())
	}
	close(stop)
	wait(t, "a call has not returned", &callers)
	wait(t, "somebody has not returned", &others)
	m.log.Faults(nil)
	m.settle()
	endWork()
	wait(t, "Work has not returned", &workers)
	for i, o := range owners {
		if last := i == len(owners)-1; last && o.Err() != nil || !last && fault.KindOf(o.Err()) != fault.Lost {
			t.Errorf("owner %d of %d has ended by %v", i+1, len(owners), o.Err())
		}
	}
	if n := m.active.Load(); n != 0 {
		t.Errorf("%d handlers are running when nobody works", n)
	}
	for _, o := range owners {
		shut(t, o)
	}
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > base; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			buf := make([]byte, 1<<20)
			t.Fatalf("there were %d goroutines and are %d\n%s", base, runtime.NumGoroutine(), buf[:runtime.Stack(buf, true)])
		}
	}
	t.Logf("%d calls and %d enqueued: %v", m.calls.Load(), len(m.ids), m.told)
}

// wait fails the test with all stacks if all takes too long.
func wait(t *testing.T, what string, all *sync.WaitGroup) {
	t.Helper()
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		buf := make([]byte, 4<<20)
		t.Fatalf("%s\n%s", what, buf[:runtime.Stack(buf, true)])
	}
}

// disturbLog makes an append take 2 ms, as a quicker owner would win every takeover,
// and some much longer, or lose their answers.
func (m *mill) disturbLog() {
	m.log.Faults(func(op jobtest.Op) jobtest.Fault {
		switch {
		case op.Verb != jobtest.Append:
			return jobtest.Fault{}
		case op.N%97 == 0:
			return jobtest.Fault{Lose: jobtest.Stored}
		case op.N%89 == 0:
			return jobtest.Fault{Lose: jobtest.Never}
		case op.N%83 == 0:
			return jobtest.Fault{Lose: jobtest.Soon}
		case op.N%41 == 0:
			return jobtest.Fault{Wait: 15 * time.Millisecond}
		}
		return jobtest.Fault{Lag: 2 * time.Millisecond}
	})
}

const (
	mostOfHost   = 2 // jobs of one key of the limit that run at a time
	mostOfNarrow = 3 // jobs of the queue
)

// open lets another owner take over. The one before finds out by what it is asked.
func (m *mill) open() *job.Owner {
	o, err := job.Open(m.t.Context(), m.log, job.Config{
		Log: quiet, SnapshotAfter: 32 << 10,
		Limits: map[string]job.LimitConfig{"host": {Running: mostOfHost}},
		Queues: map[string]job.QueueConfig{"narrow": {Running: mostOfNarrow}},
	})
	if err != nil {
		m.t.Fatal(err)
	}
	if before := m.now.Swap(o); before != nil {
		_, err := job.Enqueue(context.Background(), before.Client(), m.tree, m.twig(rand.New(rand.NewPCG(0, 0)), 0))
		if fault.KindOf(err) != fault.Lost {
			m.t.Errorf("an owner that was deposed answers %v", err)
		}
	}
	return o
}

func (m *mill) client() *job.Client {
	return m.now.Load().Client().With(job.Backoff(time.Millisecond, 5*time.Millisecond), job.Keep(time.Hour))
}

// A meter is the rung of one worker's handlers, and counts them.
type meter struct{ n atomic.Int64 }

func (m *meter) Run(ctx context.Context, c *task.Call) error {
	m.n.Add(1)
	defer m.n.Add(-1)
	return c.Invoke(ctx)
}

// work works for whoever is the owner. A restless worker ends again and again.
func (m *mill) work(ctx context.Context, restless bool) {
	for ctx.Err() == nil {
		stint, cancel := context.WithCancel(ctx)
		if restless {
			stint, cancel = context.WithTimeout(ctx, 50*time.Millisecond)
		}
		on := &meter{}
		err := job.Work(stint, m.client(), job.WorkerConfig{
			Tasks: []task.Task{m.tree}, Slots: 8, Runner: on, Grace: 3 * time.Millisecond, Log: quiet,
		})
		if err != nil && fault.KindOf(err) != fault.Lost || err == nil && stint.Err() == nil {
			m.t.Errorf("Work: %v", err)
		}
		cancel()
		if n := on.n.Load(); n != 0 {
			m.t.Errorf("Work has returned before %d of its handlers", n)
		}
	}
}

func (m *mill) twig(r *rand.Rand, depth int) twig {
	return twig{Call: m.calls.Add(1), Depth: depth, Seed: r.Uint64()}
}

// grow is the handler: it does something, and calls its children.
func (m *mill) grow(ctx context.Context, w twig) (uint32, error) {
	m.active.Add(1)
	defer m.active.Add(-1)
	token, ok := job.Token(ctx)
	if !ok {
		m.t.Error("a handler without a token")
	}
	m.begin(w, token)
	r := rand.New(rand.NewPCG(w.Seed, uint64(token.Epoch)))
	task.Report(ctx, task.Progress{Done: 1})
	pause := time.NewTimer(time.Duration(r.IntN(1500)) * time.Microsecond)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-ctx.Done():
		if r.IntN(2) == 0 {
			return 0, ctx.Err()
		}
		return 0, context.Cause(ctx)
	}
	switch r.IntN(20) {
	case 0:
		return 0, fault.RetryAfter(errEnough, time.Millisecond)
	case 1:
		panic("a tree falls")
	}
	if w.Depth > 0 {
		if err := m.branch(ctx, r, w, token); err != nil {
			return 0, err
		}
	}
	return token.Epoch, nil
}

func (m *mill) begin(w twig, token job.FencingToken) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.runs[w.Call]++
	if done, ok := m.done[w.Child]; ok && token.Epoch > done {
		m.t.Errorf("child %s began as claim %d, and its parent had the result of %d", w.Child, token.Epoch, done)
	}
}

// branch calls two children at once, one with a key.
func (m *mill) branch(ctx context.Context, r *rand.Rand, w twig, token job.FencingToken) error {
	attached, keyed := m.twig(r, w.Depth-1), m.twig(r, w.Depth-1)
	keyed.Child = fmt.Sprintf("%v of %v", w.Depth, token.Job)
	errs := make(chan error, 1)
	go func() { errs <- m.do(ctx, job.Current(ctx), attached) }()
	epoch, err := m.tree.Do(ctx, job.Current(ctx).With(job.Key(keyed.Child)), keyed)
	if err == nil {
		m.mu.Lock()
		m.done[keyed.Child] = epoch
		m.mu.Unlock()
	}
	return errors.Join(err, <-errs)
}

// do makes an attached call, and checks what it says of itself.
func (m *mill) do(ctx context.Context, c *job.Client, w twig) error {
	_, err := m.tree.Do(ctx, c, w)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch n := m.runs[w.Call]; {
	case err == nil && n != 1:
		m.t.Errorf("call %d succeeded, and ran %d times", w.Call, n)
	case n > 1:
		m.t.Errorf("call %d ran %d times: %v", w.Call, n, err)
	case err != nil && !fault.Started(err) && n > 0:
		m.t.Errorf("call %d has run, and says that it has not started: %v", w.Call, err)
	}
	return err
}

func (m *mill) call(r *rand.Rand, me int, stop <-chan struct{}) {
	for !hasEnded(stop) {
		ctx, cancel := impatient(r)
		c := m.client()
		if r.IntN(3) == 0 {
			c = c.With(job.Limit("host", fmt.Sprint(r.IntN(2))))
		} else if r.IntN(3) == 0 {
			c = c.With(job.Queue("narrow"))
		}
		var err error
		kind := "attached"
		switch me % 3 {
		case 0:
			err = m.do(ctx, c, m.twig(r, r.IntN(4)))
		case 1:
			kind = "keyed"
			_, err = m.tree.Do(ctx, c.With(job.Key(fmt.Sprint("key ", r.IntN(3)))), m.twig(r, r.IntN(2)))
		case 2:
			kind = "enqueued"
			err = m.enqueue(ctx, r, c)
		}
		cancel()
		m.note(kind, err)
		if fault.KindOf(err) == fault.Lost {
			time.Sleep(5 * time.Millisecond) // there will be another owner
		}
	}
}

func (m *mill) enqueue(ctx context.Context, r *rand.Rand, c *job.Client) error {
	h, err := job.Enqueue(ctx, c, m.tree, m.twig(r, r.IntN(4)))
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.ids = append(m.ids, h.ID())
	m.mu.Unlock()
	_, err = h.Wait(ctx)
	return err
}

func (m *mill) note(kind string, err error) {
	k := fault.KindOf(err)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told[fmt.Sprint(kind, " ", k)]++
	if !slices.Contains([]fault.Kind{fault.None, fault.Failed, fault.Panicked, fault.Cancelled, fault.Deadline, fault.Lost, fault.Fenced}, k) {
		m.t.Errorf("a call that is %s: %v (%v)", kind, err, k)
	}
}

// meddle cancels jobs, and pauses a queue.
func (m *mill) meddle(r *rand.Rand, stop <-chan struct{}) {
	ctx := context.Background()
	for !hasEnded(stop) {
		time.Sleep(time.Duration(r.IntN(10)) * time.Millisecond)
		c := m.client()
		var err error
		switch r.IntN(10) {
		case 0:
			err = c.Pause(ctx, "narrow")
		case 1, 2:
			err = c.Resume(ctx, "narrow")
		default:
			found, e := c.Search(ctx, job.Query{States: []job.State{job.Delayed, job.Ready, job.Running}}, 50)
			if err = e; len(found.Jobs) > 0 {
				_, err = c.CancelCause(ctx, found.Jobs[r.IntN(len(found.Jobs))].ID, errWhy)
			}
		}
		if err != nil && fault.KindOf(err) != fault.Lost {
			m.t.Errorf("who meddles: %v", err)
		}
	}
}

// inspect checks that no more are claimed than may be.
func (m *mill) inspect(stop <-chan struct{}) {
	for !hasEnded(stop) {
		time.Sleep(3 * time.Millisecond)
		found, err := m.client().Search(context.Background(), job.Query{States: []job.State{job.Running}}, 1000)
		if err != nil && fault.KindOf(err) != fault.Lost {
			m.t.Errorf("who inspects: %v", err)
		}
		of, narrow := make(map[string]int), 0
		for _, j := range found.Jobs {
			if j.Limit == "host" {
				of[j.LimitKey]++
			}
			if j.Queue == "narrow" {
				narrow++
			}
		}
		for key, n := range of {
			if n > mostOfHost {
				m.t.Errorf("of the limit's key %s %d are claimed", key, n)
			}
		}
		if narrow > mostOfNarrow {
			m.t.Errorf("of the narrow queue %d are claimed", narrow)
		}
	}
}

// settle waits until all has ended, now that nothing disturbs it.
func (m *mill) settle() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	c := m.client()
	if err := c.Resume(ctx, "narrow"); err != nil {
		m.t.Error(err)
	}
	for {
		n, err := c.Counts(ctx, "")
		if err != nil {
			m.t.Errorf("nothing can be asked: %v", err)
			return
		}
		if n.Live() == 0 {
			break
		}
		if ctx.Err() != nil {
			m.t.Fatalf("there are live jobs: %+v", n)
		}
		time.Sleep(time.Millisecond)
	}
	for _, id := range m.ids {
		st, err := c.Status(ctx, id)
		if err != nil || st.State.Live() || st.State == 0 {
			m.t.Errorf("job %v, which was accepted: %v, %v", id, st.State, err)
		}
	}
}
