package sim_test

import (
	"encoding/binary"

	"github.com/hemgo/hem/job/internal/state"
)

// The tags of transitions, as the log has them: written down a second time, for
// they never change.
const (
	tTakeover = 1 + iota
	tLimits
	tQueue
	tEnqueue
	tClaim
	tReturn
	tComplete
	tFail
	tCancel
	tRevive
	tSessionOpen
	tSessionEnd
	tAdvance
	tRequest
	tSnapBegin
	tSnapPage
	tSnapEnd
	tClientOpen
	tPause
	tWeight
	tLimit
	tSchedule
	tUnschedule
	tTick
)

// A transition is one, decoded.
type transition struct {
	tag     byte
	named   bool
	request state.Request

	specs    []state.Spec // a Schedule has one
	session  uint64
	job      uint64
	epoch    uint32
	bytes    []byte // a result, an error, a name
	detail   []byte // a cause as well
	perm     bool
	after    int64
	on       bool // paused, remote
	queue    state.Queue
	limit    state.Limit
	weight   int64
	rule     string
	due      int64
	tick     int64
	next     int64
	limits   state.Limits
	begin, n uint64 // of a snapshot
}

// fields takes fields off bytes. Past the end everything is zero.
type fields struct{ b []byte }

func (f *fields) uint() uint64 {
	v, n := binary.Uvarint(f.b)
	f.b = f.b[max(n, 0):]
	return v
}

func (f *fields) int() int64 {
	v, n := binary.Varint(f.b)
	f.b = f.b[max(n, 0):]
	return v
}

func (f *fields) take(n int) []byte {
	n = min(n, len(f.b))
	v := f.b[:n]
	f.b = f.b[n:]
	return v
}

func (f *fields) bytes() []byte { return f.take(int(min(f.uint(), 1<<20))) }

func (f *fields) bool() bool { return string(f.take(1)) == "\x01" }

func (f *fields) rate() state.Rate { return state.Rate{Interval: f.int(), Burst: f.int()} }

func decode(b []byte) (t transition) {
	f := fields{b}
	t.tag = f.take(1)[0]
	if t.tag == tRequest {
		t.named = true
		t.request = state.Request{Client: f.uint(), N: f.uint(), Low: f.uint()}
		t.tag = f.take(1)[0]
	}
	switch t.tag {
	case tLimits:
		t.limits = state.Limits{Jobs: f.int(), Bytes: f.int(), Kept: f.int(), Ageing: f.int(), Buried: f.int(), KeptBytes: f.int()}
	case tQueue:
		t.bytes, t.queue = f.bytes(), state.Queue{Depth: f.int(), Running: f.int(), Rate: f.rate()}
	case tPause:
		t.bytes, t.on = f.bytes(), f.bool()
	case tWeight:
		t.bytes, t.weight = f.bytes(), int64(f.uint())
	case tLimit:
		t.bytes, t.limit = f.bytes(), state.Limit{Running: f.int(), Rate: f.rate()}
	case tEnqueue:
		t.specs = make([]state.Spec, f.uint())
		for i := range t.specs {
			t.specs[i] = f.spec()
		}
	case tClaim:
		t.session, t.job = f.uint(), f.uint()
	case tReturn, tComplete:
		t.session, t.job, t.epoch, t.bytes = f.uint(), f.uint(), uint32(f.uint()), f.bytes()
	case tFail:
		t.session, t.job, t.epoch = f.uint(), f.uint(), uint32(f.uint())
		t.perm, t.after, t.bytes, t.detail = f.bool(), f.int(), f.bytes(), f.bytes()
	case tCancel:
		t.job, t.detail = f.uint(), f.bytes()
	case tRevive:
		t.job = f.uint()
	case tSessionOpen:
		t.bytes, t.on = f.bytes(), f.bool()
	case tSessionEnd:
		t.session = f.uint()
	case tSchedule:
		t.bytes, t.rule, t.next, t.specs = f.bytes(), string(f.bytes()), f.int(), []state.Spec{f.spec()}
	case tUnschedule:
		t.bytes = f.bytes()
	case tTick:
		t.bytes, t.due, t.tick, t.next = f.bytes(), f.int(), f.int(), f.int()
	case tSnapPage, tSnapEnd:
		t.begin, t.n = f.uint(), f.uint()
	}
	return t
}

func (f *fields) spec() state.Spec {
	p := state.Spec{
		Task: name(f.bytes()), Queue: name(f.bytes()), Key: name(f.bytes()), Priority: int8(f.int()), RunAt: f.int(),
		Attempts: uint16(f.uint()), First: f.int(), Most: f.int(), Keep: f.int(), Bury: f.int(), Input: f.bytes(),
	}
	flags := f.uint()
	has := func(bit int) bool { return flags&(1<<bit) != 0 }
	p.Attached, p.Called = has(0), has(1)
	for i, u := range [...]state.Unique{state.UniqueDone, state.UniqueDead, state.UniqueCancelled} {
		if has(2 + i) {
			p.Unique |= u
		}
	}
	if has(5) {
		p.Group = name(f.bytes())
	}
	if has(6) {
		p.Limit, p.LimitKey = name(f.bytes()), name(f.bytes())
	}
	if has(7) {
		p.Timeout = f.int()
	}
	if has(8) {
		p.Deadline = f.int()
	}
	if has(9) {
		p.Session = f.uint()
	}
	if has(10) {
		p.Parent, p.ParentEpoch = f.uint(), uint32(f.uint())
	}
	if has(11) {
		x := fields{f.bytes()}
		for range x.uint() {
			p.Tags = append(p.Tags, name(x.bytes()))
		}
		p.TraceParent, p.TraceState, p.Schedule, p.Tick = name(x.bytes()), name(x.bytes()), name(x.bytes()), x.int()
	}
	return p
}

// name is a name, without an allocation if it is one that is known.
func name(b []byte) string {
	for _, known := range knownNames {
		if string(b) == known {
			return known
		}
	}
	return string(b)
}

var knownNames = []string{"", "a", "b", "c", "s", "t", "p", "k", "l", "g", "h", "x", "y"}

// mark is the number of the op that the transition says it is of, or -1.
func (t *transition) mark() int {
	switch t.tag {
	case tEnqueue, tSchedule:
		return marked(t.specs[0].Input)
	case tCancel:
		return marked(t.detail)
	}
	return marked(t.bytes)
}
