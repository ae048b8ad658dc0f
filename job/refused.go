package job

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/hemgo/hem/fault"
)

// refusalOf is the kind of err if it says that the rung has refused the work, before it
// began: that is no failure of the job's. None is anything else: the handler's own error,
// the end of its context, or an input that is too large to travel.
func refusalOf(ctx context.Context, err error) fault.Kind {
	if err == nil || ctx.Err() != nil {
		return fault.None
	}
	err = fault.Decode(fault.Encode(err)) // whose methods do not panic
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || fault.Started(err) || strings.HasPrefix(e.Op, "task: ") && e.Op != opDecode {
		return fault.None
	}
	return fault.KindOf(err)
}

// opDecode is of an input that this program's task cannot read. Another version of it
// may: while one is rolled out both are there.
const opDecode = "task: decode input"

// How long a slot rests after its rung has refused work: doubled each time until it
// takes some, so that a rung which is full, closed or does not know the task neither
// costs all jobs an attempt nor keeps the log busy.
const (
	leastRest = 100 * time.Millisecond
	mostRest  = 10 * time.Second
	warnEvery = time.Minute
)

// rest keeps the slot for a while if the rung has refused the work. It ends when ctx
// does, the handler's, or when the worker takes no more.
func (a *attempt) rest(ctx context.Context, err error) {
	a.stint.mu.Lock()
	if a.refused == fault.None {
		a.refusals = 0
		a.stint.mu.Unlock()
		return
	}
	d := min(leastRest<<min(a.refusals, 10), mostRest)
	a.refusals++
	warn := time.Since(a.warned) >= warnEvery
	if warn {
		a.warned = time.Now()
	}
	a.stint.mu.Unlock()
	if warn {
		a.conf.Log.Warn("job: the worker's Runner refuses work", "name", a.conf.Name, "job", a.lease.ID(), "task", a.lease.info.Task, "err", err)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case <-a.quits:
	}
}
