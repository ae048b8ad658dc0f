package sim_test

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/record"
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
)

var tagNames = [...]string{
	tTakeover: "takeover", tLimits: "limits", tQueue: "queue", tEnqueue: "enqueue", tClaim: "claim", tReturn: "return",
	tComplete: "complete", tFail: "fail", tCancel: "cancel", tRevive: "revive", tSessionOpen: "open session",
	tSessionEnd: "end session", tAdvance: "advance", tRequest: "request", tSnapBegin: "snapshot begins",
	tSnapPage: "page", tSnapEnd: "snapshot ends", tClientOpen: "open client",
}

// A transition is one, decoded.
type transition struct {
	tag     byte
	named   bool
	request state.Request

	specs    []state.Spec
	session  uint64
	job      uint64
	epoch    uint32
	bytes    []byte // a result, an error, a name
	perm     bool
	after    int64
	depth    int64
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
		t.limits = state.Limits{Jobs: f.int(), Bytes: f.int(), Kept: f.int(), Ageing: f.int()}
	case tQueue:
		t.bytes, t.depth = f.bytes(), f.int() // and what no queue here has
	case tEnqueue:
		t.specs = make([]state.Spec, f.uint())
		for i := range t.specs {
			t.specs[i] = f.spec()
		}
	case tClaim:
		t.session, t.job = f.uint(), f.uint()
	case tReturn, tComplete, tFail:
		t.session, t.job, t.epoch = f.uint(), f.uint(), uint32(f.uint())
		if t.tag == tFail {
			t.perm, t.after = f.take(1)[0] == 1, f.int()
		}
		t.bytes = f.bytes()
	case tCancel, tRevive:
		t.job = f.uint()
	case tSessionOpen:
		t.bytes = f.bytes()
	case tSessionEnd:
		t.session = f.uint()
	case tSnapPage, tSnapEnd:
		t.begin, t.n = f.uint(), f.uint()
	}
	return t
}

func (f *fields) spec() state.Spec {
	p := state.Spec{
		Task: name(f.bytes()), Queue: name(f.bytes()), Key: string(f.bytes()), Priority: int8(f.int()), RunAt: f.int(),
		Attempts: uint16(f.uint()), First: f.int(), Most: f.int(), Keep: f.int(), Bury: f.int(), Input: f.bytes(),
	}
	f.uint() // flags
	return p
}

// name is a name, without an allocation if it is a short one that is known.
func name(b []byte) string {
	for _, known := range [...]string{"a", "b", "c", "s", "t"} {
		if string(b) == known {
			return known
		}
	}
	return string(b)
}

// mark is the number of the op that the transition says it is of, or -1.
func (t *transition) mark() int {
	if t.tag == tEnqueue {
		return marked(t.specs[0].Input)
	}
	return marked(t.bytes)
}

func (t *transition) String() string {
	var b strings.Builder
	b.WriteString(tagNames[t.tag])
	if n := t.mark(); n >= 0 {
		fmt.Fprintf(&b, " #%d", n)
	}
	switch t.tag {
	case tLimits:
		fmt.Fprintf(&b, " %+v", t.limits)
	case tQueue:
		fmt.Fprintf(&b, " %s %d", t.bytes, t.depth)
	case tEnqueue:
		b.WriteString(specs(t.specs))
	case tClaim:
		fmt.Fprintf(&b, " job %d for session %d", t.job, t.session)
	case tReturn, tComplete, tFail:
		fmt.Fprintf(&b, " job %d/%d of session %d", t.job, t.epoch, t.session)
		if t.perm {
			b.WriteString(" for good")
		}
	case tCancel, tRevive:
		fmt.Fprintf(&b, " job %d", t.job)
	case tSessionEnd:
		fmt.Fprintf(&b, " %d", t.session)
	case tSnapPage, tSnapEnd:
		fmt.Fprintf(&b, " %d of record %d", t.n, t.begin)
	}
	if t.named {
		fmt.Fprintf(&b, " [client %d request %d low %d]", t.request.Client, t.request.N, t.request.Low)
	}
	return b.String()
}

func specs(all []state.Spec) string {
	var b strings.Builder
	for i := range all {
		p := &all[i]
		fmt.Fprintf(&b, " {%s in %s", p.Task, p.Queue)
		if p.Key != "" {
			fmt.Fprintf(&b, ", key %s", p.Key)
		}
		if p.Priority != 0 {
			fmt.Fprintf(&b, ", priority %d", p.Priority)
		}
		if p.RunAt != 0 {
			fmt.Fprintf(&b, ", at %+d", p.RunAt-base)
		}
		fmt.Fprintf(&b, ", %d attempts}", p.Attempts)
	}
	return b.String()
}

// describe writes a record as a person reads it.
func describe(h record.Header, body record.Body) string {
	var all []string
	for {
		t, ok := body.Next()
		if !ok {
			break
		}
		d := decode(t)
		all = append(all, d.String())
	}
	return fmt.Sprintf("term %d, at %+d: %s", h.Term, h.Now-base, strings.Join(all, "; "))
}

// about is what a request says beyond its kind.
func about(r *owner.Request) string {
	var b strings.Builder
	switch r.Op {
	case owner.Enqueue:
		b.WriteString(specs(r.Specs))
	case owner.Claim:
		fmt.Fprintf(&b, " %d for session %d %v%v", r.Most, r.Session, r.Filter.Tasks, r.Filter.Queues)
	case owner.Return, owner.Complete, owner.Fail:
		fmt.Fprintf(&b, " job %d/%d of session %d", r.Job, r.Epoch, r.Session)
	case owner.EndSession:
		fmt.Fprintf(&b, " %d", r.Session)
	case owner.Cancel, owner.Revive, owner.Job:
		fmt.Fprintf(&b, " %d", r.Job)
	}
	if r.Wait {
		b.WriteString(", and waits")
	}
	return b.String()
}

// answer writes what came of a request.
func answer(r *owner.Request) string {
	if r.Err != nil {
		return r.Err.Error()
	}
	var b strings.Builder
	b.WriteString("ok")
	for i, id := range r.IDs {
		fmt.Fprintf(&b, " %d", id)
		if i < len(r.Existing) && r.Existing[i] {
			b.WriteString(" (there already)")
		}
	}
	for i := range r.Jobs {
		fmt.Fprintf(&b, " %d/%d", r.Jobs[i].ID, r.Jobs[i].Epoch)
	}
	if r.Status != 0 {
		fmt.Fprintf(&b, " %s", statusNames[r.Status])
	}
	return b.String()
}

var statusNames = [...]string{
	0: "forgotten", state.Scheduled: "scheduled", state.Ready: "ready", state.Running: "running",
	state.Done: "done", state.Dead: "dead", state.Cancelled: "cancelled",
}
