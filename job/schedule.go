package job

import (
	"context"
	"errors"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
	"github.com/hemgo/hem/task"
)

// Schedule enqueues a job of the call of t with in whenever rule is due, until
// [Client.Unschedule]. It is in the log: it needs nobody to be there but an owner,
// and there is one job for a tick, however many programs have said the same and
// whatever breaks. The handler learns its tick by [Scheduled].
//
// A schedule has a name, made as a queue's. If there is one of that name, it is
// replaced: so a program says what is to be whenever it starts. With the same rule
// as before the next tick stays what it was, and none is made twice; with another it
// is the next one from now.
//
// With a [Key], a tick while the job of one before has not ended makes no other: they
// do not overlap. Where there is no room for a job, the tick waits for room, and is
// missed if that takes more than a minute: see [Rule.Missed]. A wrong clock of the
// owner's is dealt with as timers are: see the package.
//
// opts are those of the jobs, with c's. [Delay], [At] and [Deadline] are about one
// time, and refused.
//
// # Errors
//
// Beside those of [Client], [fault.Invalid]: the name, the rule or an option is wrong;
// the input cannot be encoded, or has more than 256 KiB then; the task is not one of
// Config.Tasks. [fault.Overloaded]: there are 65,536 schedules already.
//
// # Panics
//
// Those of [Enqueue].
//
// # Cost
//
// One of 10,000 schedules costs a record of the log when it is due, which it shares
// with all that is going on, and nothing otherwise.
func Schedule[In, Out any](ctx context.Context, c *Client, name string, rule Rule, t *task.Def[In, Out], in In, opts ...Option) error {
	c.must("Schedule")
	if ctx == nil {
		panic("job: Schedule with a nil context")
	}
	j, err := draft(t, in, opts)
	if err != nil {
		return invalid(opSchedule, cut(name, state.MaxName), err)
	}
	return c.schedule(ctx, name, rule, &j)
}

func (c *Client) schedule(ctx context.Context, name string, rule Rule, j *Job) error {
	made, err := c.scheduleOf(name, rule, j)
	if err != nil {
		return invalid(opSchedule, cut(name, state.MaxName), err)
	}
	r := &request{}
	r.Op, r.Schedule = owner.Schedule, made
	return refusal(opSchedule, name, c.desk.ask(ctx, r))
}

func (c *Client) scheduleOf(name string, rule Rule, j *Job) (*state.Schedule, error) {
	if err := wrong("schedule", checkName(name)); err != nil {
		return nil, err
	}
	text, err := rule.text()
	if err != nil {
		return nil, err
	}
	spec, _, err := c.spec(j)
	switch {
	case err != nil:
		return nil, err
	case spec.RunAt != 0:
		return nil, errScheduleAt
	case spec.Deadline != 0:
		return nil, errScheduleUntil
	}
	return &state.Schedule{Name: name, Rule: text, Spec: spec}, nil
}

var (
	errScheduleAt    = &fault.Error{Err: errors.New("Delay and At are not for schedules"), Hint: "the rule says when its jobs are due"}
	errScheduleUntil = &fault.Error{Err: errors.New("Deadline is not for schedules: it is the same for every job"), Hint: "Timeout says how long an attempt may take"}
)

// Unschedule removes a schedule. Its jobs stay.
//
// # Errors
//
// Beside those of [Client], [fault.Invalid] with [ErrNoSchedule].
func (c *Client) Unschedule(ctx context.Context, name string) error {
	c.must("Unschedule")
	if ctx == nil {
		panic("job: Unschedule with a nil context")
	}
	if checkName(name) != nil {
		return invalid(opUnschedule, cut(name, state.MaxName), ErrNoSchedule)
	}
	r := &request{}
	r.Op, r.Name = owner.Unschedule, name
	return refusal(opUnschedule, name, c.desk.ask(ctx, r))
}

// A ScheduleStatus is what there is to say of a schedule.
type ScheduleStatus struct {
	Name  string
	Rule  Rule // in the form that the log has of it: see [Rule.String]
	Task  string
	Queue string
	Key   string // of its jobs, "" if they have none
	Group string // of its jobs

	// Next is when it is due next. If that is past, there is no room for the
	// job. The zero Time is never again.
	Next time.Time

	// Last is the last tick for which there was a job, zero if there was none
	// yet; and Job is that, or with a Key the one that was there then.
	Last time.Time
	Job  ID
}

// Schedules returns the schedules, by name.
//
// # Errors
//
// Those of [Client].
func (c *Client) Schedules(ctx context.Context) ([]ScheduleStatus, error) {
	var all []ScheduleStatus
	for after := ""; ; after = all[len(all)-1].Name {
		r := &read{kind: readSchedules, name: after, most: mostPage}
		if err := c.look(ctx, "Schedules", opSchedules, "", r); err != nil {
			return nil, err
		}
		for i := range r.schedules {
			all = append(all, scheduleOf(&r.schedules[i]))
		}
		if len(r.schedules) < mostPage {
			return all, nil
		}
	}
}

func scheduleOf(i *state.ScheduleInfo) ScheduleStatus {
	return ScheduleStatus{
		Name: i.Name, Rule: ruleOf(i.Rule), Task: i.Spec.Task, Queue: i.Spec.Queue, Key: i.Spec.Key, Group: i.Spec.Group,
		Next: timeOf(i.Next), Last: timeOf(i.Last), Job: ID(i.Job),
	}
}
