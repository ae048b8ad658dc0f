package jobtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/record"
	"github.com/hemgo/hem/job/internal/state"
	"github.com/hemgo/hem/task"
)

// Enqueued returns the inputs of the live jobs of def, in the order in which they
// were accepted: those that wait, for their time too, and those that run. It looks
// at what the log has, and changes nothing.
//
// Enqueued fails t at once if an input cannot be decoded as In.
func Enqueued[In, Out any](t testing.TB, j *Jobs, def *task.Def[In, Out]) []In {
	t.Helper()
	var inputs []In
	for _, info := range j.live(t) {
		if info.Task == def.Name() {
			inputs = append(inputs, input(t, def, &info))
		}
	}
	return inputs
}

// Require returns the first live job of def whose input match accepts, and fails t
// at once if there is none, with what there is instead. A nil match accepts any.
func Require[In, Out any](t testing.TB, j *Jobs, def *task.Def[In, Out], match func(In) bool) job.Status {
	t.Helper()
	var same []string
	others := make(map[string]int)
	for _, info := range j.live(t) {
		if info.Task != def.Name() {
			others[info.Task]++
			continue
		}
		in := input(t, def, &info)
		if match == nil || match(in) {
			return j.status(t, info.ID)
		}
		same = append(same, fmt.Sprintf("\n\tjob %d, %v: %s", info.ID, job.State(info.Status), shown(in)))
	}
	t.Fatalf("jobtest: %s", missing(def.Name(), same, others))
	return job.Status{}
}

func (j *Jobs) status(t testing.TB, id uint64) job.Status {
	t.Helper()
	s, err := j.client.Status(context.Background(), job.ID(id))
	if err != nil {
		t.Fatalf("jobtest: %v", err)
	}
	return s
}

// shown is an input as a message has it.
func shown(in any) string {
	const most = 200
	text := fmt.Sprintf("%+v", in)
	if b, ok := in.([]byte); ok {
		text = fmt.Sprintf("%q", b)
	}
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// missing says what there is in the place of a job of a task.
func missing(name string, same []string, others map[string]int) string {
	var b strings.Builder
	if len(same) > 0 {
		fmt.Fprintf(&b, "no live job of %q has the input that is wanted; there are:%s", name, strings.Join(same, ""))
	} else {
		fmt.Fprintf(&b, "there is no live job of %q", name)
	}
	var also []string
	for task, n := range others {
		also = append(also, fmt.Sprintf("%d of %q", n, task))
	}
	slices.Sort(also)
	switch {
	case len(also) > 0:
		b.WriteString("\nthere are others: " + strings.Join(also, ", "))
	case len(same) == 0:
		b.WriteString(", nor of any other task")
	}
	return b.String()
}

// input is that of a job, decoded as a worker does it.
func input[In, Out any](t testing.TB, def *task.Def[In, Out], info *state.Info) (in In) {
	t.Helper()
	look := task.Command(def.Name(), func(_ context.Context, got In) error {
		in = got
		return nil
	})
	if _, err := look.Serve(context.Background(), task.Here, info.Input); err != nil {
		t.Fatalf("jobtest: the input of job %d: %v", info.ID, err)
	}
	return in
}

// live are the live jobs of all tasks, in the order in which they were accepted:
// as whoever takes the log over would find them.
func (j *Jobs) live(t testing.TB) (jobs []state.Info) {
	t.Helper()
	ctx := context.Background()
	first, _, err := j.log.Bounds(ctx)
	if err != nil {
		t.Fatalf("jobtest: %v", err)
	}
	reader := owner.New(owner.Config{Owner: record.NewID(), Log: record.NewID()})
	reader.Start(first)
	if err := j.log.Read(ctx, first, reader.Replay); err != nil {
		t.Fatalf("jobtest: %v", err)
	}
	all := reader.State()
	everything := int(^uint(0) >> 1)
	found, _ := all.Search(&state.Query{Statuses: []state.Status{state.Scheduled, state.Ready, state.Running}}, 0, everything, everything)
	for _, f := range slices.Backward(found) { // the newest comes first, and no input
		info, err := all.Job(f.ID)
		if err != nil {
			t.Fatalf("jobtest: %v", err)
		}
		jobs = append(jobs, info)
	}
	return jobs
}
