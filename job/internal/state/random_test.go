package state_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/hemgo/hem/job/internal/state"
)

// A driver makes random transitions, of which many are refused.
type driver struct {
	r        *rand.Rand
	s        *state.State
	now      int64
	out      state.Outcome
	sessions []uint64
	leases   []lease
	last     uint64
}

type lease struct {
	session, job uint64
	epoch        uint32
}

func newDriver(seed uint64) *driver {
	d := &driver{r: rand.New(rand.NewPCG(seed, 1)), s: state.New(), now: 1e15}
	d.s.Begin(d.now)
	d.must(state.AppendLimits(nil, state.Limits{Jobs: 60, Bytes: 1 << 20, Kept: 10, Buried: 10, KeptBytes: 1 << 40, Ageing: 1e6}))
	for _, t := range settings() {
		d.must(t)
	}
	return d
}

// settings are what a driver's state begins with.
func settings() [][]byte {
	return [][]byte{
		state.AppendQueue(nil, "small", state.Queue{Depth: 5}),
		state.AppendQueue(nil, "big", state.Queue{Running: 3}),
		state.AppendQueue(nil, "x", state.Queue{Rate: state.Rate{Interval: 3e5, Burst: 2}}),
		state.AppendLimit(nil, "two", state.Limit{Running: 2}),
		state.AppendLimit(nil, "slow", state.Limit{Running: 1, Rate: state.Rate{Interval: 2e6, Burst: 1}}),
		state.AppendWeight(nil, "heavy", 3),
		state.AppendClientOpen(nil), state.AppendClientOpen(nil), state.AppendClientOpen(nil),
	}
}

func (d *driver) must(t []byte) {
	if err := d.s.Apply(t, &d.out); err != nil {
		panic(err)
	}
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func (d *driver) spec() state.Spec {
	p := state.Spec{
		Task: pick(d.r, "a", "b", "c"), Queue: pick(d.r, "small", "big", "x"),
		Priority: int8(d.r.IntN(5) - 2), Attempts: uint16(1 + d.r.IntN(3)),
		First: int64(d.r.IntN(3)) * 1e6, Most: 4e6, Keep: int64(d.r.IntN(3)) * 5e6, Bury: int64(d.r.IntN(2)) * 2e7,
		Input: bytes.Repeat([]byte{byte(d.r.IntN(256))}, pick(d.r, 0, 1, 30, 300, 5000)),
	}
	if d.r.IntN(3) == 0 {
		p.Key = pick(d.r, "k1", "k2", "k3")
	}
	if d.r.IntN(2) == 0 {
		p.Group = pick(d.r, "heavy", "g", "h")
	}
	if d.r.IntN(3) == 0 {
		p.Limit, p.LimitKey = pick(d.r, "two", "slow", "none"), pick(d.r, "", "k")
	}
	if d.r.IntN(5) == 0 {
		p.Deadline = d.now + 1 + int64(d.r.IntN(1e7))
	}
	if d.r.IntN(5) == 0 {
		p.Tags, p.TraceParent = []string{"blue", "red"}, "00-x"
	}
	switch kind := d.r.IntN(8); {
	case kind == 0 && len(d.sessions) > 0:
		p.Session, p.Attached, p.Key = pick(d.r, d.sessions...), true, ""
	case kind < 3 && len(d.leases) > 0:
		l := pick(d.r, d.leases[max(len(d.leases)-5, 0):]...)
		p.Parent, p.ParentEpoch, p.Attached = l.job, l.epoch, p.Key == ""
	case p.Key != "":
		p.Unique, p.Called = state.Unique(d.r.IntN(8)), d.r.IntN(2) == 0
	}
	if d.r.IntN(3) == 0 {
		p.RunAt = d.now + int64(d.r.IntN(1e7))
	}
	return p
}

// next returns a transition.
func (d *driver) next() []byte {
	var b []byte
	if d.r.IntN(4) == 0 {
		n := uint64(1 + d.r.IntN(20))
		b = state.AppendRequest(b, state.Request{Client: uint64(d.r.IntN(4)), N: n, Low: uint64(1 + d.r.IntN(int(n)))})
	}
	job := 1 + d.r.Uint64N(d.last+2)
	var l lease
	if len(d.leases) > 0 {
		l = pick(d.r, d.leases...)
	}
	var session uint64
	if len(d.sessions) > 0 {
		session = pick(d.r, d.sessions...)
	}
	switch d.r.IntN(14) {
	case 13:
		return d.setting(b)
	case 12:
		name, at, ok := d.s.NextTick()
		if ok && d.r.IntN(2) == 0 {
			return state.AppendTick(b, name, at, pick(d.r, 0, at), at+int64(d.r.IntN(4e6)))
		}
		c := state.Schedule{Name: pick(d.r, "hourly", "daily"), Rule: "r", Next: d.now + int64(d.r.IntN(4e6)), Spec: d.spec()}
		c.Spec.Session, c.Spec.Parent, c.Spec.ParentEpoch, c.Spec.Attached, c.Spec.Deadline, c.Spec.RunAt = 0, 0, 0, false, 0, 0
		return state.AppendSchedule(b, &c)
	case 0:
		return state.AppendSessionOpen(b, pick(d.r, "s", "t"), d.r.IntN(2) == 0)
	case 1:
		if d.r.IntN(3) > 0 {
			break
		}
		return state.AppendSessionEnd(b, session)
	case 2, 3, 4:
		if j, ok := d.s.Pick(state.Filter{}); ok {
			return state.AppendClaim(b, session, j)
		}
	case 5:
		return state.AppendComplete(b, l.session, l.job, l.epoch, []byte("result"))
	case 6, 7:
		return state.AppendFail(b, l.session, l.job, l.epoch, state.Failure{Permanent: d.r.IntN(5) == 0, After: int64(d.r.IntN(4)-1) * 1e6, Error: "it broke", Detail: bytes.Repeat([]byte("d"), d.r.IntN(40))})
	case 8:
		return state.AppendReturn(b, l.session, l.job, l.epoch)
	case 9:
		return state.AppendCancel(b, job, bytes.Repeat([]byte("c"), d.r.IntN(20)))
	case 10:
		return state.AppendRevive(b, job)
	}
	specs := []state.Spec{d.spec()}
	for d.r.IntN(3) == 0 {
		specs = append(specs, d.spec())
	}
	return state.AppendEnqueue(b, specs...)
}

// setting returns a transition that changes what is allowed.
func (d *driver) setting(b []byte) []byte {
	switch d.r.IntN(6) {
	case 0:
		return state.AppendPause(b, pick(d.r, "small", "big", "x"), d.r.IntN(3) == 0)
	case 1:
		return state.AppendLimit(b, pick(d.r, "two", "slow", "none"), state.Limit{Running: int64(d.r.IntN(3)), Rate: pick(d.r, state.Rate{}, state.Rate{Interval: 5e5, Burst: 2})})
	case 2:
		return state.AppendQueue(b, pick(d.r, "big", "x"), state.Queue{Running: int64(d.r.IntN(3)), Rate: pick(d.r, state.Rate{}, state.Rate{Interval: 5e5, Burst: 2})})
	case 3:
		return state.AppendWeight(b, pick(d.r, "heavy", "g"), uint16(d.r.IntN(5)))
	case 4:
		return state.AppendUnschedule(b, pick(d.r, "hourly", "daily"))
	}
	if d.r.IntN(10) == 0 {
		return state.AppendTakeover(b)
	}
	return state.AppendAdvance(b)
}

// step makes one transition and returns it if it was carried out.
func (d *driver) step(t *testing.T) []byte {
	var before []byte
	check := d.r.IntN(8) == 0
	if check {
		before = d.s.AppendCanonical(nil)
	}
	b := d.next()
	if err := d.s.Apply(b, &d.out); err != nil || d.out.Again {
		if err == state.ErrMalformed || err == state.ErrUnknown {
			t.Fatalf("%x: %v", b, err)
		}
		if check && !bytes.Equal(before, d.s.AppendCanonical(nil)) {
			t.Fatalf("%x was refused (%v), and has changed the state", b, err)
		}
		return nil
	}
	for i, id := range d.out.IDs {
		switch {
		case d.out.Epoch > 0:
			d.leases = append(d.leases, lease{0, id, d.out.Epoch})
			for _, s := range d.s.Sessions() {
				for _, j := range d.s.Running(s.ID) {
					if j == id {
						d.leases[len(d.leases)-1].session = s.ID
					}
				}
			}
		case len(d.out.Existing) == 0 && b[len(b)-1] <= 1:
			d.sessions = append(d.sessions, id)
		case !d.out.Existing[i]:
			d.last = max(d.last, id)
		}
	}
	return b
}

func TestTheSameTransitionsGiveTheSameStateFromTheStartAndFromEverySnapshot(t *testing.T) {
	for seed := range uint64(200) {
		d := newDriver(seed)
		other := state.New()
		other.Begin(d.now)
		other.Apply(state.AppendLimits(nil, d.s.Limits()), nil)
		for _, t := range settings() {
			other.Apply(t, nil)
		}
		var snap *state.Snapshot
		var restore *state.Restore
		var since [][]byte // transitions since the snapshot began; nil is Begin
		var nows []int64
		for i := range 400 {
			if d.r.IntN(4) == 0 {
				d.now += int64(d.r.IntN(3e6))
				d.s.Begin(d.now)
				other.Begin(d.now)
				since, nows = append(since, nil), append(nows, d.now)
			}
			if snap == nil && d.r.IntN(20) == 0 {
				snap, restore = d.s.Snapshot(), state.NewRestore()
				since, nows = nil, nil
				if d.r.IntN(10) == 0 {
					snap.Stop()
					snap = nil
				}
			}
			if b := d.step(t); b != nil {
				if err := other.Apply(b, nil); err != nil {
					t.Fatalf("seed %d step %d: replay refuses %x: %v", seed, i, b, err)
				}
				since = append(since, b)
			}
			if err := d.s.Check(); err != nil {
				t.Fatalf("seed %d step %d: %v", seed, i, err)
			}
			if snap == nil || d.r.IntN(3) == 0 {
				continue
			}
			page, more := snap.Next(nil, 300)
			if more {
				if err := restore.Page(page); err != nil {
					t.Fatalf("seed %d step %d: %v", seed, i, err)
				}
				continue
			}
			restored, err := restore.State()
			if err != nil {
				t.Fatalf("seed %d step %d: %v", seed, i, err)
			}
			for _, b := range since {
				if b == nil {
					restored.Begin(nows[0])
					nows = nows[1:]
				} else if err := restored.Apply(b, nil); err != nil {
					t.Fatalf("seed %d step %d: the restored state refuses %x: %v", seed, i, b, err)
				}
			}
			if err := restored.Check(); err != nil {
				t.Fatalf("seed %d step %d: restored: %v", seed, i, err)
			}
			if !bytes.Equal(restored.AppendCanonical(nil), d.s.AppendCanonical(nil)) {
				t.Fatalf("seed %d step %d: the restored state is another one", seed, i)
			}
			if restored.Size() != d.s.Size() {
				t.Fatalf("seed %d step %d: restored it has %d bytes, not %d", seed, i, restored.Size(), d.s.Size())
			}
			snap = nil
		}
		if !bytes.Equal(other.AppendCanonical(nil), d.s.AppendCanonical(nil)) {
			t.Fatalf("seed %d: replay gives another state", seed)
		}
	}
}

func BenchmarkMillion(b *testing.B) {
	s := state.New()
	s.Begin(1)
	s.Apply(state.AppendLimits(nil, state.Limits{Jobs: 1 << 40, Bytes: 1 << 40, Kept: 1000, Buried: 1000, KeptBytes: 1 << 40, Ageing: 1e6}), nil)
	s.Apply(state.AppendSessionOpen(nil, "x", false), nil)
	var out state.Outcome
	buf := make([]byte, 0, 1024)
	in := bytes.Repeat([]byte("x"), 256)
	b.Run("enqueue", func(b *testing.B) {
		for b.Loop() {
			buf = state.AppendEnqueue(buf[:0], state.Spec{Task: "bench.job", Queue: "default", Attempts: 3, First: 1e6, Most: 1e9, Keep: 6e8, Bury: 1e12, Input: in})
			if err := s.Apply(buf, &out); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("claim-complete", func(b *testing.B) {
		for b.Loop() {
			id, ok := s.Pick(state.Filter{})
			if !ok {
				b.Skip("empty")
			}
			buf = state.AppendClaim(buf[:0], 1, id)
			s.Apply(buf, &out)
			buf = state.AppendComplete(buf[:0], 1, id, out.Epoch, nil)
			if err := s.Apply(buf, &out); err != nil {
				b.Fatal(err)
			}
		}
	})
}
