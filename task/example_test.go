package task_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/task"
	"github.com/hemgo/hem/task/tasktest"
)

// A task is a package-level variable, so that what cannot travel is found when
// the program starts.
var Count = task.Define("words.count", func(_ context.Context, text string) (int, error) {
	if text == "" {
		return 0, ErrEmpty
	}
	return len(strings.Fields(text)), nil
})

// ErrEmpty is known in every process by its name.
var ErrEmpty = fault.Sentinel("words: empty text")

// The same call on two rungs: the second has a memory of its own.
func ExampleDef_Do() {
	ctx := context.Background()
	for _, where := range []task.Runner{task.Here, tasktest.NewLoopback(0, Count)} {
		n, err := Count.Do(ctx, where, "nothing is left running")
		fmt.Println(n, err)
	}
	// Output:
	// 4 <nil>
	// 4 <nil>
}

// An error is recognised wherever the function ran.
func ExampleDef_Do_errors() {
	ctx := context.Background()
	for _, where := range []task.Runner{task.Here, tasktest.NewLoopback(0, Count)} {
		_, err := Count.Do(ctx, where, "")
		fmt.Println(errors.Is(err, ErrEmpty), fault.KindOf(err), fault.Started(err))
	}
	// Output:
	// true failed true
	// true failed true
}

// A call whose context has ended does not begin, and says so.
func ExampleDef_Do_ended() {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("the customer has left"))
	_, err := Count.Do(ctx, task.Here, "a b c")
	fmt.Println(err)
	fmt.Println(fault.KindOf(err), fault.Started(err))
	// Output:
	// task: run "words.count": the customer has left
	// cancelled false
}

// A panic is an error with the stack of where it happened.
func ExampleDef_Do_panic() {
	var explode = task.Command("explode", func(context.Context, task.Void) error { panic("no fuse") })
	for _, where := range []task.Runner{task.Here, tasktest.NewLoopback(0, explode)} {
		_, err := explode.Do(context.Background(), where, task.Void{})
		var p *fault.Panic
		fmt.Println(errors.As(err, &p), p.Value, strings.Contains(p.Stack, "ExampleDef_Do_panic"))
	}
	// Output:
	// true no fuse true
	// true no fuse true
}

// The function sees why its caller no longer wants the result.
func ExampleDef_Do_cause() {
	why := fault.Sentinel("shop: closing time")
	wait := task.Define("wait", func(ctx context.Context, _ task.Void) (bool, error) {
		<-ctx.Done()
		return errors.Is(context.Cause(ctx), fault.Sentinel("shop: closing time")), nil
	})
	for _, where := range []task.Runner{task.Here, tasktest.NewLoopback(0, wait)} {
		ctx, cancel := context.WithTimeoutCause(context.Background(), time.Millisecond, why)
		fmt.Println(wait.Do(ctx, where, task.Void{}))
		cancel()
	}
	// Output:
	// true <nil>
	// true <nil>
}

// What cannot leave the process is refused where the task is defined.
func ExampleDefine() {
	defer func() { fmt.Println(recover()) }()
	type order struct {
		ID    int
		price int
	}
	task.Define("order.pay", func(_ context.Context, o order) (int, error) { return o.price, nil })
	// Output:
	// task: Define "order.pay": In.price, of type int, cannot travel: it is unexported, so it would vanish on the way (export it, tag it json:"-", or give task_test.order MarshalJSON and UnmarshalJSON)
}

// On gives a plain function to what knows nothing of tasks.
func ExampleDef_On() {
	counts, err := scope.Map(context.Background(), 2, []string{"a", "b c", "d e f"}, Count.On(task.Here))
	fmt.Println(counts, err)
	// Output: [1 2 3] <nil>
}

// Go starts a task that belongs to a scope.
func ExampleDef_Go() {
	err := scope.Run(context.Background(), func(ctx context.Context, s *scope.Scope) error {
		n := Count.Go(s, task.Here, "one two")
		fmt.Println(n.Await(ctx))
		return nil
	})
	fmt.Println(err)
	// Output:
	// 2 <nil>
	// <nil>
}

// Progress comes in order, and the last of it before the result.
func ExampleOnProgress() {
	index := task.Command("index", func(ctx context.Context, files []string) error {
		for i, f := range files {
			task.Report(ctx, task.Progress{Done: int64(i + 1), Total: int64(len(files)), Note: f})
		}
		return nil
	})
	ctx := task.OnProgress(context.Background(), func(p task.Progress) { fmt.Println(p.Done, "of", p.Total, p.Note) })
	_, err := index.Do(ctx, tasktest.NewLoopback(0, index), []string{"a.go", "b.go"})
	fmt.Println("done", err)
	// Output:
	// 1 of 2 a.go
	// 2 of 2 b.go
	// done <nil>
}

// The caller's trace is the function's.
func ExampleWithTrace() {
	where := task.Define("where", func(ctx context.Context, _ task.Void) (string, error) { return task.TraceOf(ctx).Parent, nil })
	ctx := task.WithTrace(context.Background(), task.Trace{Parent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"})
	fmt.Println(where.Do(ctx, tasktest.NewLoopback(0, where), task.Void{}))
	// Output: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 <nil>
}

// Retry runs again what did not begin, and what may run twice.
func ExampleRetry() {
	attempts := 0
	flaky := task.Command("flaky", func(context.Context, task.Void) error {
		if attempts++; attempts < 3 {
			return errors.New("not yet")
		}
		return nil
	})
	_, err := flaky.Do(context.Background(), task.Retry(task.RetryPolicy{}, task.Here), task.Void{})
	fmt.Println(attempts, err)
	_, err = flaky.Do(context.Background(), task.Retry(task.RetryPolicy{Repeat: true, Wait: time.Millisecond}, task.Here), task.Void{})
	fmt.Println(attempts, err)
	// Output:
	// 1 not yet
	// 3 <nil>
}
