package owner_test

import (
	"fmt"
	"testing"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/record"
	"github.com/hemgo/hem/job/internal/state"
)

// BenchmarkDecide is what a request costs from Add to Answered, in records of so
// many requests: a third each of Enqueue, Claim and Complete, jobs of 256 bytes,
// before 12,000 others. The log costs nothing.
func BenchmarkDecide(b *testing.B) {
	for _, batch := range []int{1, 64, 256} {
		b.Run(fmt.Sprint(batch), func(b *testing.B) { newMill(b, nil).grind(batch) })
	}
}

// BenchmarkShare is BenchmarkDecide with those 12,000 in a thousand groups, or under
// a limit by ten thousand keys.
func BenchmarkShare(b *testing.B) {
	names := make([]string, 10_000)
	for i := range names {
		names[i] = fmt.Sprint("tenant ", i)
	}
	for name, dress := range map[string]func(n int, p *state.Spec){
		"plain":       nil,
		"1000 groups": func(n int, p *state.Spec) { p.Group = names[n*7919%1000] },
		"10000 keys":  func(n int, p *state.Spec) { p.Limit, p.LimitKey = "l", names[n*7919%10_000] },
	} {
		b.Run(name, func(b *testing.B) { newMill(b, dress).grind(64) })
	}
}

// grind is b.N requests in records of so many.
func (m *mill) grind(batch int) {
	m.b.ReportAllocs()
	for n := 0; m.b.Loop(); n++ {
		m.add()
		if n%batch == batch-1 {
			m.record()
		}
	}
	m.record()
}

type mill struct {
	b     *testing.B
	core  *owner.Core
	now   owner.Time
	w     uint64
	input []byte
	free  []*owner.Request
	done  []*owner.Request // claims to complete
	turn  int
	dress func(n int, p *state.Spec)
}

func newMill(b *testing.B, dress func(n int, p *state.Spec)) *mill {
	m := &mill{b: b, dress: dress, input: make([]byte, 256), now: owner.Time{Wall: 1e15}}
	m.core = owner.New(owner.Config{
		Owner: record.ID{1}, Log: record.ID{1}, SnapshotAfter: 1 << 50,
		Limits: state.Limits{Jobs: 1 << 30, Bytes: 1 << 40, Kept: 1 << 20, Buried: 1 << 20, KeptBytes: 1 << 40, Ageing: 1e6},
		Caps:   map[string]state.Limit{"l": {Running: 1, Rate: state.Rate{Interval: 100, Burst: 10}}},
	})
	if _, err := m.core.TakeOver(m.now); err != nil {
		b.Fatal(err)
	}
	m.core.Appended(m.now, nil)
	open := &owner.Request{Op: owner.OpenSession}
	m.core.Add(open)
	many := enqueue("q", 4000)
	for at := range 3 {
		for i := range many.Specs {
			if dress != nil {
				dress(4000*at+i, &many.Specs[i])
			}
		}
		m.core.Add(many)
		m.record()
	}
	m.w = open.IDs[0]
	m.free = m.free[:0]
	return m
}

func (m *mill) request() *owner.Request {
	if n := len(m.free) - 1; n >= 0 {
		r := m.free[n]
		m.free = m.free[:n]
		return r
	}
	return &owner.Request{Specs: make([]state.Spec, 1)}
}

func (m *mill) add() {
	r := m.request()
	m.turn++
	switch n := len(m.done) - 1; {
	case m.turn%3 == 0 && n >= 0:
		j := &m.done[n].Jobs[0]
		r.Op, r.Session, r.Job, r.Epoch = owner.Complete, j.Session, j.ID, j.Epoch
		m.free = append(m.free, m.done[n])
		m.done = m.done[:n]
	case m.turn%3 == 1:
		r.Op, r.Specs[0] = owner.Enqueue, state.Spec{Task: "t", Queue: "q", Attempts: 3, First: 1e6, Most: 1e6, Bury: 1e6, Input: m.input}
		if m.dress != nil {
			m.dress(m.turn, &r.Specs[0])
		}
	default:
		r.Op, r.Session, r.Most = owner.Claim, m.w, 1
	}
	m.core.Add(r)
}

func (m *mill) record() {
	m.now.Wall += 200
	if next := m.core.Decide(m.now); next.Do == owner.Append {
		m.core.Appended(m.now, nil)
	}
	for _, r := range m.core.Answered() {
		switch {
		case r.Err != nil:
			m.b.Fatal(r.Op, r.Err)
		case r.Op == owner.Claim && len(r.Jobs) > 0:
			m.done = append(m.done, r)
		default:
			m.free = append(m.free, r)
		}
	}
}
