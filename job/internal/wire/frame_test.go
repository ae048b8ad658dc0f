package wire_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/hemgo/hem/job/internal/wire"
)

type frame struct {
	kind wire.Kind
	id   uint64
	body string
}

var talk = []frame{
	{wire.Hello, 0, "\x06worker"},
	{wire.Ask, 1, "a request"},
	{wire.Ask, 1 << 60, strings.Repeat("long ", 20_000)},
	{wire.Leave, 1, ""},
	{wire.Ping, 0, ""},
	{wire.Pong, 0, "\x07"},
	{wire.Bye, 0, "why"},
}

func stream(frames []frame) (b []byte) {
	for _, f := range frames {
		b = wire.Append(b, f.kind, f.id, []byte(f.body))
	}
	return b
}

// frames reads all that there are, and why there are no more.
func frames(r io.Reader) (all []frame, err error) {
	reader := wire.NewReader(r)
	for {
		f, err := reader.Next()
		if err != nil {
			if _, again := reader.Next(); again != err {
				return all, fmt.Errorf("after %v came %v", err, again)
			}
			return all, err
		}
		all = append(all, frame{f.Kind, f.ID, string(f.Body)})
	}
}

func TestFramesArriveHoweverTheyAreCut(t *testing.T) {
	b := stream(talk)
	for _, r := range []io.Reader{bytes.NewReader(b), iotest.OneByteReader(bytes.NewReader(b)), iotest.HalfReader(bytes.NewReader(b)), iotest.DataErrReader(bytes.NewReader(b))} {
		got, err := frames(r)
		if err != io.EOF || fmt.Sprint(got) != fmt.Sprint(talk) {
			t.Errorf("got %d frames, %v", len(got), err)
		}
	}
}

func TestAStreamThatEndsWithinAFrameIsNotOver(t *testing.T) {
	b := stream(talk[:2])
	ends := map[int]bool{0: true, wire.HeaderSize + 7: true, len(b): true}
	for n := range len(b) + 1 {
		want := io.ErrUnexpectedEOF
		if ends[n] {
			want = io.EOF
		}
		if _, err := frames(bytes.NewReader(b[:n])); err != want {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}

func TestEveryBitThatIsTurnedIsRefused(t *testing.T) {
	b := stream(talk[:2])
	for at := range b {
		for bit := range 8 {
			damaged := bytes.Clone(b)
			damaged[at] ^= 1 << bit
			got, err := frames(bytes.NewReader(damaged))
			if _, ok := errors.AsType[*wire.Broken](err); !ok {
				t.Fatalf("bit %d of byte %d: %v", bit, at, err)
			}
			if want := at / (wire.HeaderSize + 7); len(got) != min(want, 1) {
				t.Fatalf("bit %d of byte %d: %d frames", bit, at, len(got))
			}
		}
	}
}

func TestWhatIsNotAFrameIsToldAtOnce(t *testing.T) {
	for in, text := range map[string]string{
		"GET / HTTP/1.1\r\n": `not a frame: begins with "GET / HTTP/1.1\r\n"`,
		"H":                  "unexpected EOF",
		"Hm":                 `not a frame: begins with "Hm"`,
		"Hj\x07":             "speaks version 7, this is version 1",
	} {
		if _, err := frames(strings.NewReader(in)); err == nil || err.Error() != text {
			t.Errorf("%q: got %v, want %s", in, err, text)
		}
	}
	long := wire.Append(nil, wire.Ask, 1, make([]byte, wire.MaxBody))
	if got, err := frames(bytes.NewReader(long)); len(got) != 1 || err != io.EOF {
		t.Errorf("%d, %v", len(got), err)
	}
}
