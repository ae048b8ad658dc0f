package wire

import "github.com/hemgo/hem/job/internal/owner"

// Answer is what an owner answers to r, of its fields those that r's Op has. Of a
// View it is Err alone. What is taken must be an answer to r's Op.
//
// It returns how many of r's Jobs, if r is a Claim, or of its Cancels did not go
// into room bytes, and were left out: the last ones. What is put is bad if even so
// it is more than a frame holds.
func (f *Fields) Answer(r *owner.Request, room int) (left int) {
	op := r.Op
	f.Byte((*byte)(&r.Op))
	if f.takes && r.Op != op {
		r.Op = op
		f.Fail()
	}
	if f.Err(&r.Err); r.Err != nil {
		f.answeredBadly(r)
	} else {
		left = f.answered(r, len(f.b)+room)
	}
	return left
}

// answeredBadly is what there may be beside an error.
func (f *Fields) answeredBadly(r *owner.Request) {
	switch r.Op {
	case owner.Cancel:
		f.Byte((*byte)(&r.Status))
	case owner.Enqueue:
		List(f, &r.IDs, mostJobs, f.Uint)
	}
}

func (f *Fields) answered(r *owner.Request, limit int) (left int) {
	switch r.Op {
	case owner.Enqueue:
		f.enqueued(r)
	case owner.Claim:
		return UpTo(f, &r.Jobs, limit, mostJobs, f.Info)
	case owner.Return, owner.Complete, owner.Fail, owner.Cancel, owner.Leave, owner.Revive:
		f.Byte((*byte)(&r.Status))
	case owner.OpenSession, owner.OpenClient:
		f.one(r)
	case owner.Job:
		List(f, &r.Jobs, 1, f.Info)
		f.Demand(len(r.Jobs) == 1)
	case owner.Counts:
		f.Counts(&r.Counts)
		f.Int(&r.Depth)
	case owner.Progress:
		f.Reported(&r.Report)
	case owner.Attach:
		List(f, &r.IDs, mostLeases, f.Uint)
	case owner.Await:
		f.awaited(r)
	case owner.Listen:
		return UpTo(f, &r.Cancels, limit, mostCancels, f.cancelled)
	case owner.EndSession, owner.Pause, owner.Schedule, owner.Unschedule, owner.View, owner.Report, owner.Beat, owner.Drained:
	default:
		f.Fail()
	}
	return 0
}

func (f *Fields) one(r *owner.Request) {
	if f.takes {
		r.IDs = make([]uint64, 1)
	}
	if f.Demand(len(r.IDs) == 1); len(r.IDs) == 1 {
		f.Uint(&r.IDs[0])
	}
}

// entered is the jobs of an Enqueue.
func (f *Fields) entered(r *owner.Request) {
	if f.takes {
		r.Existing = nil
	}
	i := 0
	List(f, &r.IDs, mostJobs, func(id *uint64) {
		if f.takes {
			r.Existing = append(r.Existing, false)
		}
		f.Uint(id)
		f.Bool(&r.Existing[i])
		i++
	})
	f.Demand(len(r.IDs) > 0)
}

// enqueued is the answer to an Enqueue: the jobs, and what became of the one that
// was followed.
func (f *Fields) enqueued(r *owner.Request) {
	f.entered(r)
	if f.Bool(&r.Follow); !r.Follow {
		return
	}
	if f.takes && len(r.IDs) > 0 {
		r.Job = r.IDs[0]
	}
	f.awaited(r)
}

// Entered is the first of the two answers to an Enqueue that follows.
func (f *Fields) Entered(r *owner.Request) { f.entered(r) }

// awaited is the end of a job, or a report of it.
func (f *Fields) awaited(r *owner.Request) {
	ended := len(r.Jobs) > 0
	if f.Bool(&ended); !ended {
		f.Reported(&r.Report)
		return
	}
	List(f, &r.Jobs, 1, f.Info)
	f.Demand(len(r.Jobs) == 1)
}

// UpTo is a List of which as many are put as end before limit, of what was put in all,
// and one at least. It returns how many were left out.
func UpTo[T any](f *Fields, v *[]T, limit, most int, each func(*T)) (left int) {
	if f.takes {
		List(f, v, most, each)
		return 0
	}
	for i := range *v {
		before := len(f.b)
		f.more(true)
		if each(&(*v)[i]); len(f.b) >= limit && i > 0 || i == most {
			f.b = f.b[:before]
			left = len(*v) - i
			break
		}
	}
	f.more(false)
	return left
}
