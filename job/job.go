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
	if s.err != nil {
		return spec, false, s.err
	}
	return state.Spec{
		Task: j.task, Queue: s.queue, Key: s.key, Priority: s.priority, RunAt: s.runAt, Attempts: s.attempts,
		First: s.first, Most: s.most, Keep: s.keep, Bury: micros(bury), Input: j.input,
	}, s.noWait, nil
}

// known says why jobs of a task are refused, if they are.
func (o *Owner) known(name string) error {
	if o.tasks == nil || o.tasks[name] {
		return nil
	}
	return &fault.Error{Kind: fault.Invalid, Err: errUnknownTask, Hint: nearest(name, o.tasks)}
}

var errUnknownTask = errors.New("the task is not one of Config.Tasks")

// nearest is a hint for who has asked for a task that there is not.
func nearest(name string, known map[string]bool) string {
	best, least := "", len(name)/2+1
	for k := range known {
		if d := distance(name, k); d < least || d == least && best != "" && k < best {
			best, least = k, d
		}
	}
	if best == "" {
		return "add it to Config.Tasks"
	}
	return fmt.Sprintf("did you mean %q? Else add it to Config.Tasks", best)
}

// distance is how many bytes must be put in, taken out or replaced to make b of
// a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
