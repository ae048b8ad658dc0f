package sim_test

import (
	"fmt"
	"strings"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/record"
	"github.com/hemgo/hem/job/internal/state"
)

// What a history is told with, for a person.

var tagNames = [...]string{
	tTakeover: "takeover", tLimits: "limits", tQueue: "queue", tEnqueue: "enqueue", tClaim: "claim", tReturn: "return",
	tComplete: "complete", tFail: "fail", tCancel: "cancel", tRevive: "revive", tSessionOpen: "open session",
	tSessionEnd: "end session", tAdvance: "advance", tRequest: "request", tSnapBegin: "snapshot begins",
	tSnapPage: "page", tSnapEnd: "snapshot ends", tClientOpen: "open client", tPause: "pause", tWeight: "weight",
	tLimit: "limit", tSchedule: "schedule", tUnschedule: "unschedule", tTick: "tick",
}

var statusNames = [...]string{
	0: "forgotten", state.Scheduled: "scheduled", state.Ready: "ready", state.Running: "running",
	state.Done: "done", state.Dead: "dead", state.Cancelled: "cancelled",
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
		fmt.Fprintf(&b, " %s %+v", t.bytes, t.queue)
	case tLimit:
		fmt.Fprintf(&b, " %s %+v", t.bytes, t.limit)
	case tWeight:
		fmt.Fprintf(&b, " %s %d", t.bytes, t.weight)
	case tPause:
		fmt.Fprintf(&b, " %s %v", t.bytes, t.on)
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
	case tSessionOpen:
		if t.on {
			b.WriteString(" far away")
		}
	case tSessionEnd:
		fmt.Fprintf(&b, " %d", t.session)
	case tSchedule:
		fmt.Fprintf(&b, " %s by %q, next %+d,%s", t.bytes, t.rule, t.next-base, specs(t.specs))
	case tUnschedule:
		fmt.Fprintf(&b, " %s", t.bytes)
	case tTick:
		fmt.Fprintf(&b, " %s due %+d: %+d, next %+d", t.bytes, t.due-base, t.tick-base, t.next-base)
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
		if p.Group != "" {
			fmt.Fprintf(&b, "/%s", p.Group)
		}
		if p.Key != "" {
			fmt.Fprintf(&b, ", key %s", p.Key)
		}
		if p.Unique != 0 {
			fmt.Fprintf(&b, " %03b", p.Unique)
		}
		if p.Priority != 0 {
			fmt.Fprintf(&b, ", priority %d", p.Priority)
		}
		if p.RunAt != 0 {
			fmt.Fprintf(&b, ", at %+d", p.RunAt-base)
		}
		if p.Deadline != 0 {
			fmt.Fprintf(&b, ", until %+d", p.Deadline-base)
		}
		if p.Limit != "" {
			fmt.Fprintf(&b, ", limit %s %s", p.Limit, p.LimitKey)
		}
		if p.Attached {
			b.WriteString(", attached")
		}
		if p.Called {
			b.WriteString(", called")
		}
		if p.Session != 0 {
			fmt.Fprintf(&b, ", of session %d", p.Session)
		}
		if p.Parent != 0 {
			fmt.Fprintf(&b, ", of job %d/%d", p.Parent, p.ParentEpoch)
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
	case owner.Return, owner.Complete, owner.Fail, owner.Report:
		fmt.Fprintf(&b, " job %d/%d of session %d", r.Job, r.Epoch, r.Session)
	case owner.EndSession, owner.Beat, owner.Listen:
		fmt.Fprintf(&b, " %d", r.Session)
	case owner.Attach:
		fmt.Fprintf(&b, " %d with %v", r.Session, r.Leases)
	case owner.Cancel, owner.Revive, owner.Job, owner.Await, owner.Leave, owner.Progress:
		fmt.Fprintf(&b, " %d", r.Job)
	case owner.Pause:
		fmt.Fprintf(&b, " %s %v", r.Name, r.Paused)
	case owner.Drained, owner.Unschedule:
		fmt.Fprintf(&b, " %s", r.Name)
	case owner.Schedule:
		fmt.Fprintf(&b, " %s by %q", r.Schedule.Name, r.Schedule.Rule)
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
		if r.Op != owner.Claim {
			fmt.Fprintf(&b, " %s", statusNames[r.Jobs[i].Status])
		}
	}
	for i := range r.Cancels {
		fmt.Fprintf(&b, " %d: cancel %d/%d", r.Cancels[i].Seq, r.Cancels[i].Job, r.Cancels[i].Epoch)
	}
	if r.Status != 0 {
		fmt.Fprintf(&b, " %s", statusNames[r.Status])
	}
	return b.String()
}
