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

// A chance is a random life of a shard: requests, callers who leave, clocks that
// jump, outcomes that are lost and owners that crash.
type chance struct {
	*shell
	rand     *rand.Rand
	config   owner.Config
	open     []*owner.Request // in order of arrival
	sessions []uint64
	leases   []*owner.Request
	n        [4]uint64         // requests of each client
	seen     map[uint64]uint64 // of what sessions were told
	trims    int
}

func TestWhateverHappensTheStateIsWhatTheLogSays(t *testing.T) {
	seeds := 150
	if testing.Short() {
		seeds = 30
	}
	trims, answers := 0, 0
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			c := &chance{rand: rand.New(rand.NewPCG(1, uint64(seed))), config: config(), seen: make(map[uint64]uint64)}
			c.config.SnapshotAfter = 1000 + c.rand.Int64N(4000)
			c.config.PageBytes = 100 + c.rand.IntN(2000)
			c.config.Limits = state.Limits{Jobs: 12, Bytes: 2000, Kept: 5, Buried: 5, KeptBytes: 1 << 40, Ageing: 1e6}
			shared(&c.config)
			c.shell = own(t, newDisk(), c.config)
			for range 200 {
				c.step()
			}
			c.quiet()
			sameAsReplayed(t, c.shell)
			trims += c.trims
			answers += len(c.leases)
		})
	}
	t.Logf("%d trims, %d claims answered", trims, answers)
}

func (c *chance) one(in int) bool { return c.rand.IntN(in) == 0 }

func (c *chance) step() {
	c.t.Helper()
	for range c.rand.IntN(5) {
		c.add(c.request())
	}
	c.pass()
	if c.one(15) && len(c.open) > 0 {
		c.core.Drop(c.open[c.rand.IntN(len(c.open))])
	}
	switch {
	case c.one(30):
		c.core.Low(errors.New("little"))
	case c.one(8):
		c.core.Low(nil)
	}
	if c.one(40) {
		c.crash()
	}
	next := c.fly(c.core.Decide(c.now))
	c.check()
	c.answered()
	if next.Do == owner.Idle && c.one(50) {
		c.quiet()
		sameAsReplayed(c.t, c.shell)
	}
}

// pass lets time pass.
func (c *chance) pass() {
	c.sleep(c.rand.Int64N(2e6))
	switch {
	case c.one(60):
		c.now.Wall -= 3600e6
	case c.one(60):
		c.now.Wall += 86400e6
	}
}

// fly lets a record have a random outcome.
func (c *chance) fly(next owner.Next) owner.Next {
	c.t.Helper()
	for {
		if next.Trim > 0 {
			c.trims++
			c.disk.first = max(c.disk.first, next.Trim)
		}
		switch next.Do {
		case owner.Append:
			if early := c.core.Answered(); len(early) > 0 {
				for _, r := range early { // refused without the state
					var low *owner.LowError
					if !errors.As(r.Err, &low) && r.Err != owner.ErrDropped && !isStuck(r) {
						c.t.Fatalf("told before the append: %s", tell(r))
					}
					c.close(r)
				}
			}
			c.check()
			if c.one(6) && len(c.open) > 0 {
				c.core.Drop(c.open[c.rand.IntN(len(c.open))])
			}
			var err error
			switch c.rand.IntN(12) {
			case 0:
				err = owner.ErrFull
			case 1:
				err = owner.ErrUnknown
			case 2:
				c.disk.append(next.After, next.Rec)
				err = owner.ErrUnknown
			default:
				err = c.disk.append(next.After, next.Rec)
			}
			next = c.core.Appended(c.now, err)
		case owner.Look:
			rec := c.disk.at(next.After + 1)
			if c.one(4) {
				rec = nil // a stale reader
			}
			next = c.core.Looked(c.now, rec, nil)
		case owner.Idle:
			return next
		default:
			c.t.Fatalf("%v %v", next.Do, next.Err)
		}
	}
}

// crash lets another owner take over, at any time: before an append, or after one
// that nobody has heard of.
func (c *chance) crash() {
	c.t.Helper()
	next := c.core.Decide(c.now)
	if next.Do == owner.Append && c.one(2) {
		c.disk.append(next.After, next.Rec)
	}
	c.config.Owner = config().Owner
	low := c.one(2)
	c.shell = &shell{t: c.t, disk: c.disk, core: owner.New(c.config), now: c.now}
	first := c.disk.first
	if low {
		first = 1 // nothing has been trimmed yet
	}
	c.core.Start(first)
	c.readOn(first)
	next, err := c.core.TakeOver(c.now)
	if err != nil {
		c.t.Fatal(err)
	}
	c.open, c.sessions = nil, nil
	c.fly(next)
	for _, s := range c.core.State().Sessions() {
		c.sessions = append(c.sessions, s.ID) // those that are remote
	}
}

// quiet decides until nothing is left to do, and looks at those who wait.
func (c *chance) quiet() {
	c.t.Helper()
	for i := 0; ; i++ {
		next := c.fly(c.core.Decide(c.now))
		c.answered()
		if next.Wake == 0 || next.WakeIn(c.now) > 0 {
			break
		}
		if i > 1000 {
			c.t.Fatal("work without end")
		}
	}
	oldest := true
	for _, r := range c.open {
		if !c.mayWait(r) {
			c.t.Fatalf("%s is still open", tell(r))
		}
		if r.Op == owner.Claim {
			if id, ok := c.core.State().Pick(r.Filter); ok {
				c.t.Fatalf("a claim waits, though job %d is ready", id)
			}
			continue
		}
		if r.Op != owner.Enqueue || len(r.IDs) > 0 {
			continue
		}
		if oldest && len(r.Specs) == 1 && r.Specs[0].Key == "" &&
			c.core.State().Room(r.Specs[0].Queue, 1, int64(len(r.Specs[0].Input))) == nil {
			c.t.Fatal("the first enqueue waits, though there is room")
		}
		oldest = false
	}
}

func (c *chance) add(r *owner.Request) {
	c.open = append(c.open, r)
	c.core.Add(r)
}

func (c *chance) close(r *owner.Request) {
	c.t.Helper()
	i := slices.Index(c.open, r)
	if i < 0 {
		c.t.Fatalf("%s is answered and was not open", tell(r))
	}
	c.open = slices.Delete(c.open, i, i+1)
}

func (c *chance) answered() {
	c.t.Helper()
	for _, r := range c.core.Answered() {
		c.close(r)
		c.told(r)
		switch {
		case r.Err != nil:
		case r.Op == owner.OpenSession:
			c.sessions = append(c.sessions, r.IDs[0])
		case r.Op == owner.Claim && len(r.Jobs) > 0:
			c.leases = append(c.leases, r)
		}
	}
}

func (c *chance) request() *owner.Request {
	pick, session := c.pick, c.session()
	if c.one(3) {
		return c.waits()
	}
	switch c.rand.IntN(10) {
	case 0, 1, 2:
		r := enqueue(pick("a", "b", "c"), 1+c.rand.IntN(2))
		r.Wait = c.one(2)
		for i := range r.Specs {
			p := &r.Specs[i]
			p.Queue, p.Task, p.Input = pick("a", "b", p.Queue), pick("t", "u"), make([]byte, c.rand.IntN(300))
			p.Priority, p.Keep, p.Bury = int8(c.rand.IntN(3)), c.rand.Int64N(5e6), c.rand.Int64N(9e6)
			switch {
			case c.one(3):
				p.RunAt = -c.rand.Int64N(4e6)
			case c.one(3):
				p.RunAt = c.now.Wall + c.rand.Int64N(8e6)
			}
			if c.one(4) {
				p.Key = pick("k", "l")
			}
			c.dress(p)
		}
		r.Follow = len(r.Specs) == 1 && c.one(3)
		r.Watched = r.Follow && c.one(2)
		c.dressAsker(r)
		if c.one(3) {
			c.name(r)
		}
		return r
	case 3, 4:
		r := claim(session, c.rand.IntN(3))
		r.Wait = c.one(2)
		if c.one(2) {
			r.Filter = stateFilter(pick("t", "u"))
		}
		return r
	case 5:
		if c.one(3) {
			return &owner.Request{Op: owner.OpenClient}
		}
		return &owner.Request{Op: owner.OpenSession, Name: "w"}
	case 6:
		if c.one(4) {
			return &owner.Request{Op: owner.EndSession, Session: session}
		}
		return &owner.Request{Op: owner.Job, Job: c.rand.Uint64N(50)}
	case 7:
		r := &owner.Request{Op: owner.Cancel, Job: c.rand.Uint64N(50)}
		if c.one(3) {
			r.Op = owner.Revive
		}
		return r
	}
	if len(c.leases) == 0 {
		return &owner.Request{Op: owner.Counts, Name: pick("", "a")}
	}
	l := c.leases[c.rand.IntN(len(c.leases))]
	r := about([]owner.Op{owner.Complete, owner.Fail, owner.Return}[c.rand.IntN(3)], l, c.rand.IntN(len(l.Jobs)))
	r.Result = make([]byte, c.rand.IntN(50))
	r.Failure.Permanent = c.one(4)
	return r
}

// name lets r be one that is repeated, or may be.
func (c *chance) name(r *owner.Request) {
	i := c.rand.IntN(len(c.n))
	if c.n[i] == 0 || !c.one(4) {
		c.n[i]++
	}
	r.Request = state.Request{Client: uint64(i + 1), N: c.n[i], Low: max(1, c.n[i]-min(c.n[i], 3))}
}
