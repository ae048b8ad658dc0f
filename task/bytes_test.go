package task_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/hemgo/hem/task"
)

var reverse = task.Define("reverse", func(_ context.Context, b []byte) ([]byte, error) {
	out := make([]byte, 0, len(b))
	for i := range b {
		out = append(out, b[len(b)-1-i])
	}
	return out, nil
})

// carried is a runner that carries bytes and shows the encoded input.
type carried struct{ input []byte }

func (r *carried) Run(ctx context.Context, c *task.Call) (err error) {
	if r.input, err = c.Input(); err != nil {
		return err
	}
	out, err := reverse.Serve(ctx, task.Here, r.input)
	if err != nil {
		return err
	}
	return c.SetOutput(out)
}

func TestBytesTravelAsTheyAre(t *testing.T) {
	var r carried
	in := []byte{0, 1, '"', 0xff}
	out, err := reverse.Do(t.Context(), &r, in)
	if err != nil || !bytes.Equal(out, []byte{0xff, '"', 1, 0}) {
		t.Fatalf("got %q, %v", out, err)
	}
	if want := append([]byte{0}, in...); !bytes.Equal(r.input, want) {
		t.Errorf("the payload is %q, want %q", r.input, want)
	}
	if _, err := reverse.Do(t.Context(), &r, nil); err != nil || string(r.input) != "null" {
		t.Errorf("nil bytes: the payload is %q, %v", r.input, err)
	}
}

func TestBytesMayComeAsJSON(t *testing.T) {
	out, err := reverse.Serve(t.Context(), task.Here, []byte(`"YWJj"`)) // from another language, or another year
	if err != nil || string(out) != "\x00cba" {
		t.Errorf("got %q, %v", out, err)
	}
	if _, err := reverse.Serve(t.Context(), task.Here, []byte("abc")); err == nil || !strings.Contains(err.Error(), "reverse") {
		t.Errorf("bytes that are neither: got %v", err)
	}
}

func TestDecodedBytesAreTheCallersOwn(t *testing.T) {
	var r carried
	out, err := task.Define("same", func(_ context.Context, b []byte) ([]byte, error) { return b, nil }).Serve(t.Context(), task.Here, []byte("\x00abc"))
	if err != nil || string(out) != "\x00abc" {
		t.Fatalf("got %q, %v", out, err)
	}
	in := []byte("abc")
	if _, err := reverse.Do(t.Context(), &r, in); err != nil {
		t.Fatal(err)
	}
	in[0] = 'x'
	if string(r.input) != "\x00abc" {
		t.Error("the payload shares the caller's memory")
	}
}

func BenchmarkBytesCross(b *testing.B) {
	b.ReportAllocs()
	ctx, in := b.Context(), make([]byte, 1<<20)
	same := task.Define("same", func(_ context.Context, b []byte) ([]byte, error) { return b, nil })
	var r crossing = func(ctx context.Context, c *task.Call) error {
		in, err := c.Input()
		if err != nil {
			return err
		}
		out, err := same.Serve(ctx, task.Here, in)
		if err != nil {
			return err
		}
		return c.SetOutput(out)
	}
	for b.Loop() {
		if _, err := same.Do(ctx, r, in); err != nil {
			b.Fatal(err)
		}
	}
}

type crossing func(context.Context, *task.Call) error

func (f crossing) Run(ctx context.Context, c *task.Call) error { return f(ctx, c) }
