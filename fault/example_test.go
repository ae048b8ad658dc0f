package fault_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hemgo/hem/fault"
)

// An error answers questions, and nobody reads its text to decide something.
func Example() {
	err := fmt.Errorf("thumbnail: %w", &fault.Error{
		Op:   "pool: submit",
		Task: "resize",
		Kind: fault.Overloaded,
		Hint: "raise Config.Queue or try later",
		Err:  errors.New("queue is full"),
	})

	fmt.Println(err)
	fmt.Println("kind:   ", fault.KindOf(err))
	fmt.Println("started:", fault.Started(err))
	fmt.Println("retry:  ", fault.Retryable(err))
	fmt.Println("hint:   ", fault.HintOf(err))
	// Output:
	// thumbnail: pool: submit "resize": queue is full (raise Config.Queue or try later)
	// kind:    overloaded
	// started: false
	// retry:   true
	// hint:    raise Config.Queue or try later
}

// Errors of other packages have answers too, and they are the cautious ones.
func ExampleKindOf() {
	for _, err := range []error{
		nil,
		errors.New("no such file"),
		fmt.Errorf("fetch: %w", context.DeadlineExceeded),
		&fault.Panic{Value: "index out of range"},
	} {
		fmt.Println(fault.KindOf(err), fault.Started(err))
	}
	// Output:
	// none true
	// failed true
	// deadline true
	// panicked true
}

// Code that never heard of this package goes on working.
func ExampleError_Is() {
	err := &fault.Error{Op: "lock: lock", Kind: fault.Deadline, Err: errors.New("stock is held by reprice#3")}
	fmt.Println(errors.Is(err, context.DeadlineExceeded))
	// Output: true
}

// Whoever runs the work knows more than what the work asked: the pool refused
// something, but the job that asked it had begun.
func ExampleStarted() {
	refused := &fault.Error{Op: "pool: submit", Kind: fault.Overloaded}
	failed := &fault.Error{Op: "job: run", Task: "import", Kind: fault.Failed, Started: true, Err: refused}
	fmt.Println(fault.Started(refused), fault.Started(failed))
	// Output: false true
}

// The outermost word counts.
func ExampleRetryable() {
	gone := errors.New("customer is gone")
	fmt.Println(fault.Retryable(gone))
	fmt.Println(fault.Retryable(fault.Permanent(gone)))
	fmt.Println(fault.Retryable(errors.Join(gone, fault.Permanent(gone))))
	fmt.Println(fault.Retryable(&fault.Error{Op: "job: run", Kind: fault.Failed, Err: fault.Permanent(gone)}))
	// Output:
	// true
	// false
	// false
	// false
}

// Work that is not ready yet says why, and when to look again.
func ExampleRetryAfter() {
	err := fault.RetryAfter(errors.New("the export is still running"), 30*time.Second)
	delay, ok := fault.RetryDelay(err)
	fmt.Println(err, delay, ok)
	// Output: the export is still running 30s true
}

// The identity of a Sentinel is its name, so it arrives.
func ExampleSentinel() {
	var ErrSoldOut = fault.Sentinel("shop: sold out")

	wire := fault.Encode(fmt.Errorf("order 7: %w", ErrSoldOut)) // in one process
	err := fault.Decode(wire)                                   // in another

	fmt.Println(err)
	fmt.Println(errors.Is(err, fault.Sentinel("shop: sold out")))
	// Output:
	// order 7: shop: sold out
	// true
}

// The other side learns what this one would have.
func ExampleDecode() {
	err := fault.Decode(fault.Encode(&fault.Error{
		Op:      "proc: run",
		Task:    "resize",
		Kind:    fault.Panicked,
		Started: true,
		Err:     &fault.Panic{Value: errors.New("index out of range"), Task: "resize#7"},
	}))
	fmt.Println(err)
	fmt.Println(fault.KindOf(err), fault.Started(err), fault.Retryable(err))

	p, ok := errors.AsType[*fault.Panic](err)
	fmt.Println(ok, p.Task)

	// What is not an error is never taken for success.
	err = fault.Decode([]byte("\x00\x00"))
	fmt.Println(fault.KindOf(err), fault.Started(err))
	// Output:
	// proc: run "resize": resize#7 panicked: index out of range
	// panicked true false
	// true resize#7
	// lost true
}

func ExampleDeadlock() {
	var err error = knot()
	fmt.Println(err)
	// Output:
	// deadlock: 2 tasks wait for each other
	//   checkout#17  holds mutex stock, waits for mutex price  at order.go:58  started at main.go:31 by serve#1
	//   reprice#3    holds mutex price, waits for mutex stock  at price.go:27  started at main.go:40 by serve#1
}

func ExamplePanic() {
	p := &fault.Panic{
		Value: "no such item",
		Stack: "goroutine 18 [running]:\nmain.checkout(...)\n\t/src/order.go:58",
		Task:  "checkout#7",
		Path: fault.Path{
			{Task: "checkout#7", Site: fault.Frame{Func: "main.serve", File: "/src/main.go", Line: 31}},
			{Task: "serve#1", Site: fault.Frame{Func: "main.main", File: "/src/main.go", Line: 20}},
		},
	}
	fmt.Println(p.Short())
	fmt.Println("--")
	fmt.Println(p)
	// Output:
	// checkout#7 panicked: no such item
	// --
	// checkout#7 panicked: no such item
	// path: checkout#7 (main.go:31) < serve#1 (main.go:20)
	//
	// goroutine 18 [running]:
	// main.checkout(...)
	// 	/src/order.go:58
}
