package sim_test

import (
	"errors"
	"slices"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// observe is called with every answer that an owner gives, before it is sent.
func (w *world) observe(v *delivery) {
	var full *state.FullError
	var low *owner.LowError
	var knot *state.KnotError
	err := v.r.Err
	switch {
	case err == nil && v.r.Op == owner.Claim:
		for i := range v.r.Jobs {
			w.follower.claims[lease{v.r.Jobs[i].ID, v.r.Jobs[i].Epoch}] = v
		}
		if v.r.Wait {
			w.tally[claimServed]++
		}
		w.begins(v)
	case err == nil && v.r.Op == owner.Listen:
		for i := range v.r.Cancels {
			v.s.told[lease{v.r.Cancels[i].Job, v.r.Cancels[i].Epoch}] = true
		}
	case err == nil && v.r.Op == owner.Leave:
		w.tally[leaves]++
		w.checkLeave(v)
	case err == nil && v.r.Op == owner.Drained:
		w.tally[drains]++
	case err == nil && (v.r.Op == owner.Beat || v.r.Op == owner.Attach):
		v.s.heard[v.r.Session] = hearing{v.arrived, v.s.least.sum}
		if v.r.Op == owner.Attach {
			v.s.attached[v.r.Session] = v
		}
	case err == nil && v.r.Op == owner.OpenSession && v.r.Remote:
		v.s.heard[v.r.IDs[0]] = hearing{v.arrived, v.s.least.sum}
	case err == nil && v.r.Op == owner.Enqueue && v.r.Wait && v.at > v.added+2e3:
		w.tally[roomServed]++
	case errors.As(err, &full):
		w.tally[fullRefusals]++
		if v.r.Wait && !full.Never && v.r.Op == owner.Enqueue {
			w.breaks(progress, "%v waits, and was refused: %v", v, err)
		}
	case errors.As(err, &low):
		w.tally[lowRefusals]++
	case errors.As(err, &knot):
		w.tally[knots]++
		if v.r.Specs[0].Parent == 0 {
			w.breaks(progress, "%v has no parents to wait for, and was refused: %v", v, err)
		}
	case errors.Is(err, state.ErrFenced):
		w.tally[fenced]++
	case errors.Is(err, state.ErrOutdated):
		w.tally[outdated]++
	}
}

// matches reports whether a claim is for jobs like this.
func matches(r *owner.Request, task, queue string) bool {
	return (r.Filter.Tasks == nil || slices.Contains(r.Filter.Tasks, task)) &&
		(r.Filter.Queues == nil || slices.Contains(r.Filter.Queues, queue))
}

// checkOvertaken sees whether somebody waits who came before v and could have had
// what v got. s.open has those who wait, in the order in which they came.
func (w *world) checkOvertaken(v *delivery) {
	joins := v.r.Op == owner.Enqueue && !slices.Contains(v.r.Existing, false) // and needs no room
	if v.r.Err != nil || len(v.op.all) > 1 || joins {
		return
	}
	for _, u := range v.s.open {
		if u.order > v.order || !u.r.Wait || u.r.Follow || u.dropped || u.r.Op != v.r.Op || len(u.op.all) > 1 || u.r.Waited {
			continue
		}
		switch v.r.Op {
		case owner.Claim:
			for i := range v.r.Jobs {
				if j := &v.r.Jobs[i]; matches(&u.r, j.Task, j.Queue) {
					w.breaks(inOrder, "%v got job %d before %v, which came before it", v, j.ID, u)
				}
			}
		case owner.Enqueue:
			for i := range v.r.Specs {
				if sharesQueue(&u.r, v.r.Specs[i].Queue) {
					w.breaks(inOrder, "%v entered its jobs before %v, which came before it", v, u)
				}
			}
		}
	}
}

func sharesQueue(r *owner.Request, queue string) bool {
	return slices.ContainsFunc(r.Specs, func(p state.Spec) bool { return p.Queue == queue })
}

// judge looks at all answers, when the log is known to its end.
func (w *world) judge() {
	defer func() {
		if v := recover(); v != nil {
			w.breaks(progress, "panic: %v\n%s", v, trace())
		}
	}()
	if w.follow(w.landed); w.follower.last < w.landed {
		return // the log cannot be read
	}
	for _, o := range w.ops {
		w.judgeOp(o)
	}
	for id := range w.follower.model.lives {
		if l := &w.follower.model.lives[id]; l.done > 1 {
			w.breaks(onceDone, "job %d was completed %d times", id, l.done)
		}
	}
}

func (w *world) judgeOp(o *op) {
	acks, denied := 0, 0
	for _, v := range o.all {
		if !v.answered {
			continue
		}
		if v.r.Err != nil {
			var lost *owner.LostError
			if (!errors.As(v.r.Err, &lost) || !lost.MayHaveHappened) && !(v.r.Follow && len(v.r.IDs) > 0) {
				denied++
			}
			w.judgeRefusal(v)
			continue
		}
		acks++
		w.judgeAck(v, acks)
	}
	switch marked := o.marked(); {
	case o.named() && len(o.effects) > 1:
		w.breaks(onceAsked, "%v was carried out %d times", o, len(o.effects))
	case marked && !o.named() && len(o.effects) > len(o.all):
		w.breaks(onceAsked, "%v was asked %d times, and carried out %d times", o, len(o.all), len(o.effects))
	case (marked || o.named()) && denied == len(o.all) && len(o.effects) > 0:
		w.breaks(inLog, "%v was denied, %v, and is in record %d", o, o.all[0].r.Err, o.effects[0].seq)
	}
	if acks > 1 && o.named() {
		w.tally[repeats]++
	}
}

// marked reports whether the op is found in the log by its bytes.
func (o *op) marked() bool {
	switch o.r.Op {
	case owner.Enqueue, owner.OpenSession, owner.Complete, owner.Fail, owner.Schedule:
		return true
	}
	return false
}

// judgeAck looks for what was acknowledged: it is in a record that was certain.
func (w *world) judgeAck(v *delivery, nth int) {
	m := &w.follower.model
	o := v.op
	switch v.r.Op {
	case owner.Claim:
		for i := range v.r.Jobs {
			j := &v.r.Jobs[i]
			w.needs(v, w.follower.byWhat[deed{tag: tClaim, session: v.r.Session, job: j.ID, epoch: j.Epoch}])
		}
	case owner.Job:
		if i := &v.r.Jobs[0]; !m.sawJob(i, v.durable) {
			w.breaks(inLog, "%v shows job %d as %s, epoch %d, which no record up to %d says", v, i.ID, statusNames[i.Status], i.Epoch, v.durable)
		}
	case owner.Counts:
		if !slices.ContainsFunc(m.history, func(c counted) bool { return c.seq <= v.durable && c.c == v.r.Counts }) && v.r.Counts != (state.Counts{}) {
			w.breaks(inLog, "%v shows %+v, which no record up to %d says", v, v.r.Counts, v.durable)
		}
	case owner.Beat, owner.Attach, owner.Await, owner.Listen, owner.Report, owner.Progress, owner.Drained, owner.Leave:
		w.judgeTold(v)
	case owner.View:
	default:
		if v.r.Op == owner.Enqueue {
			w.judgeChildren(v)
		}
		if v.r.Follow {
			w.judgeAwait(v)
		}
		if !o.marked() && !o.named() {
			w.needs(v, w.follower.byWhat[deedOf(&v.r)])
			break
		}
		if o.named() {
			nth = 1
		}
		if nth > len(o.effects) {
			w.breaks(inLog, "%v was acknowledged %d times, and is in the log %d times", o, nth, len(o.effects))
			break
		}
		w.needs(v, o.effects)
	}
	w.judgeCancelled(v)
}

// needs complains unless one of the effects is what v was told, and was certain
// then.
func (w *world) needs(v *delivery, effects []effect) {
	for i := range effects {
		e := &effects[i]
		if e.seq <= v.durable && slices.Equal(e.ids, v.r.IDs) && slices.Equal(e.existing, v.r.Existing) && e.status == v.r.Status {
			return
		}
	}
	kind := inLog
	if v.op.named() && len(effects) > 0 && effects[0].seq <= v.durable {
		kind = onceAsked
	}
	w.breaks(kind, "%v was told %q, when the log was certain up to record %d; it has %+v", v, answer(&v.r), v.durable, effects)
}

// judgeCancelled: once a job is acknowledged as cancelled nobody begins with it.
func (w *world) judgeCancelled(v *delivery) {
	m := &w.follower.model
	if v.r.Op != owner.Cancel || v.r.Job >= uint64(len(m.lives)) {
		return
	}
	for _, c := range m.lives[v.r.Job].claims {
		if c.seq > v.durable {
			w.breaks(staysDead, "%v was acknowledged when the log was certain up to record %d, and record %d claims the job", v, v.durable, c.seq)
		}
	}
}

// judgeRefusal: what is said not to be there is not, or is not any more.
func (w *world) judgeRefusal(v *delivery) {
	m := &w.follower.model
	id, err := v.r.Job, v.r.Err
	known := id > 0 && id < uint64(len(m.lives)) && len(m.lives[id].is) > 0
	switch {
	case errors.Is(err, state.ErrForgotten) && v.r.Op == owner.Enqueue:
		w.judgeRefusedFollow(v)
	case errors.Is(err, state.ErrForgotten):
		if !known || m.lives[id].forgot == 0 || m.lives[id].forgot > v.durable {
			w.breaks(kept, "%v: %v, which no record up to %d says", v, err, v.durable)
		}
	case errors.Is(err, state.ErrNoJob):
		from := v.seen
		if v.r.Op >= owner.Job {
			from = v.from // a read
		}
		if known && m.lives[id].is[0].seq <= from {
			w.breaks(kept, "%v: %v, and record %d has entered it", v, err, m.lives[id].is[0].seq)
		}
	case errors.Is(err, state.ErrEnded):
		ended := func(s was) bool {
			return s.seq <= v.durable && !s.status.Live() && (v.r.Op != owner.Cancel || s.status == v.r.Status)
		}
		if !known || !slices.ContainsFunc(m.lives[id].is, ended) {
			w.breaks(kept, "%v: %v, now %s, which no record up to %d says", v, err, statusNames[v.r.Status], v.durable)
		}
	case errors.Is(err, state.ErrOutdated):
		if v.op.closed > 0 && v.op.closed < v.at || w.follower.forgot[v.r.Request.Client] {
			return
		}
		w.breaks(onceAsked, "%v: %v, and the client has no answer", v, err)
	case errors.Is(err, state.ErrDifferent), errors.Is(err, state.ErrMalformed), errors.Is(err, state.ErrUnknown), errors.Is(err, state.ErrOpen):
		w.breaks(onceAsked, "%v: %v", v, err)
	}
}

// deedOf is what is found of a request that has no mark.
func deedOf(r *owner.Request) deed {
	switch r.Op {
	case owner.Return:
		return deed{tag: tReturn, session: r.Session, job: r.Job, epoch: r.Epoch}
	case owner.Cancel:
		return deed{tag: tCancel, job: r.Job}
	case owner.Revive:
		return deed{tag: tRevive, job: r.Job}
	case owner.Pause:
		return deed{tag: tPause, name: r.Name, epoch: pausing(r.Paused)}
	case owner.Unschedule:
		return deed{tag: tUnschedule, name: r.Name}
	case owner.OpenClient:
		if len(r.IDs) == 1 {
			return deed{tag: tClientOpen, job: r.IDs[0]}
		}
	}
	return deed{tag: tSessionEnd, session: r.Session}
}

// sawJob reports whether a job was ever so, up to a record.
func (m *model) sawJob(i *state.Info, last uint64) bool {
	if i.ID >= uint64(len(m.lives)) {
		return false
	}
	for _, s := range m.lives[i.ID].is {
		if s.seq <= last && s.status == i.Status && s.epoch == i.Epoch && s.cancel == i.Cancel {
			return true
		}
	}
	return false
}
