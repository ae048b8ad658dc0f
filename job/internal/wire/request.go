package wire

import "github.com/hemgo/hem/job/internal/owner"

// Request is what a client asks for, of the fields of r those that its Op has. Of a
// View it is the Op alone: the rest is what package job makes of it.
//
// It is bad if what is put is more than a frame holds, or if what is taken is no
// request that a client can have.
func (f *Fields) Request(r *owner.Request) {
	f.Byte((*byte)(&r.Op))
	if named(r.Op) {
		f.name(r)
	}
	f.asked(r)
	f.Demand(f.takes || len(f.b) <= MaxBody)
}

// name is what lets a request come again, or one zero if it has none.
func (f *Fields) name(r *owner.Request) {
	q := &r.Request
	if f.Uint(&q.Client); q.Client != 0 {
		f.Uint(&q.N)
		f.Uint(&q.Low)
		f.Demand(0 < q.Low && q.Low <= q.N)
	}
}

// named reports whether a request can have a name: what it asks for must happen
// once.
func named(op owner.Op) bool {
	switch op {
	case owner.Enqueue, owner.Return, owner.Complete, owner.Fail, owner.Cancel, owner.Revive, owner.OpenSession,
		owner.EndSession, owner.Pause, owner.Leave, owner.Schedule, owner.Unschedule:
		return true
	}
	return false
}

// Named reports whether a request for op is to have a name.
func Named(op owner.Op) bool { return named(op) }

func (f *Fields) asked(r *owner.Request) {
	switch r.Op {
	case owner.Enqueue:
		f.enqueue(r)
	case owner.Claim:
		f.Uint(&r.Session)
		f.Number(&r.Most)
		f.Bool(&r.Wait)
		f.Filter(&r.Filter)
	case owner.Return:
		f.lease(r)
	case owner.Complete:
		f.lease(r)
		f.Data(&r.Result)
	case owner.Fail:
		f.lease(r)
		f.Failure(&r.Failure)
	case owner.Cancel, owner.Leave:
		f.Uint(&r.Job)
		f.Data(&r.Cause)
		f.Uint(&r.Caller)
	case owner.Revive, owner.Job, owner.Progress:
		f.Uint(&r.Job)
	case owner.OpenSession:
		f.Text(&r.Name)
		f.Demand(r.Remote || f.takes)
		r.Remote = true
	case owner.EndSession, owner.Beat:
		f.Uint(&r.Session)
	case owner.OpenClient, owner.View:
	case owner.Pause:
		f.Text(&r.Name)
		f.Bool(&r.Paused)
		f.asker(&r.Asker)
	case owner.Schedule:
		f.Schedule(r.Schedule)
	case owner.Unschedule, owner.Counts:
		f.Text(&r.Name)
	case owner.Drained:
		f.Text(&r.Name)
		f.asker(&r.Asker)
	case owner.Report:
		f.lease(r)
		f.Reported(&r.Report)
	case owner.Attach:
		f.Uint(&r.Session)
		f.Uint(&r.Seen) // which connection of its link it comes over
		f.leases(&r.Leases)
	case owner.Await:
		f.Uint(&r.Job)
		f.Bool(&r.Watched)
		f.Uint(&r.Seen)
		f.Uint(&r.Caller)
		f.asker(&r.Asker)
	case owner.Listen:
		f.Uint(&r.Session)
		f.Uint(&r.Seen)
	default:
		f.Fail()
	}
}

func (f *Fields) lease(r *owner.Request) {
	f.Uint(&r.Session)
	f.Uint(&r.Job)
	f.Uint32(&r.Epoch)
}

// asker is in whose handler somebody waits, or one zero if it is nobody's.
func (f *Fields) asker(a *owner.Asker) {
	if f.Uint(&a.Job); a.Job != 0 {
		f.Uint32(&a.Epoch)
		f.Bool(&a.Endless)
	}
}

func (f *Fields) enqueue(r *owner.Request) {
	f.Bool(&r.Wait)
	if f.Bool(&r.Follow); r.Follow {
		f.Bool(&r.Watched)
		f.Uint(&r.Caller)
	}
	if r.Wait || r.Follow {
		f.asker(&r.Asker)
	}
	List(f, &r.Specs, mostJobs, f.Spec)
	f.Demand(len(r.Specs) > 0 && (!r.Follow || len(r.Specs) == 1))
}
