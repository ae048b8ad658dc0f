package wire

import (
	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// Spec is a job as it is enqueued.
func (f *Fields) Spec(p *state.Spec) {
	f.Name(&p.Task)
	f.Name(&p.Queue)
	f.Data(&p.Input)
	f.Int(&p.RunAt)
	f.Uint16(&p.Attempts)
	f.Int(&p.First)
	f.Int(&p.Most)
	f.Int(&p.Keep)
	f.Int(&p.Bury)
	has := f.Mask(p.Key != "", p.Priority != 0, p.Group != "", p.Limit != "" || p.LimitKey != "", p.Unique != 0,
		p.Timeout != 0, p.Deadline != 0, p.Session != 0, p.Parent != 0 || p.ParentEpoch != 0, p.Attached, p.Called,
		len(p.Tags) > 0, p.TraceParent != "" || p.TraceState != "", p.Schedule != "" || p.Tick != 0)
	if has == 0 {
		return
	}
	if has&(1<<0) != 0 {
		f.someText(&p.Key)
	}
	if has&(1<<1) != 0 {
		f.priority(&p.Priority)
	}
	if has&(1<<2) != 0 {
		f.group(&p.Group)
	}
	if has&(1<<3) != 0 {
		f.limit(&p.Limit, &p.LimitKey)
	}
	if has&(1<<4) != 0 {
		f.unique(&p.Unique)
	}
	if has&(1<<5) != 0 {
		f.some(&p.Timeout)
	}
	if has&(1<<6) != 0 {
		f.some(&p.Deadline)
	}
	if has&(1<<7) != 0 {
		f.someUint(&p.Session)
	}
	if has&(1<<8) != 0 {
		f.parent(&p.Parent, &p.ParentEpoch)
	}
	set(f, &p.Attached, has&(1<<9) != 0)
	set(f, &p.Called, has&(1<<10) != 0)
	if has&(1<<11) != 0 {
		f.tags(&p.Tags)
	}
	if has&(1<<12) != 0 {
		f.trace(&p.TraceParent, &p.TraceState)
	}
	if has&(1<<13) != 0 {
		f.tick(&p.Schedule, &p.Tick)
	}
}

// How many of a list are taken. What is more is nothing that package job would
// send; the limit is for what memory is taken.
const (
	mostTags     = state.MaxTags
	mostFailures = 64
	mostJobs     = 4096
	mostNamed    = 1 << 16 // names of a filter
	mostLines    = 1024
	mostCancels  = 1 << 14
	mostLeases   = 1 << 19
)

// Info is what there is to say of a job.
func (f *Fields) Info(i *state.Info) {
	f.Uint(&i.ID)
	f.Name(&i.Task)
	f.Name(&i.Queue)
	f.Byte((*byte)(&i.Status))
	f.Number(&i.Attempt)
	f.Number(&i.Attempts)
	f.Uint32(&i.Epoch)
	f.Int(&i.Entered)
	f.Int(&i.Since)
	f.Data(&i.Input)
	has := f.Mask(i.Cancel, i.Key != "", i.Priority != 0, i.Session != 0 || i.SessionName != "", i.Due != 0,
		len(i.Result) > 0, len(i.Failures) > 0, len(i.Detail) > 0 || i.Cause != 0, i.Group != "",
		i.Limit != "" || i.LimitKey != "", i.Unique != 0, i.Timeout != 0, i.Deadline != 0, i.Scope != 0,
		i.Parent != 0 || i.ParentEpoch != 0, i.Attached, i.Called, len(i.Tags) > 0,
		i.TraceParent != "" || i.TraceState != "", i.Schedule != "" || i.Tick != 0)
	if has != 0 {
		f.infoRest(i, has)
	}
}

// infoRest is what most jobs have not.
func (f *Fields) infoRest(i *state.Info, has uint64) {
	set(f, &i.Cancel, has&(1<<0) != 0)
	if has&(1<<1) != 0 {
		f.someText(&i.Key)
	}
	if has&(1<<2) != 0 {
		f.priority(&i.Priority)
	}
	if has&(1<<3) != 0 {
		f.Uint(&i.Session)
		f.Name(&i.SessionName)
		f.Demand(i.Session != 0 || i.SessionName != "")
	}
	if has&(1<<4) != 0 {
		f.some(&i.Due)
	}
	if has&(1<<5) != 0 {
		f.Data(&i.Result)
		f.Demand(len(i.Result) > 0)
	}
	if has&(1<<6) != 0 {
		List(f, &i.Failures, mostFailures, f.attempt)
		f.Demand(len(i.Failures) > 0)
	}
	if has&(1<<7) != 0 {
		f.Data(&i.Detail)
		f.Byte((*byte)(&i.Cause))
		f.Demand(len(i.Detail) > 0 || i.Cause != 0)
	}
	if has&(1<<8) != 0 {
		f.group(&i.Group)
	}
	if has&(1<<9) != 0 {
		f.limit(&i.Limit, &i.LimitKey)
	}
	if has&(1<<10) != 0 {
		f.unique(&i.Unique)
	}
	if has&(1<<11) != 0 {
		f.some(&i.Timeout)
	}
	if has&(1<<12) != 0 {
		f.some(&i.Deadline)
	}
	if has&(1<<13) != 0 {
		f.someUint(&i.Scope)
	}
	if has&(1<<14) != 0 {
		f.parent(&i.Parent, &i.ParentEpoch)
	}
	set(f, &i.Attached, has&(1<<15) != 0)
	set(f, &i.Called, has&(1<<16) != 0)
	if has&(1<<17) != 0 {
		f.tags(&i.Tags)
	}
	if has&(1<<18) != 0 {
		f.trace(&i.TraceParent, &i.TraceState)
	}
	if has&(1<<19) != 0 {
		f.tick(&i.Schedule, &i.Tick)
	}
}

func (f *Fields) attempt(a *state.Attempt) {
	f.Uint32(&a.Epoch)
	f.Int(&a.At)
	f.Text(&a.Error)
}

// Counts are of jobs.
func (f *Fields) Counts(c *state.Counts) {
	for _, n := range []*int64{&c.Scheduled, &c.Ready, &c.Running, &c.Done, &c.Dead, &c.Cancelled, &c.Bytes} {
		f.Int(n)
	}
}

// Filter is that of a claim: nil, which is all, is not an empty list.
func (f *Fields) Filter(l *state.Filter) {
	f.names2(&l.Tasks)
	f.names2(&l.Queues)
}

func (f *Fields) names2(v *[]string) {
	all := *v == nil
	if f.Bool(&all); all {
		set(f, v, nil)
		return
	}
	if List(f, v, mostNamed, f.Name); *v == nil {
		*v = []string{}
	}
}

// Schedule enters a job whenever it is due.
func (f *Fields) Schedule(s *state.Schedule) {
	f.Text(&s.Name)
	f.Text(&s.Rule)
	f.Int(&s.Next)
	f.Spec(&s.Spec)
}

// Failure is how an attempt failed.
func (f *Fields) Failure(l *state.Failure) {
	f.Bool(&l.Permanent)
	f.Int(&l.After)
	f.Text(&l.Error)
	f.Data(&l.Detail)
}

// Reported is what was reported of a job.
func (f *Fields) Reported(r *owner.Reported) {
	f.Uint(&r.Seq)
	f.Int(&r.At)
	f.Uint32(&r.Epoch)
	f.Int(&r.Done)
	f.Int(&r.Total)
	f.Text(&r.Note)
	f.Bool(&r.Said)
	f.Texts(&r.Lines, mostLines)
}

func (f *Fields) cancelled(c *owner.Cancelled) {
	f.Uint(&c.Seq)
	f.Uint(&c.Job)
	f.Uint32(&c.Epoch)
	f.Byte((*byte)(&c.Cause))
	f.Data(&c.Detail)
}

// leases are in order of their jobs, each once.
func (f *Fields) leases(all *[]owner.Lease) {
	var last uint64
	List(f, all, mostLeases, func(l *owner.Lease) {
		step := l.Job - last
		f.Uint(&step)
		f.Demand(step > 0 && last+step > last)
		set(f, &l.Job, last+step)
		last = l.Job
		f.Uint32(&l.Epoch)
	})
}
