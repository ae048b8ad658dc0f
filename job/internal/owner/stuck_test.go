package owner_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// A workshop is workers with slots, whose handlers enqueue into queues that have little
// room before they end. It knows by itself who can go on.
type workshop struct {
	s       *shell
	rnd     *rand.Rand
	queues  map[string]state.Queue
	workers []*worker
	refused int
}

var workQueues = []string{"a", "b", "c"}

type worker struct {
	session uint64
	queues  []string
	slots   int
	running []*piece
	claim   *owner.Request // that is open
}

// A piece is a job that runs, and that enqueues so many into a queue before it ends.
type piece struct {
	of    *worker
	lease *owner.Request
	left  int
	to    string
	open  *owner.Request // that waits for room
	over  *owner.Request // that ends it
}

func newWorkshop(t *testing.T, seed uint64) *workshop {
	rnd := rand.New(rand.NewPCG(seed, 2))
	conf := config()
	conf.Queues = make(map[string]state.Queue)
	for _, q := range workQueues {
		conf.Queues[q] = state.Queue{Depth: int64(1 + rnd.IntN(6)), Running: int64(max(0, rnd.IntN(6)-2))}
	}
	w := &workshop{queues: conf.Queues, s: own(t, newDisk(), conf), rnd: rnd}
	for range 1 + rnd.IntN(4) {
		queues := slices.Clone(workQueues)
		rnd.Shuffle(len(queues), func(i, j int) { queues[i], queues[j] = queues[j], queues[i] })
		w.workers = append(w.workers, &worker{session: w.s.session(), queues: queues[:1+rnd.IntN(len(queues))], slots: 1 + rnd.IntN(3)})
	}
	return w
}

// job is one that enqueues so many into a queue.
func (w *workshop) job(queue string, left int, to string) *owner.Request {
	r := enqueue(queue, 1)
	r.Specs[0].Task, r.Specs[0].Attempts = fmt.Sprintf("%d %s", left, to), 1
	return r
}

// any is any job.
func (w *workshop) any(queue string) *owner.Request {
	return w.job(queue, max(0, w.rnd.IntN(5)-1), workQueues[w.rnd.IntN(3)])
}

func (w *workshop) pieces() (all []*piece) {
	for _, one := range w.workers {
		all = append(all, one.running...)
	}
	return all
}

// waits reports whether there is a job that may be begun.
func (w *workshop) waits(queue string) bool {
	counts, _, _ := w.s.core.State().QueueCounts(queue)
	most := w.queues[queue].Running
	return counts.Live() > counts.Running && (most == 0 || counts.Running < most)
}

// goOn are the pieces that can end, and the queues that can have room, if nobody who
// waits gives up.
func (w *workshop) goOn() (ends map[*piece]bool, room map[string]bool) {
	ends, room = make(map[*piece]bool), make(map[string]bool)
	for before := -1; before < len(ends)+len(room); {
		before = len(ends) + len(room)
		for _, p := range w.pieces() {
			if p.open == nil || !p.open.Asker.Endless || room[p.to] {
				ends[p] = true
			}
		}
		for _, q := range workQueues {
			covered := false
			for _, one := range w.workers {
				takes := slices.Contains(one.queues, q)
				covered = covered || takes
				slot := len(one.running) < one.slots || slices.ContainsFunc(one.running, func(p *piece) bool { return ends[p] })
				if takes && slot && w.waits(q) || slices.ContainsFunc(one.running, func(p *piece) bool { return ends[p] && p.lease.Jobs[0].Queue == q }) {
					room[q] = true
				}
			}
			if !covered && w.waits(q) {
				room[q] = true // by who comes later
			}
		}
	}
	return ends, room
}

// step lets everybody do something, and a tenth of a second go by.
func (w *workshop) step(t *testing.T, produce bool) {
	_, room := w.goOn()
	var ask []*owner.Request
	for _, one := range w.workers {
		if one.claim == nil && len(one.running) < one.slots {
			one.claim = &owner.Request{Op: owner.Claim, Session: one.session, Most: 1, Wait: true, Filter: state.Filter{Queues: one.queues}}
			ask = append(ask, one.claim)
		}
	}
	for _, p := range w.pieces() {
		switch {
		case p.over != nil || w.rnd.IntN(3) > 0:
		case p.open != nil && !p.open.Asker.Endless && w.rnd.IntN(10) == 0:
			w.s.core.Drop(p.open)
			p.left = 0
		case p.open == nil && p.left > 0:
			j := p.lease.Jobs[0]
			p.open = wait(w.job(p.to, max(0, w.rnd.IntN(4)-2), workQueues[w.rnd.IntN(3)]))
			p.open.Asker = owner.Asker{Job: j.ID, Epoch: j.Epoch, Endless: w.rnd.IntN(8) > 0}
			ask = append(ask, p.open)
		case p.open == nil:
			p.over = about(owner.Complete, p.lease, 0)
			ask = append(ask, p.over)
		}
	}
	if produce && w.rnd.IntN(2) == 0 {
		ask = append(ask, w.any(workQueues[w.rnd.IntN(3)]))
	}
	answers := w.s.ask(ask...)
	for _, one := range w.workers {
		w.hear(t, one, answers, room)
	}
	w.s.sleep(1e5)
}

// hear tells a worker of its answers.
func (w *workshop) hear(t *testing.T, one *worker, answers []*owner.Request, room map[string]bool) {
	if slices.Contains(answers, one.claim) {
		p := &piece{of: one, lease: one.claim}
		fmt.Sscan(p.lease.Jobs[0].Task, &p.left, &p.to)
		one.claim, one.running = nil, append(one.running, p)
	}
	for _, p := range slices.Clone(one.running) {
		var full *state.FullError
		var knot *state.KnotError
		switch r := p.open; {
		case slices.Contains(answers, p.over):
			one.running = slices.DeleteFunc(one.running, func(o *piece) bool { return o == p })
		case !slices.Contains(answers, r):
		case errors.As(r.Err, &full) && full.Stuck:
			if w.refused++; room[p.to] {
				t.Fatalf("job %d is refused room in queue %s, which there can be", r.Asker.Job, p.to)
			}
			fallthrough
		case errors.As(r.Err, &knot): // it would have waited for itself alone
			p.open, p.left = nil, 0
		case r.Err != nil && r.Err != owner.ErrDropped:
			t.Fatal(r.Err)
		default:
			p.open, p.left = nil, p.left-1
		}
	}
}

func TestWhoWaitForRoomThatOnlyTheyCouldMakeAreRefusedAndNobodyElse(t *testing.T) {
	refused := 0
	for seed := range uint64(300) {
		w := newWorkshop(t, seed)
		for range 200 {
			w.step(t, true)
		}
		uncovered := slices.ContainsFunc(workQueues, func(q string) bool {
			return !slices.ContainsFunc(w.workers, func(one *worker) bool { return slices.Contains(one.queues, q) })
		})
		for i := 0; !uncovered && w.s.core.State().Counts().Live() > 0; i++ {
			if w.step(t, false); i > 5000 {
				t.Fatalf("seed %d: %+v stand still", seed, w.s.core.State().Counts())
			}
		}
		refused += w.refused
	}
	t.Logf("%d were refused", refused)
	if refused < 200 {
		t.Errorf("%d were refused: this has tested nothing", refused)
	}
}

func claimOf(session uint64, most int, queues ...string) *owner.Request {
	return &owner.Request{Op: owner.Claim, Session: session, Most: most, Filter: state.Filter{Queues: queues}}
}

func asks(lease *owner.Request, i int, r *owner.Request) *owner.Request {
	j := lease.Jobs[i]
	r.Asker = owner.Asker{Job: j.ID, Epoch: j.Epoch, Endless: true}
	return wait(r)
}

// jammed has a worker with two slots, in both of which handlers are that wait for room
// in the queue "q", which has n jobs that wait; dress changes those.
func jammed(t *testing.T, remote bool, n int, dress func(*state.Spec)) (s *shell, waits []*owner.Request) {
	s = withQueues(t, 1000, map[string]int64{"q": int64(n)})
	w := s.open(&owner.Request{Op: owner.OpenSession, Name: "makers", Remote: remote})
	s.ask(enqueue("make", 2))
	lease := claimOf(w, 2, "make", "q")
	s.ask(lease)
	for range n {
		r := enqueue("q", 1)
		dress(&r.Specs[0])
		s.ask(r)
	}
	waits = []*owner.Request{asks(lease, 0, enqueue("q", 1)), asks(lease, 1, enqueue("q", 1))}
	s.ask(waits...)
	s.isOpen(waits...)
	return s, waits
}

func isStuck(r *owner.Request) bool {
	var full *state.FullError
	return errors.As(r.Err, &full) && full.Stuck
}

func (s *shell) second() []*owner.Request { s.sleep(1e6); return s.ask() }

// A session that runs nothing, and whose next claim is on its way (its connection is being
// made anew, or its program claims now and then), has no slot full of handlers that wait.
func TestASessionThatRunsNothingMakesRoom(t *testing.T) {
	s := withQueues(t, 1000, map[string]int64{"q": 4})
	parts := s.far()
	c := claimOf(parts, 1, "q")
	s.ask(c) // there is nothing yet; it does not wait
	makers := s.session()
	s.ask(enqueue("make", 2))
	lease := claimOf(makers, 2, "make")
	s.ask(lease)
	s.ask(enqueue("q", 4))
	waits := []*owner.Request{asks(lease, 0, enqueue("q", 1)), asks(lease, 1, enqueue("q", 1))}
	s.ask(waits...)
	for range 3 {
		s.ask(beat(parts))
		s.second()
	}
	if isStuck(waits[0]) || isStuck(waits[1]) {
		t.Errorf("refused, with a worker of the queue that runs nothing: %v %v", waits[0].Err, waits[1].Err)
	}
}

// A claim that has arrived by the second look is looked at.
func TestAClaimThatComesWithTheSecondLookCounts(t *testing.T) {
	s, waits := jammed(t, false, 4, func(*state.Spec) {})
	s.second()       // the first look
	w := s.session() // it opened a session within that second
	s.sleep(1e6)
	c := claimOf(w, 1, "q")
	s.ask(c)
	if len(c.Jobs) != 1 {
		t.Fatal("nothing claimed")
	}
	if isStuck(waits[0]) || isStuck(waits[1]) {
		t.Errorf("refused in the Decide that gave a job of the queue to another worker: %v %v", waits[0].Err, waits[1].Err)
	}
}

// After a takeover they are refused as well.
func TestWhoAreStuckAreRefusedAfterATakeoverAsWell(t *testing.T) {
	s, waits := jammed(t, true, 4, func(*state.Spec) {})
	conf := config()
	conf.Limits.Jobs, conf.Queues = 1000, map[string]state.Queue{"q": {Depth: 4}}
	b := own(t, s.disk, conf) // another owner
	var again []*owner.Request
	for _, r := range waits {
		o := wait(enqueue("q", 1))
		o.Asker = r.Asker
		again = append(again, o)
	}
	b.ask(again...)
	b.isOpen(again...)
	session := b.core.State().Sessions()[0].ID
	for range 120 {
		b.ask(beat(session))
		b.second()
	}
	if !isStuck(again[0]) && !isStuck(again[1]) {
		t.Errorf("they wait for ever")
	}
}

// The shard's bytes are what is lacking.
func TestWhoAreStuckForWantOfBytesAreToldSo(t *testing.T) {
	c := config()
	c.Limits.Bytes, c.Queues = 100, map[string]state.Queue{"q": {Depth: 50}}
	s := own(t, newDisk(), c)
	w := s.session()
	s.ask(enqueue("make", 2))
	lease := claimOf(w, 2, "make", "q")
	s.ask(lease)
	big := enqueue("q", 1)
	big.Specs[0].Input = make([]byte, 90)
	s.ask(big)
	waits := make([]*owner.Request, 2)
	for i := range waits {
		waits[i] = enqueue("q", 1)
		waits[i].Specs[0].Input = make([]byte, 50)
		asks(lease, i, waits[i])
	}
	s.ask(waits...)
	for range 3 {
		s.second()
	}
	var full *state.FullError
	if !errors.As(waits[1].Err, &full) || !full.Bytes {
		t.Errorf("told %v", waits[1].Err)
	}
}

// What an attempt that is over has left behind keeps no slot, like anybody else's.
func TestWhatOutlivesItsAttemptIsNotStuck(t *testing.T) {
	s := withQueues(t, 1000, map[string]int64{"q": 4})
	w := s.session()
	s.ask(enqueue("make", 3))
	lease := claimOf(w, 3, "make", "q")
	s.ask(lease)
	s.ask(enqueue("q", 4))
	var waits []*owner.Request
	for i := range 3 {
		waits = append(waits, asks(lease, 2-i, enqueue("q", 1)))
	}
	s.ask(waits...)
	s.ask(about(owner.Complete, lease, 2)) // whose Enqueue is the first
	s.ask(about(owner.Complete, lease, 0)) // and the last
	for range 4 {
		s.second()
	}
	t.Log(waits[0].Err, waits[1].Err, waits[2].Err)
	if isStuck(waits[2]) {
		t.Errorf("refused, and no handler waits for it")
	}
}
