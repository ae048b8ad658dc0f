package proc_test

import (
	"context"
	"testing"

	"github.com/hemgo/hem/internal/origin"
	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/task"
)

// whence returns for which attempt at which job it is called, "null" for none. The
// worker in Python has one of that name as well.
var whence = task.Define("proc.origin", func(ctx context.Context, _ task.Void) (string, error) {
	if o := origin.Of(ctx); o != nil {
		return o.Encode(), nil
	}
	return "null", nil
})

func init() { testTasks = append(testTasks, whence) }

func TestACallTellsForWhichJobItIs(t *testing.T) {
	t.Run("Go", func(t *testing.T) {
		tellsOrigin(t, open(t, proc.Config{Workers: 1}))
	})
	t.Run("Python", func(t *testing.T) {
		tellsOrigin(t, open(t, proc.Config{Workers: 1, Command: python(t)}))
	})
}

func tellsOrigin(t *testing.T, p *proc.Pool) {
	for _, want := range []*origin.Attempt{
		{Log: [16]byte{1, 2, 3}, Job: 42, Epoch: 3, Number: 2},
		nil, // what the call before was of is forgotten
		{Job: 1<<64 - 1, Epoch: 1<<32 - 1, Number: 1, Scheduled: true, Tick: 1789000000e6, TraceParent: "00-4bf9", TraceState: `shop="ü"`, Local: t},
	} {
		ctx := t.Context()
		if want != nil {
			ctx = origin.With(ctx, want)
		}
		said, err := whence.Do(ctx, p, task.Void{})
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			if said != "null" {
				t.Errorf("a call for no job is for %s", said)
			}
			continue
		}
		sent := *want
		sent.Local = nil
		if got, err := origin.Decode(said); err != nil || *got != sent {
			t.Errorf("got %+v, %v; want %+v", got, err, sent)
		}
	}
}
