package task

import (
	"context"
	"errors"

	"github.com/hemgo/hem/fault"
)

// call is a Call with its types.
type call[In, Out any] struct {
	Call
	def   *Def[In, Out]
	in    In
	known bool // in is there: it was given, or has been decoded
	out   Out
}

func (c *call[In, Out]) encodeInput() ([]byte, error) { return encode(&c.in, "In") }

func (c *call[In, Out]) encodeOutput() ([]byte, error) { return encode(&c.out, "Out") }

func (c *call[In, Out]) decodeOutput(out []byte) error {
	var zero Out
	c.out = zero // of an earlier run
	return decode(out, &c.out)
}

// decodeInput sees to it that c.in is there.
func (c *call[In, Out]) decodeInput() error {
	if c.known {
		return nil
	}
	var in In
	if err := decode(c.input, &in); err != nil {
		return err
	}
	c.in, c.known = in, true
	return nil
}

var errNoKey = errors.New("the task has no keys")

func (c *call[In, Out]) keyOf() (string, error) {
	if c.def.key == nil {
		return "", errNoKey
	}
	if err := c.decodeInput(); err != nil {
		return "", err
	}
	return c.def.key(c.in), nil
}

func (c *call[In, Out]) invoke(ctx context.Context) error {
	if err := c.decodeInput(); err != nil {
		return &fault.Error{Op: "task: decode input", Task: c.name, Kind: fault.Invalid, Err: err,
			Hint: "both sides must have the same version of the task"}
	}
	out, err := c.def.fn(ctx, c.in)
	if err != nil {
		return begun("task: run", c.name, err)
	}
	c.out, c.done = out, true
	return nil
}
