package owner

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"github.com/hemgo/hem/job/internal/state"
)

// await answers r if its job has ended, or if there is a report that it has not
// seen, and else lets it wait.
func (c *Core) await(r *Request) {
	c.back(r)
	info, err := c.state.Job(r.Job)
	switch {
	case err != nil:
		c.refuse(r, err)
	case !info.Status.Live():
		r.Jobs = []state.Info{info}
		c.settle(r)
	case r.Watched && c.report(r.Job) != nil && c.report(r.Job).Seq > r.Seen:
		c.show(r, c.report(r.Job))
	default:
		r.place = awaiting
		joinIn(c.awaits, r.Job, r)
		c.state.Watch(r.Job)
	}
}

// inherits reports whether r, which calls or may wait, would join a job that is about to
// be cancelled, which was decided before it came: then it waits for the key.
func (c *Core) inherits(r *Request) bool {
	if !r.Follow && !r.Wait || Mutant.JoinsEnding {
		return false
	}
	for i := range r.Specs {
		if r.Specs[i].Key == "" {
			continue
		}
		if job, ending := c.state.Ending(&r.Specs[i]); ending && !c.repeated(r) {
			r.place, r.Job, r.Waited = inheriting, job, true
			joinIn(c.heirs, job, r)
			c.state.Watch(job)
			return true
		}
	}
	return false
}

func (c *Core) stopInheriting(r *Request) {
	c.heirs[r.Job] = slices.DeleteFunc(c.heirs[r.Job], func(o *Request) bool { return o == r }) // in order
	if len(c.heirs[r.Job]) == 0 {
		delete(c.heirs, r.Job)
	}
	c.state.Unwatch(r.Job)
	r.Job = 0
}

// bequeath lets those come anew who have waited for the key of a job, which has ended.
func (c *Core) bequeath(job uint64) {
	for _, r := range c.heirs[job] {
		c.state.Unwatch(job)
		c.arrivals++
		r.place, r.Job, r.arrival = arrived, 0, c.arrivals
		c.arrived.push(r)
	}
	delete(c.heirs, job)
}

func (c *Core) stopAwaiting(r *Request) {
	dropFrom(c.awaits, r.Job, r)
	c.state.Unwatch(r.Job)
}

// back is for a request whose caller may have looked at a report: he waits again, or
// has gone.
func (c *Core) back(r *Request) {
	if r.Caller == 0 || r.Op == Enqueue {
		return
	}
	if delete(c.looking[r.Job], r.Caller); len(c.looking[r.Job]) == 0 {
		delete(c.looking, r.Job)
	}
}

// show answers r, who awaits a job, with what was reported of it.
func (c *Core) show(r *Request, have *Reported) {
	r.Report = *have
	if r.Caller != 0 {
		if c.looking[r.Job] == nil {
			c.looking[r.Job] = make(map[uint64]bool)
		}
		c.looking[r.Job][r.Caller] = true
	}
	c.settle(r)
}

// leave is [Leave]: it reports false if this record has no space for it.
func (c *Core) leave(r *Request) bool {
	if c.repeated(r) {
		if err := c.state.Recall(r.Request, &c.out); err != nil {
			c.refuse(r, err)
		} else {
			c.carried(r)
		}
		return true
	}
	info, err := c.state.Job(r.Job)
	if err != nil {
		c.refuse(r, err)
		return true
	}
	if r.Status = info.Status; c.others(r) && !Mutant.LeaveAnyway || !info.Called || !info.Status.Live() || info.Cancel {
		c.settle(r)
	} else if c.t = state.AppendCancel(c.prefix(r), r.Job, r.Cause); !c.carryOut(r) {
		return false
	}
	c.back(r)
	return true
}

// others reports whether somebody else than r's caller waits for its job, or looks at a
// report of it.
func (c *Core) others(r *Request) bool {
	for caller := range c.looking[r.Job] {
		if caller != r.Caller {
			return true
		}
	}
	another := func(o *Request) bool { return o.Caller == 0 || o.Caller != r.Caller }
	return slices.ContainsFunc(c.awaits[r.Job], another) || slices.ContainsFunc(c.follows[r.Job], another)
}

// heed tells those who wait what the last transition has done.
func (c *Core) heed() {
	for _, n := range c.state.Notes() {
		switch n.Kind {
		case state.NoteEnded:
			delete(c.reports, n.Job)
			delete(c.looking, n.Job)
			c.bequeath(n.Job)
			for _, r := range c.follows[n.Job] {
				r.fate = &n.Info
				c.state.Unwatch(n.Job)
			}
			delete(c.follows, n.Job)
			if Mutant.ForgetsAwait && n.Info.Status == state.Cancelled {
				continue
			}
			for _, r := range c.awaits[n.Job] {
				c.state.Unwatch(n.Job)
				r.Jobs = []state.Info{n.Info}
				c.settle(r)
			}
			delete(c.awaits, n.Job)
		case state.NoteCancelling:
			c.cancelling(n.Session, n.Job, n.Epoch)
		}
	}
}

// cancelling lets a session know of a job which is to end.
func (c *Core) cancelling(session, job uint64, epoch uint32) {
	info, err := c.state.Job(job)
	if err != nil || Mutant.CancelNotTold {
		return
	}
	detail := info.Detail
	if info.Cause == state.CauseScope {
		detail = c.rootCause(job)
	}
	p := c.people.of(session)
	p.seq++
	p.cancels = append(p.cancels, Cancelled{Seq: p.seq, Job: job, Epoch: epoch, Cause: info.Cause, Detail: detail})
	for _, r := range c.ears[session] {
		c.tellCancels(r, p)
	}
	delete(c.ears, session)
}

// rootCause is why the job above was cancelled with which this one is, or nil. Its
// children share it, for there may be many.
func (c *Core) rootCause(job uint64) []byte {
	root, cause, ok := c.state.Root(job)
	if !ok || len(cause) == 0 {
		return nil
	}
	if c.root != root || !bytes.Equal(c.rootDetail, cause) {
		c.root, c.rootDetail = root, bytes.Clone(cause)
	}
	return c.rootDetail
}

// listen answers r with what its session has yet to know, or lets it wait.
func (c *Core) listen(r *Request) {
	if !c.state.HasSession(r.Session) {
		c.refuse(r, state.ErrNoSession)
		return
	}
	p := c.people.of(r.Session)
	for len(p.cancels) > 0 && p.cancels[0].Seq <= r.Seen {
		p.cancels = p.cancels[1:]
	}
	if len(p.cancels) > 0 {
		c.tellCancels(r, p)
		return
	}
	r.place = listening
	joinIn(c.ears, r.Session, r)
}

func (c *Core) tellCancels(r *Request, p *person) {
	r.Cancels = slices.Clone(p.cancels)
	c.settle(r)
}

// report is what was last reported of a job's present attempt, or nil.
func (c *Core) report(job uint64) *Reported {
	r := c.reports[job]
	if r == nil {
		return nil
	}
	if info, err := c.state.Job(job); err != nil || info.Status != state.Running || info.Epoch != r.Epoch {
		return nil
	}
	return r
}

// mostLines is how many lines of a running job are kept, and mostLine how many
// bytes of each.
const (
	mostLines = 100
	mostLine  = 1 << 10
)

// takeReport is [Report]. It waits for no record: nothing of it is logged.
func (c *Core) takeReport(r *Request) {
	if err := c.state.Holds(r.Session, r.Job, r.Epoch); err != nil && !Mutant.AnyReport {
		c.refuse(r, err)
		return
	}
	have := c.reports[r.Job]
	if have == nil || have.Epoch != r.Epoch {
		var seq uint64
		if have != nil {
			seq = have.Seq // whoever has seen the attempt before hears of this one as well
		}
		have = &Reported{Epoch: r.Epoch, Seq: seq}
		c.reports[r.Job] = have
		c.forgetReports()
	}
	have.At = c.clock.now
	have.Seq++
	if r.Report.Said {
		have.Done, have.Total, have.Note = r.Report.Done, r.Report.Total, r.Report.Note
	}
	for _, line := range r.Report.Lines {
		if len(line) > mostLine {
			line = strings.Clone(line[:mostLine]) // what is cut off is not kept
		}
		have.Lines = append(have.Lines, line)
	}
	if over := len(have.Lines) - mostLines; over > 0 {
		have.Lines = slices.Clone(have.Lines[over:])
	}
	c.settle(r)
	for _, a := range slices.Clone(c.awaits[r.Job]) {
		if a.Watched && have.Seq > a.Seen {
			c.stopAwaiting(a)
			c.show(a, have)
		}
	}
}

// forgetReports forgets those of jobs that are not running any more, now and then.
func (c *Core) forgetReports() {
	if int64(len(c.looking)) > 2*c.state.Counts().Live()+64 {
		maps.DeleteFunc(c.looking, func(job uint64, _ map[uint64]bool) bool {
			info, err := c.state.Job(job)
			return err != nil || !info.Status.Live()
		})
	}
	if int64(len(c.reports)) > 2*c.state.Counts().Running+64 {
		maps.DeleteFunc(c.reports, func(job uint64, _ *Reported) bool { return c.report(job) == nil })
	}
}

func (c *Core) progress(r *Request) {
	if _, err := c.state.Job(r.Job); err != nil {
		c.refuse(r, err)
		return
	}
	if have := c.report(r.Job); have != nil {
		r.Report = *have
		r.Report.Lines = slices.Clone(have.Lines)
	}
	c.settle(r)
}

// drained answers r if nothing of its queue is running, and else lets it wait.
func (c *Core) drained(r *Request) {
	if counts, _, _ := c.state.QueueCounts(r.Name); counts.Running == 0 {
		c.settle(r)
		return
	}
	r.place = draining
	r.at = len(c.drains)
	c.drains = append(c.drains, r)
}

func (c *Core) serveDrains() {
	if len(c.drains) == 0 {
		return
	}
	all := c.drains
	c.drains = nil
	for _, r := range all {
		c.drained(r)
	}
}

// waiting are those who wait for something to happen, in order of arrival.
func (c *Core) waiting() []*Request {
	all := slices.Clone(c.drains)
	for _, of := range []map[uint64][]*Request{c.awaits, c.heirs, c.ears} {
		for _, rs := range of {
			all = append(all, rs...)
		}
	}
	slices.SortFunc(all, func(a, b *Request) int {
		if a.arrival < b.arrival {
			return -1
		}
		return 1
	})
	return all
}

func dropFrom(m map[uint64][]*Request, key uint64, r *Request) {
	if m[key] = without(m[key], r); len(m[key]) == 0 {
		delete(m, key)
	}
}

func joinIn(m map[uint64][]*Request, key uint64, r *Request) {
	r.at = len(m[key])
	m[key] = append(m[key], r)
}

// without takes out r, which is there: the last one takes its place, for many may go at
// once, as with the connection that they came over.
func without(all []*Request, r *Request) []*Request {
	last := len(all) - 1
	all[r.at] = all[last]
	all[r.at].at = r.at
	all[last] = nil
	return all[:last]
}
