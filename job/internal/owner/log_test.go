package owner_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/record"
	"github.com/hemgo/hem/job/internal/state"
)

// A disk is a log in memory. Nothing is thrown away: first says what a reader
// still sees.
type disk struct {
	records [][]byte
	first   uint64
}

func newDisk() *disk { return &disk{first: 1} }

func (d *disk) last() uint64 { return uint64(len(d.records)) }

func (d *disk) append(after uint64, rec []byte) error {
	if after != d.last() {
		return owner.ErrConflict
	}
	d.records = append(d.records, bytes.Clone(rec))
	return nil
}

// at is the record seq, or nil.
func (d *disk) at(seq uint64) []byte {
	if seq > d.last() {
		return nil
	}
	return d.records[seq-1]
}

// A shell drives a Core over a disk which never fails, unless a test steps in.
type shell struct {
	t    *testing.T
	disk *disk
	core *owner.Core
	now  owner.Time
	wake int64
}

var owners uint16

func config() owner.Config {
	owners++
	return owner.Config{
		Owner: record.ID{1, byte(owners), byte(owners >> 8)}, Log: record.ID{9, byte(owners)},
		Limits: state.Limits{Jobs: 100, Bytes: 1 << 20, Kept: 100, Buried: 100, KeptBytes: 1 << 40, Ageing: 1e6},
	}
}

// read returns a shell whose Core has read the disk from record first on.
func read(t *testing.T, d *disk, c owner.Config, first uint64) *shell {
	t.Helper()
	s := &shell{t: t, disk: d, core: owner.New(c), now: owner.Time{Wall: 1e15, Mono: 5e6}}
	s.core.Start(first)
	s.readOn(first)
	return s
}

func (s *shell) readOn(from uint64) {
	s.t.Helper()
	for seq := from; seq <= s.disk.last(); seq++ {
		if err := s.core.Replay(seq, s.disk.at(seq)); err != nil {
			s.t.Fatalf("replay: %v", err)
		}
	}
}

// own returns a shell whose Core owns the disk.
func own(t *testing.T, d *disk, c owner.Config) *shell {
	t.Helper()
	s := read(t, d, c, d.first)
	next, err := s.core.TakeOver(s.now)
	if err != nil {
		t.Fatalf("take over: %v", err)
	}
	if next = s.run(next); next.Do != owner.Idle {
		t.Fatalf("take over: %v %v", next.Do, next.Err)
	}
	s.run(s.core.Decide(s.now)) // settings
	return s
}

// run does what next says until the Core is idle or has ended.
func (s *shell) run(next owner.Next) owner.Next {
	s.t.Helper()
	for range 1000 {
		if next.Trim > 0 {
			s.disk.first = max(s.disk.first, next.Trim)
		}
		switch next.Do {
		case owner.Append:
			next = s.core.Appended(s.now, s.disk.append(next.After, next.Rec))
		case owner.Look:
			next = s.core.Looked(s.now, s.disk.at(next.After+1), nil)
		case owner.ReadOn:
			s.readOn(next.After + 1)
			var err error
			if next, err = s.core.TakeOver(s.now); err != nil {
				s.t.Fatal(err)
			}
		default:
			s.wake = next.Wake
			return next
		}
	}
	s.t.Fatal("no end in sight")
	return next
}

// decide decides until there is nothing left that is due now.
func (s *shell) decide() owner.Next {
	s.t.Helper()
	for range 1000 {
		next := s.run(s.core.Decide(s.now))
		if next.Do == owner.Ended || next.Wake == 0 || next.WakeIn(s.now) > 0 {
			return next
		}
	}
	s.t.Fatal("work without end")
	return owner.Next{}
}

// ask adds requests and returns what is answered by the next record.
func (s *shell) ask(rs ...*owner.Request) []*owner.Request {
	s.t.Helper()
	for _, r := range rs {
		s.core.Add(r)
	}
	s.decide()
	return append([]*owner.Request(nil), s.core.Answered()...)
}

// sleep lets time go by.
func (s *shell) sleep(d int64) {
	s.now.Wall += d
	s.now.Mono += d
}

// session opens one.
func (s *shell) session() uint64 {
	s.t.Helper()
	return s.open(&owner.Request{Op: owner.OpenSession, Name: "w"})
}

// client makes one known.
func (s *shell) client() uint64 {
	s.t.Helper()
	return s.open(&owner.Request{Op: owner.OpenClient})
}

func (s *shell) open(r *owner.Request) uint64 {
	s.t.Helper()
	s.ask(r)
	if r.Err != nil {
		s.t.Fatal(r.Err)
	}
	return r.IDs[0]
}

func (s *shell) canonical() []byte { return s.core.State().AppendCanonical(nil) }

func spec(queue string) state.Spec {
	return state.Spec{Task: "t", Queue: queue, Attempts: 3, First: 1e6, Most: 1e6, Keep: 3600e6, Bury: 3600e6, Input: []byte("in")}
}

func enqueue(queue string, n int) *owner.Request {
	r := &owner.Request{Op: owner.Enqueue}
	for range n {
		r.Specs = append(r.Specs, spec(queue))
	}
	return r
}

func wait(r *owner.Request) *owner.Request {
	r.Wait = true
	return r
}

func claim(session uint64, most int) *owner.Request {
	return &owner.Request{Op: owner.Claim, Session: session, Most: most}
}

func about(op owner.Op, r *owner.Request, i int) *owner.Request {
	j := r.Jobs[i]
	return &owner.Request{Op: op, Session: j.Session, Job: j.ID, Epoch: j.Epoch, Failure: state.Failure{After: -1}}
}

// told writes answers as a test reads them: "enqueue 1 2, claim 1: the claimed".
func told(rs []*owner.Request) string {
	var all []string
	for _, r := range rs {
		all = append(all, tell(r))
	}
	return strings.Join(all, "; ")
}

func tell(r *owner.Request) string {
	var b strings.Builder
	b.WriteString(r.Op.String())
	var lost *owner.LostError
	var full *state.FullError
	switch {
	case errors.As(r.Err, &lost):
		fmt.Fprintf(&b, " lost, may have happened: %v", lost.MayHaveHappened)
		return b.String()
	case errors.As(r.Err, &full):
		fmt.Fprintf(&b, " full: %q %d of %d", full.Queue, full.Have, full.Limit)
		return b.String()
	case r.Err != nil:
		fmt.Fprintf(&b, ": %v", r.Err)
		return b.String()
	}
	for _, id := range r.IDs {
		fmt.Fprintf(&b, " %d", id)
	}
	for _, j := range r.Jobs {
		fmt.Fprintf(&b, " %d/%d", j.ID, j.Epoch)
	}
	if r.Op == owner.Counts {
		fmt.Fprintf(&b, " %d live of %d", r.Counts.Live(), r.Depth)
	}
	return b.String()
}

func (s *shell) want(r *owner.Request, want string) {
	s.t.Helper()
	if got := tell(r); got != want {
		s.t.Fatalf("got  %s\nwant %s", got, want)
	}
}

func (s *shell) wantAll(rs []*owner.Request, want string) {
	s.t.Helper()
	if got := told(rs); got != want {
		s.t.Fatalf("got  %s\nwant %s", got, want)
	}
}
