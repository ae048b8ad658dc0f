//go:build linux

package chaos_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/node/natslog"
	"github.com/hemgo/hem/task"
)

// The load "jobs" opens an owner over the log and does everything with jobs that
// a client can. Small letters are what it is about to ask for, large ones what
// it was promised:
//
//	f ID STATE CANCELLING SPENT KEY   found when the owner was opened; SPENT: no attempt is left
//	whole FIRST LAST                  these were all, and the log had these records
//	e N KEY                           enqueue number N with a key, or "-"
//	E N ID EXISTING                   it is job ID; EXISTING: as another number already
//	C ID EPOCH N                      job ID, which is number N, was claimed
//	d ID EPOCH     D ID EPOCH         complete
//	p ID LAST      P ID LAST          fail; LAST: for good
//	r ID           R ID               return
//	c ID           K ID STATE         cancel
//	v ID           V ID               replay
//
// A request that is refused has no large letter.
var work = task.Define("work", func(context.Context, []byte) ([]byte, error) { panic("nobody runs it") })

// The sizes of it all: small enough for a life to begin within milliseconds.
const (
	depth         = 300
	keep          = time.Second
	snapshotAfter = 64 << 10
	keys          = 50
	scanAhead     = 2048 // how far beyond the last job that is known others are looked for
)

// A worker is a life that carries the load "jobs".
type worker struct {
	order  order
	say    func(string)
	client *job.Client
	ctx    context.Context

	number atomic.Uint64 // of what was enqueued last: it is never used again
	recent ring          // jobs that were enqueued
	dead   ring          // dead letters
}

// A ring is some jobs, the newest that were put in.
type ring struct {
	ids  [256]atomic.Uint64
	next atomic.Uint64
}

func (g *ring) put(id uint64) { g.ids[g.next.Add(1)%256].Store(id) }

// any is one of them, or 0.
func (g *ring) any(r *rand.Rand) uint64 { return g.ids[r.IntN(256)].Load() }

var errStopped = errors.New("told to stop")

func workOnJobs(o order, say func(string), stop <-chan struct{}) (err error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	l, err := natslog.Open(ctx, o.Dir, natslog.Config{Log: quiet})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	first, last, err := l.Bounds(ctx)
	if err != nil {
		return err
	}
	owner, err := job.Open(ctx, l, job.Config{Depth: depth, SnapshotAfter: o.SnapshotAfter, Log: quiet})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, owner.Close(context.Background())) }()
	w := &worker{order: o, say: say, client: owner.Client(), ctx: ctx}
	w.number.Store(o.Seed &^ 0xffffff) // no two lives use the same numbers
	if err := w.scan(first, last); err != nil {
		return err
	}
	go func() {
		<-stop
		cancel(errStopped)
	}()
	var all sync.WaitGroup
	for i, f := range []func(*rand.Rand) error{
		w.produces, w.produces, w.produces, w.produces, w.produces, w.produces,
		w.claims, w.claims, w.claims, w.claims,
		w.cancels, w.cancels, w.replays,
	} {
		r := rand.New(rand.NewPCG(o.Seed, uint64(i)))
		all.Go(func() {
			if err := f(r); err != nil && ctx.Err() == nil {
				cancel(err)
			}
		})
	}
	all.Wait()
	if cause := context.Cause(ctx); cause != errStopped {
		return cause
	}
	return nil
}

// scan says which jobs there are, and checks that there are no others. Nothing
// is done with them yet.
func (w *worker) scan(first, last uint64) error {
	var (
		mu    sync.Mutex
		found strings.Builder
		seen  job.Counts
		fails error
	)
	about := func(id uint64) (there bool) {
		s, err := w.client.Status(w.ctx, job.ID(id))
		if errors.Is(err, job.ErrNoJob) {
			return false
		}
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			fails = err
			return false
		}
		count(&seen, s.State)
		if s.State == job.Dead {
			w.dead.put(id)
		}
		fmt.Fprintf(&found, "f %d %v %v %v %s\n", id, s.State, s.Cancelling, s.Attempt >= s.Attempts, keyText(s.Key))
		return true
	}
	ids := make(chan uint64)
	var newest atomic.Uint64 // that there is
	newest.Store(w.order.Newest)
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			for id := range ids {
				if about(id) {
					newest.Store(max(newest.Load(), id)) // roughly is enough
				}
			}
		})
	}
	for _, id := range w.order.Jobs {
		ids <- id
	}
	for id := w.order.Newest + 1; id < newest.Load()+scanAhead; id++ {
		ids <- id
	}
	close(ids)
	all.Wait()
	if fails != nil {
		return fails
	}
	there, err := w.client.Counts(w.ctx, "")
	if err != nil {
		return err
	}
	// Meanwhile jobs that wait for their time become ready, and ended ones are
	// forgotten.
	if seen.Live() != there.Live() || seen.Done < there.Done || seen.Dead != there.Dead || seen.Cancelled < there.Cancelled {
		return fmt.Errorf("there are %+v, and these were found: %+v", there, seen)
	}
	w.say(found.String() + fmt.Sprintf("whole %d %d", first, last))
	return nil
}

func count(c *job.Counts, s job.State) {
	switch s {
	case job.Delayed:
		c.Delayed++
	case job.Ready:
		c.Ready++
	case job.Running:
		c.Running++
	case job.Done:
		c.Done++
	case job.Dead:
		c.Dead++
	case job.Cancelled:
		c.Cancelled++
	}
}

// keyText is a key as lines have it.
func keyText(key string) string {
	if key == "" {
		return "-"
	}
	return key
}

// produces enqueues, one by one and in batches, until the life ends.
func (w *worker) produces(r *rand.Rand) error {
	for {
		var err error
		if r.IntN(4) == 0 {
			err = w.batch(r, 2+r.IntN(9))
		} else {
			err = w.one(r)
		}
		if err != nil {
			return err
		}
	}
}

// options are what a job may be enqueued with.
func (w *worker) options(r *rand.Rand) []job.Option {
	opts := []job.Option{
		job.Keep(w.order.Keep), job.Priority(r.IntN(5) - 2),
		job.Attempts(1 + r.IntN(4)), job.Backoff(time.Millisecond, 20*time.Millisecond),
	}
	if r.IntN(5) == 0 {
		opts = append(opts, job.Delay(time.Duration(r.IntN(30_000))*time.Microsecond))
	}
	return opts
}

func (w *worker) one(r *rand.Rand) error {
	n, key, opts := w.number.Add(1), "", w.options(r)
	if r.IntN(4) == 0 {
		key = fmt.Sprint("k", r.IntN(keys))
		opts = append(opts, job.Key(key))
	}
	w.say(fmt.Sprintf("e %d %s", n, keyText(key)))
	h, err := job.Enqueue(w.ctx, w.client, work, inputOf(n, r), opts...)
	if err != nil {
		return err
	}
	w.say(fmt.Sprintf("E %d %d %v", n, uint64(h.ID()), h.Existing()))
	w.recent.put(uint64(h.ID()))
	return nil
}

func (w *worker) batch(r *rand.Rand, size int) error {
	jobs := make([]job.Job, size)
	last := w.number.Add(uint64(size))
	first := last + 1 - uint64(size)
	var asked, told strings.Builder
	for i := range jobs {
		n := first + uint64(i)
		var err error
		if jobs[i], err = job.New(work, inputOf(n, r), w.options(r)...); err != nil {
			return err
		}
		fmt.Fprintf(&asked, "e %d -\n", n)
	}
	w.say(strings.TrimSpace(asked.String()))
	ids, err := w.client.EnqueueMany(w.ctx, jobs)
	if err != nil {
		return err
	}
	for i, id := range ids {
		fmt.Fprintf(&told, "E %d %d false\n", first+uint64(i), uint64(id))
		w.recent.put(uint64(id))
	}
	w.say(strings.TrimSpace(told.String()))
	return nil
}

// claims claims jobs and ends the leases in every way there is, session after
// session, until the life ends.
func (w *worker) claims(r *rand.Rand) error {
	for {
		s, err := w.client.Session(w.ctx, job.SessionConfig{Name: "claims"})
		if err != nil {
			return err
		}
		for more := true; more; {
			leases, err := s.Claim(w.ctx, 1+r.IntN(8), job.Filter{})
			if err != nil {
				return err
			}
			var told strings.Builder
			for _, l := range leases {
				n, err := numberOf(l.Input())
				if err != nil {
					return fmt.Errorf("job %v: %w", l.ID(), err)
				}
				fmt.Fprintf(&told, "C %d %d %d\n", uint64(l.ID()), l.Token().Epoch, n)
			}
			w.say(strings.TrimSpace(told.String()))
			for _, l := range leases {
				if r.IntN(100) == 0 {
					more = false // with what is left of the leases
					break
				}
				if err := w.end(r, l); err != nil {
					return err
				}
			}
			if more {
				continue
			}
			if err := s.Close(w.ctx); err != nil {
				return err
			}
			for _, l := range leases { // those that were ended, and those that ended with the session
				if err := l.Complete(w.ctx, nil); fault.KindOf(err) != fault.Fenced {
					return fmt.Errorf("job %v of a closed session was completed: %v", l.ID(), err)
				}
			}
		}
	}
}

var errWork = errors.New("it did not work")

// end ends a lease.
func (w *worker) end(r *rand.Rand, l *job.Lease) error {
	id := uint64(l.ID())
	ask := func(letter, rest string, f func() error) error {
		what := fmt.Sprintf(" %d%s", id, rest)
		w.say(strings.ToLower(letter) + what)
		if w.order.Early {
			w.say(letter + what)
		}
		if err := f(); err != nil {
			return fmt.Errorf("%s%s: %w", strings.ToLower(letter), what, err)
		}
		if !w.order.Early {
			w.say(letter + what)
		}
		return nil
	}
	switch n := r.IntN(20); {
	case n == 0:
		return ask("R", "", func() error { return l.Return(w.ctx) })
	case n == 1:
		return ask("P", " true", func() error { return l.Fail(w.ctx, fault.Permanent(errWork)) })
	case n < 5:
		return ask("P", " false", func() error { return l.Fail(w.ctx, errWork) })
	}
	complete := func() error { return l.Complete(w.ctx, []byte("done")) }
	err := ask("D", fmt.Sprintf(" %d", l.Token().Epoch), complete)
	if err == nil && r.IntN(10) == 0 {
		if again := complete(); fault.KindOf(again) != fault.Fenced {
			return fmt.Errorf("job %d was completed twice: %v", id, again)
		}
	}
	return err
}

// cancels cancels, now and then, until the life ends.
func (w *worker) cancels(r *rand.Rand) error {
	for w.idle(r, 3*time.Millisecond) {
		id := w.recent.any(r)
		if id == 0 {
			continue
		}
		w.say(fmt.Sprintf("c %d", id))
		s, err := w.client.Cancel(w.ctx, job.ID(id))
		if errors.Is(err, job.ErrNoJob) {
			continue
		}
		if err != nil {
			return err
		}
		w.say(fmt.Sprintf("K %d %v", id, s))
	}
	return nil
}

// replays replays dead letters, now and then, until the life ends.
func (w *worker) replays(r *rand.Rand) error {
	for w.idle(r, time.Millisecond) {
		id := w.dead.any(r)
		if id == 0 {
			id = w.recent.any(r)
		}
		if id == 0 {
			continue
		}
		w.say(fmt.Sprintf("v %d", id))
		err := w.client.Replay(w.ctx, job.ID(id))
		if kind := fault.KindOf(err); kind == fault.Invalid || kind == fault.Overloaded {
			continue // it is not dead, another has its key, there are too many
		}
		if err != nil {
			return err
		}
		w.say(fmt.Sprintf("V %d", id))
	}
	return nil
}

// idle lets up to d go by, and reports whether the life goes on. This is how
// often something is done: there is nothing to wait for.
func (w *worker) idle(r *rand.Rand, d time.Duration) bool {
	select {
	case <-time.After(time.Duration(r.Int64N(int64(d)))):
		return true
	case <-w.ctx.Done():
		return false
	}
}

// inputOf is the input of number n: one can see of it whether it is whole.
func inputOf(n uint64, r *rand.Rand) []byte {
	size := r.IntN(2000)
	if r.IntN(50) == 0 {
		size = r.IntN(40_000)
	}
	b := make([]byte, 12+size)
	binary.LittleEndian.PutUint64(b, n)
	for i := range size {
		b[12+i] = byte(n) + byte(i)
	}
	binary.LittleEndian.PutUint32(b[8:], crc32.ChecksumIEEE(b[12:])^uint32(n))
	return b
}

// numberOf is the number of an input as a lease has it: with what says that
// it is bytes before it.
func numberOf(input []byte) (uint64, error) {
	if len(input) < 13 {
		return 0, fmt.Errorf("its input is %q", input)
	}
	b := input[1:]
	n := binary.LittleEndian.Uint64(b)
	if crc32.ChecksumIEEE(b[12:])^uint32(n) != binary.LittleEndian.Uint32(b[8:]) {
		return 0, fmt.Errorf("its input, of %d bytes, is not what was enqueued", len(b))
	}
	return n, nil
}
