package task

import (
	"bytes"
	"context"
	"errors"

	"github.com/hemgo/hem/fault"
)

// A Call is one piece of work on its way through a [Runner]: a task, its input,
// and room for its output. [Def] makes calls; only runners look at them.
//
// A call may be run again after [Runner.Run] has returned, which is what
// [Retry] does, but it is used by one goroutine at a time.
type Call struct {
	name string
	work work

	input  []byte // the encoded input, once known
	key    string
	keyed  bool
	asked  bool // key and keyed are known
	served bool // came as bytes, so the output is wanted as bytes
	done   bool // has an output
	output []byte
}

// work is the typed half of a call.
type work interface {
	encodeInput() ([]byte, error)
	keyOf() (string, error)
	invoke(ctx context.Context) error
	encodeOutput() ([]byte, error)
	decodeOutput(out []byte) error
}

// Name returns the name of the task.
func (c *Call) Name() string { return c.name }

// Key returns what the task's key function says of the input, and whether the
// call has a key at all: see [Def.Keyed]. The function is called once.
func (c *Call) Key() (key string, ok bool) {
	if !c.asked {
		key, err := c.work.keyOf()
		c.asked, c.key, c.keyed = true, key, err == nil && key != ""
	}
	return c.key, c.keyed
}

// Input returns the encoded input. It is encoded once, when first asked for;
// the bytes must not be changed. It fails with [fault.Invalid], not started, if
// the input cannot be encoded: a float that is not a number, a string that is
// not UTF-8, a value that contains itself.
func (c *Call) Input() ([]byte, error) {
	if c.input != nil {
		return c.input, nil
	}
	b, err := c.work.encodeInput()
	if err != nil {
		return nil, &fault.Error{Op: "task: encode input", Task: c.name, Kind: fault.Invalid, Err: err}
	}
	c.input = b
	return b, nil
}

// Invoke calls the function on the calling goroutine, with the caller's own
// input and output: nothing is encoded. It is how a rung with shared memory
// does its work.
//
// # Errors
//
// The function's own error, untouched; but one that promises not to have
// started, since it came from a call the function made itself, is wrapped in a
// [*fault.Error] that does not: the function has. One of kind [fault.Invalid],
// not started, if the call came as bytes that are not an input of the task.
//
// # Panics
//
// A panic of the function, and [runtime.Goexit], go on in the caller, which
// should be a goroutine of a scope that has scope.Contain.
func (c *Call) Invoke(ctx context.Context) error {
	c.done, c.output = false, nil
	return c.work.invoke(ctx)
}

// SetOutput gives the call its output, as bytes that [Task.Serve] returned
// where the function ran. The bytes are not kept. It fails with
// [fault.Invalid], started, if they are not an output of the task.
func (c *Call) SetOutput(out []byte) error {
	if c.served {
		c.output, c.done = bytes.Clone(out), true
		return nil
	}
	if err := c.work.decodeOutput(out); err != nil {
		return &fault.Error{Op: "task: decode output", Task: c.name, Kind: fault.Invalid, Started: true, Err: err,
			Hint: "both sides must have the same version of the task"}
	}
	c.done = true
	return nil
}

// Ended returns nil while ctx lasts. When it has ended, Ended returns the error
// of a call that therefore did not start: of kind [fault.Cancelled] or
// [fault.Deadline], with ctx's cause.
func (c *Call) Ended(ctx context.Context) error {
	return ended(ctx, "task: run", c.name)
}

func ended(ctx context.Context, op, name string) error {
	err := ctx.Err()
	if err == nil {
		return nil
	}
	cause := context.Cause(ctx)
	kind := fault.Cancelled
	if errors.Is(err, context.DeadlineExceeded) || fault.KindOf(cause) == fault.Deadline {
		kind = fault.Deadline
	}
	return &fault.Error{Op: op, Task: name, Kind: kind, Err: cause}
}

// result returns the encoded output of a call that came as bytes.
func (c *Call) result() ([]byte, error) {
	switch {
	case !c.done:
		return nil, c.lost()
	case c.output != nil:
		return c.output, nil
	}
	out, err := c.work.encodeOutput()
	if err != nil {
		return nil, &fault.Error{Op: "task: encode output", Task: c.name, Kind: fault.Invalid, Started: true, Err: err}
	}
	return out, nil
}

var errNoOutput = errors.New("the Runner reported success and has set no output")

// lost is the error of a call whose runner broke its contract.
func (c *Call) lost() error {
	return &fault.Error{Op: "task: run", Task: c.name, Kind: fault.Lost, Started: true, Err: errNoOutput}
}

// begun is err, if need be wrapped so that it no longer promises that the work
// had not started.
func begun(op, name string, err error) error {
	if fault.Started(err) {
		return err
	}
	return claim(&fault.Error{Op: op, Task: name, Err: err})
}

// claim makes e say that the work may have started, and otherwise answer as
// what it wraps.
func claim(e *fault.Error) *fault.Error {
	e.Kind, e.Started = fault.KindOf(e.Err), true
	if fault.Retryable(e) != fault.Retryable(e.Err) {
		e.Kind = fault.Failed // which defers to its cause
	}
	return e
}
