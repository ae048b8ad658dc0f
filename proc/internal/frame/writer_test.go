package frame_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/hemgo/hem/proc/internal/frame"
)

func TestAFrameOfUpTo64KiBIsOneWrite(t *testing.T) {
	for _, test := range []struct{ body, writes int }{
		{0, 1}, {1, 1}, {64<<10 - frame.HeaderSize - 10, 1}, {64<<10 - frame.HeaderSize - 9, 2}, {1 << 20, 2},
	} {
		c := &counted{Writer: io.Discard}
		if err := frame.NewWriter(c).Write(frame.Call, 1, bytesOf(10), bytesOf(test.body)); err != nil || c.writes != test.writes {
			t.Errorf("%d bytes: %d writes, %v", test.body, c.writes, err)
		}
	}
}

func TestALongHeadIsWrittenWhole(t *testing.T) {
	m := message{Kind: frame.Call, Call: 9, Head: bytesOf(100_000)}
	got, err := readAll(bytes.NewReader(stream(t, m)), noLimit)
	if err != io.EOF || len(got) != 1 || !equal(got[0], m.joined()) {
		t.Errorf("%d messages, %v", len(got), err)
	}
}

func TestAfterAnErrorTheWriterWritesNoMore(t *testing.T) {
	for _, n := range []int{10, 100_000} {
		f := &failing{}
		w := frame.NewWriter(f)
		if err := w.Write(frame.Result, 1, nil, bytesOf(n)); err != errPulled {
			t.Errorf("%d bytes: %v", n, err)
		}
		writes := f.writes
		if err := w.Write(frame.Result, 2, nil, nil); err != errPulled || f.writes != writes {
			t.Errorf("%d bytes: it went on in the middle of a frame: %v", n, err)
		}
	}
}

// failing takes one byte, and then fails.
type failing struct{ writes int }

func (f *failing) Write([]byte) (int, error) { f.writes++; return 1, errPulled }

func TestAWriteThatIsShortIsAnError(t *testing.T) {
	if err := frame.NewWriter(short{}).Write(frame.Cancel, 1, nil, nil); !errors.Is(err, io.ErrShortWrite) {
		t.Error(err)
	}
}

type short struct{}

func (short) Write(b []byte) (int, error) { return len(b) - 1, nil }

func TestSmallFramesAllocateNothing(t *testing.T) {
	src, body := &refilled{}, bytesOf(1000)
	frames := stream(t, message{Kind: frame.Call, Call: 1, Head: bytesOf(50), Body: body})
	r, w := frame.NewReader(src, noLimit), frame.NewWriter(io.Discard)
	n := testing.AllocsPerRun(100, func() {
		src.Reset(frames)
		f, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(frame.Result, f.Call, nil, f.Body); err != nil {
			t.Fatal(err)
		}
	})
	if n > 0 {
		t.Errorf("%v allocations", n)
	}
}
