package tasktest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/task"
	"github.com/hemgo/hem/task/tasktest"
)

var greet = task.Define("greet", func(ctx context.Context, name *string) (string, error) {
	greeting := "hello " + *name
	*name = "overwritten"
	return greeting, nil
})

// Everything crosses as bytes: the function cannot reach the caller's memory.
func ExampleLoopback() {
	name, far := "Ann", tasktest.NewLoopback(64, greet)
	greeting, err := greet.Do(context.Background(), far, &name)
	fmt.Println(greeting, err, name)

	name = strings.Repeat("a very long name ", 10)
	_, err = greet.Do(context.Background(), far, &name)
	fmt.Println(err)
	// Output:
	// hello Ann <nil> Ann
	// task: carry input "greet": the payload has 172 bytes, which is more than the limit of 64 (keep the bytes elsewhere, and pass where they are)
}

func TestLoopbackCarriesNoValuesOfTheContext(t *testing.T) {
	type key struct{}
	look := task.Define("look", func(ctx context.Context, _ task.Void) (bool, error) { return ctx.Value(key{}) == nil, nil })
	ctx := context.WithValue(t.Context(), key{}, 1)
	if absent, err := look.Do(ctx, tasktest.NewLoopback(0, look), task.Void{}); !absent || err != nil {
		t.Errorf("got %v, %v", absent, err)
	}
}

func TestLoopbackRefusesWhatItWasNotGiven(t *testing.T) {
	name := "Ann"
	_, err := greet.Do(t.Context(), tasktest.NewLoopback(0), &name)
	if fault.KindOf(err) != fault.Invalid || fault.Started(err) || fault.HintOf(err) == "" {
		t.Error(err)
	}
}

func TestNewLoopbackRefusesNonsense(t *testing.T) {
	for want, f := range map[string]func(){
		"tasktest: NewLoopback with a limit of -1 bytes":      func() { tasktest.NewLoopback(-1) },
		"tasktest: NewLoopback with a nil task":               func() { tasktest.NewLoopback(0, nil) },
		`tasktest: NewLoopback with two tasks called "greet"`: func() { tasktest.NewLoopback(0, greet, greet.Keyed(func(*string) string { return "" })) },
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			}()
			f()
		}()
	}
}

func TestTasksHaveNamesOfTheirOwn(t *testing.T) {
	tasktest.NewLoopback(0, tasktest.Tasks()...) // panics otherwise
	for _, one := range tasktest.Tasks() {
		if !strings.HasPrefix(one.Name(), "tasktest.") {
			t.Errorf("%s", one.Name())
		}
	}
}
