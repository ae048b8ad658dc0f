package job

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job/internal/state"
	"github.com/hemgo/hem/task"
)

// A Job is a call of a task that is to be enqueued with others: see [New] and
// [Client.EnqueueMany]. It may be enqueued any number of times, each time as a
// new job.
type Job struct {
	task  string
	input []byte
	key   string // by the task
	opts  []Option
}

// New returns the call of t with in, for [Client.EnqueueMany].
//
// # Errors
//
// Of kind [fault.Invalid], not started: an input that cannot be encoded, or has
// more than 256 KiB then; an option that is wrong.
//
// # Panics
//
// New panics if t was not made by task.Define. A panic of a task's key function
// goes on in the caller.
func New[In, Out any](t *task.Def[In, Out], in In, opts ...Option) (Job, error) {
	j, err := draft(t, in, slices.Clone(opts))
	if err == nil {
		err = defaults().with(opts).err
	}
	if err != nil {
		return Job{}, invalid(opNew, t.Name(), err)
	}
	return j, nil
}

// draft encodes a call.
func draft[In, Out any](t *task.Def[In, Out], in In, opts []Option) (Job, error) {
	var d drafter
	_, _ = t.Do(context.Background(), &d, in) // errDrafted
	if d.err != nil {
		return Job{}, d.err
	}
	if len(d.input) > state.MaxPayload {
		return Job{}, task.Oversized(t.Name(), len(d.input), state.MaxPayload, false)
	}
	return Job{task: t.Name(), input: d.input, key: d.key, opts: opts}, nil
}

// A drafter is a [task.Runner] that runs nothing: it looks at the call.
type drafter struct {
	input []byte
	key   string
	err   error
}

var errDrafted = errors.New("job: the call was only looked at")

// Run keeps what is to be known of c.
func (d *drafter) Run(_ context.Context, c *task.Call) error {
	d.input, d.err = c.Input()
	d.key, _ = c.Key()
	return errDrafted
}

// spec is j as the log has it, where its options and those of c speak.
func (c *Client) spec(j *Job) (spec state.Spec, noWait bool, err error) {
	if j.task == "" {
		return spec, false, errZeroJob
	}
	s := c.settings.with(j.opts)
	if s.err == nil && !s.keyed {
		s.key = j.key
		s.err = checkKey(j.key)
	}
	if s.err == nil {
		s.err = c.desk.known(j.task)
	}
	if s.err == nil && s.limit != "" {
		s.err = c.desk.knownLimit(s.limit)
	}
	if s.err == nil && s.unique != 0 && s.key == "" {
		s.err = errUniqueNoKey
	}
	if s.err != nil {
		return spec, false, s.err
	}
	return s.spec(j.task, j.input), s.noWait, nil
}

// known says why jobs of a task are refused, if they are.
func (o *Owner) known(name string) error {
	if o.tasks == nil || o.tasks[name] {
		return nil
	}
	return &fault.Error{Kind: fault.Invalid, Err: errUnknownTask, Hint: nearest(name, o.tasks, "Config.Tasks")}
}

// knownLimit says why a limit cannot be named, if it cannot.
func (o *Owner) knownLimit(name string) error {
	if o.limits[name] {
		return nil
	}
	return &fault.Error{Kind: fault.Invalid, Err: fmt.Errorf("limit %q is not one of Config.Limits", name), Hint: nearest(name, o.limits, "Config.Limits")}
}

var (
	errUnknownTask = errors.New("the task is not one of Config.Tasks")
	errUniqueNoKey = &fault.Error{Err: errors.New("Unique is said of a job without a key"), Hint: "give it a Key, or the task one by Keyed"}
)
