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
		b.Run(fmt.Sprint(batch), func(b *testing.B) {
			m := newMill(b)
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				m.add()
				if n%batch == batch-1 {
					m.record()
				}
			}
			m.record()
		})
	}
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
}

func newMill(b *testing.B) *mill {
	m := &mill{b: b, input: make([]byte, 256), now: owner.Time{Wall: 1e15}}
	m.core = owner.New(owner.Config{
		Owner: record.ID{1}, Log: record.ID{1}, SnapshotAfter: 1 << 50,
		Limits: state.Limits{Jobs: 1 << 30, Bytes: 1 << 40, Kept: 1 << 20, Buried: 1 << 20, KeptBytes: 1 << 40, Ageing: 1e6},
	})
	if _, err := m.core.TakeOver(m.now); err != nil {
		b.Fatal(err)
	}
	m.core.Appended(m.now, nil)
	open := &owner.Request{Op: owner.OpenSession}
	m.core.Add(open)
	many := enqueue("q", 4000)
	for range 3 {
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
