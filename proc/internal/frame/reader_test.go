package frame_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/hemgo/hem/proc/internal/frame"
)

const noLimit = 1 << 30

// sizes are those of bodies around every size at which something changes.
var sizes = []int{0, 1, 7, 1 << 10, 64<<10 - frame.HeaderSize - 1, 64<<10 - frame.HeaderSize, 64<<10 - frame.HeaderSize + 1,
	64 << 10, 1 << 20, 1<<20 + 1, 4 << 20, 4<<20 + 1, 9 << 20}

func TestWhatIsWrittenIsWhatIsRead(t *testing.T) {
	var sent []message
	for i, n := range sizes {
		sent = append(sent, message{Kind: frame.Result, Call: uint64(i) << 40, Body: bytesOf(n)},
			message{Kind: frame.Call, Call: 1<<64 - 1, Head: bytesOf(33), Body: bytesOf(n)})
	}
	whole := stream(t, sent...)
	sources := map[string]func(io.Reader) io.Reader{
		"as it is":           func(r io.Reader) io.Reader { return r },
		"a pipe's portions":  func(r io.Reader) io.Reader { return portions{r, 4096} },
		"odd portions":       func(r io.Reader) io.Reader { return portions{r, 1021} },
		"halves":             iotest.HalfReader,
		"end with the bytes": iotest.DataErrReader,
	}
	for name, source := range sources {
		got, err := readAll(source(bytes.NewReader(whole)), noLimit)
		if err != io.EOF || len(got) != len(sent) {
			t.Errorf("%s: %d of %d messages, %v", name, len(got), len(sent), err)
			continue
		}
		for i, m := range sent {
			if !equal(got[i], m.joined()) {
				t.Errorf("%s: message %d, of %d bytes, is another", name, i, len(m.Head)+len(m.Body))
			}
		}
	}
}

// portions gives at most n bytes at a time.
type portions struct {
	io.Reader
	n int
}

func (p portions) Read(b []byte) (int, error) { return p.Reader.Read(b[:min(p.n, len(b))]) }

func TestFramesThatArriveByteByByteAreRead(t *testing.T) {
	whole := stream(t, message{Kind: frame.Hello, Body: bytesOf(100)}, message{Kind: frame.Cancel, Call: 1}, message{Kind: frame.Result, Call: 1, Body: bytesOf(70_000)})
	got, err := readAll(iotest.OneByteReader(bytes.NewReader(whole)), noLimit)
	if err != io.EOF || len(got) != 3 || !bytes.Equal(got[2].Body, bytesOf(70_000)) {
		t.Errorf("got %d messages and %v", len(got), err)
	}
}

func TestTheEndIsEOFOnlyBetweenFrames(t *testing.T) {
	one := stream(t, message{Kind: frame.Hello, Body: bytesOf(100)})
	two := stream(t, message{Kind: frame.Hello, Body: bytesOf(100)}, message{Kind: frame.Result, Call: 1, Body: bytesOf(70_000)})
	for n := range len(two) {
		if n > len(one)+50 && n < len(two)-50 && n%997 != 0 {
			continue
		}
		want := io.ErrUnexpectedEOF
		if n == 0 || n == len(one) {
			want = io.EOF
		}
		if _, err := readAll(bytes.NewReader(two[:n]), noLimit); err != want {
			t.Errorf("the first %d bytes end with %v, want %v", n, err, want)
		}
	}
}

func TestAStreamThatIsBrokenSaysWhatWasSeen(t *testing.T) {
	good := stream(t, message{Kind: frame.Result, Call: 3, Body: []byte("output")})
	damage := func(at int, to byte) []byte {
		b := bytes.Clone(good)
		b[at] = to
		return b
	}
	tests := []struct {
		name, stream, want string
		why                frame.Why
	}{
		{"a worker that prints", "hello world\n", `not a frame: begins with "hello world\n"`, frame.NotFrames},
		{"and prints one letter", "h", `not a frame: begins with "h"`, frame.NotFrames},
		{"or the first of ours", "How do you do", `not a frame: begins with "How do you do"`, frame.NotFrames},
		{"and prints much", strings.Repeat("0123456789", 10), `not a frame: begins with "0123456789012345678901234567890123456789012345678901234567890123"`, frame.NotFrames},
		{"and prints after a frame", string(good) + "oops", `not a frame: begins with "oops"`, frame.NotFrames},
		{"zeroes", "\x00\x00\x00", `not a frame: begins with "\x00\x00\x00"`, frame.NotFrames},
		{"a later version", string(damage(2, 7)), "speaks version 7, this is version 1", frame.OtherVersion},
		{"three bytes of a later version", "Hm\x02", "speaks version 2, this is version 1", frame.OtherVersion},
		{"another length", string(damage(4, 7)), "damaged header: it says checksum 907ab6c1, its bytes have 6276bb3f", frame.DamagedHeader},
		{"another checksum", string(damage(20, 0)), "damaged header: it says checksum 907ab600, its bytes have 907ab6c1", frame.DamagedHeader},
		{"another body", string(damage(24, 'O')), "damaged result: its header says checksum ad2f99b3, its body has 28db8f3e", frame.DamagedBody},
		{"a kind from later", string(raw(99, 0)), "unknown kind of frame 99", frame.UnknownKind},
		{"the first kind that there is not", string(raw(8, 0)), "unknown kind of frame 8", frame.UnknownKind},
		{"no kind", string(raw(0, 0)), "unknown kind of frame 0", frame.UnknownKind},
		{"too long", string(raw(uint8(frame.Result), 101)), "a result of 101 bytes is longer than the 100 allowed", frame.TooLong},
		{"much too long", string(raw(uint8(frame.Result), 1<<32-1)), "a result of 4294967295 bytes is longer than the 100 allowed", frame.TooLong},
	}
	for _, test := range tests {
		r := frame.NewReader(strings.NewReader(test.stream), 100)
		var err error
		for err == nil {
			_, err = r.Next()
		}
		broken, ok := errors.AsType[*frame.Broken](err)
		if !ok || broken.Why != test.why || err.Error() != test.want {
			t.Errorf("%s: got  %v\nwant %s", test.name, err, test.want)
		}
		if _, again := r.Next(); again != err {
			t.Errorf("%s: it went on with %v", test.name, again)
		}
	}
}

// raw is a header with right checksums that no Writer would write.
func raw(kind uint8, length uint32) []byte {
	b := append([]byte("Hm\x01"), kind)
	b = binary.LittleEndian.AppendUint32(b, length)
	b = append(b, make([]byte, 12)...)
	return binary.LittleEndian.AppendUint32(b, castagnoli(b))
}

func TestABodyAtTheLimitIsReadAndOneByteMoreIsNot(t *testing.T) {
	for _, limit := range []int{0, 1, 1000, 64 << 10, 1 << 20} {
		at := stream(t, message{Kind: frame.Result, Body: bytesOf(limit)})
		if got, err := readAll(bytes.NewReader(at), limit); len(got) != 1 || err != io.EOF {
			t.Errorf("limit %d: it was refused with %v", limit, err)
		}
		over := stream(t, message{Kind: frame.Result, Body: bytesOf(limit + 1)})
		_, err := readAll(bytes.NewReader(over), limit)
		if b, ok := errors.AsType[*frame.Broken](err); !ok || b.Why != frame.TooLong || b.Length != int64(limit)+1 || b.Limit != int64(limit) {
			t.Errorf("limit %d: one byte more gave %v", limit, err)
		}
	}
}

func TestSetLimitCountsFromTheNextFrameOn(t *testing.T) {
	r := frame.NewReader(bytes.NewReader(stream(t, message{Kind: frame.Hello, Body: bytesOf(10)}, message{Kind: frame.Result, Body: bytesOf(11)})), 10)
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	r.SetLimit(11)
	if _, err := r.Next(); err != nil {
		t.Error(err)
	}
}

func TestAnErrorOfTheStreamIsReturnedAsItIs(t *testing.T) {
	for _, n := range []int64{0, 10, 30} {
		src := io.MultiReader(io.LimitReader(bytes.NewReader(stream(t, message{Kind: frame.Result, Body: bytesOf(100)})), n), iotest.ErrReader(errPulled))
		r := frame.NewReader(src, noLimit)
		for range 2 {
			if _, err := r.Next(); err != errPulled {
				t.Errorf("after %d bytes: %v", n, err)
			}
		}
	}
}

var errPulled = errors.New("somebody pulled the plug")

func TestAStreamThatNeverGivesAnythingIsGivenUp(t *testing.T) {
	if _, err := frame.NewReader(nothing{}, noLimit).Next(); err != io.ErrNoProgress {
		t.Error(err)
	}
}

type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, nil }

func TestAnAnnouncedLengthTakesNoMemoryUntilItsBytesArrive(t *testing.T) {
	announced := append(raw(uint8(frame.Result), 1<<30), bytesOf(100)...)
	before := allocated()
	_, err := readAll(bytes.NewReader(announced), 1<<30)
	if err != io.ErrUnexpectedEOF {
		t.Fatal(err)
	}
	if took := allocated() - before; took > 8<<20 {
		t.Errorf("it took %d bytes", took)
	}
	before = allocated()
	if _, err = readAll(bytes.NewReader(announced), 1<<30-1); err == io.ErrUnexpectedEOF {
		t.Fatal("the limit is not looked at first")
	}
	if took := allocated() - before; took > 1<<20 {
		t.Errorf("one beyond the limit took %d bytes", took)
	}
}

// allocated is how many bytes the program has taken so far, freed or not.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func TestASmallFrameThatHasArrivedIsOneRead(t *testing.T) {
	c := &counted{Reader: bytes.NewReader(stream(t, message{Kind: frame.Result, Body: bytesOf(64<<10 - frame.HeaderSize)}))}
	r := frame.NewReader(c, noLimit)
	if _, err := r.Next(); err != nil || c.reads != 1 {
		t.Errorf("%d reads, %v", c.reads, err)
	}
	c.Reader = bytes.NewReader(stream(t, message{Kind: frame.Progress, Body: bytesOf(16)}, message{Kind: frame.Result}, message{Kind: frame.Result, Body: bytesOf(10)}))
	c.reads = 0
	for range 3 {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if c.reads != 1 {
		t.Errorf("three that came together were %d reads", c.reads)
	}
}

func TestADetachedBodyIsNeverWrittenToAgain(t *testing.T) {
	for _, n := range sizes {
		same := make([]message, 4)
		for i := range same {
			same[i] = message{Kind: frame.Result, Body: bytes.Repeat([]byte{byte(i)}, n)}
		}
		r := frame.NewReader(bytes.NewReader(stream(t, same...)), noLimit)
		var kept [][]byte
		for range same {
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
			kept = append(kept, r.Detach())
			if again := r.Detach(); !bytes.Equal(again, kept[len(kept)-1]) {
				t.Errorf("%d bytes: a second Detach gave another body", n)
			}
		}
		for i, body := range kept {
			if !bytes.Equal(body, same[i].Body) || body == nil {
				t.Errorf("%d bytes: body %d changed after Detach", n, i)
			}
		}
	}
}

func TestALongBodyIsHandedOverWithoutACopy(t *testing.T) {
	r := frame.NewReader(bytes.NewReader(stream(t, message{Kind: frame.Result, Body: bytesOf(1 << 20)})), noLimit)
	f, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	if d := r.Detach(); &d[0] != &f.Body[0] {
		t.Error("it was copied")
	}
}

func TestAppendingToABodyDoesNotReachTheNextFrame(t *testing.T) {
	for _, n := range sizes {
		r := frame.NewReader(bytes.NewReader(stream(t, message{Kind: frame.Result, Body: bytesOf(n)}, message{Kind: frame.Result, Body: []byte("next")})), noLimit)
		f, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		_ = append(f.Body, bytesOf(1000)...)
		if f, err = r.Next(); err != nil || string(f.Body) != "next" {
			t.Errorf("after %d bytes: %q, %v", n, f.Body, err)
		}
	}
}

func TestALongBufferIsNotKeptForShortFrames(t *testing.T) {
	long := stream(t, message{Kind: frame.Result, Body: bytesOf(16 << 20)})
	short := stream(t, message{Kind: frame.Result, Body: bytesOf(10)})
	src := &refilled{}
	r := frame.NewReader(src, noLimit)
	next := func(from []byte) {
		src.Reset(from)
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	before := inUse()
	next(long)
	if held := inUse() - before; held < 16<<20 {
		t.Fatalf("%d bytes are held by the frame itself: this test sees nothing", held)
	}
	for range 100 {
		next(short)
	}
	if held := inUse() - before; held > 4<<20 {
		t.Errorf("%d bytes are still held after a hundred short frames", held)
	}
	next(long)
	runtime.KeepAlive(r)
}

type refilled struct{ bytes.Reader }

// inUse is how many bytes of memory cannot be freed.
func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
