package frame_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/hemgo/hem/proc/internal/frame"
)

const fuzzLimit = 1 << 16

// FuzzReader gives a Reader whatever comes: a host must survive any worker, and
// a worker any host.
func FuzzReader(f *testing.F) {
	f.Add([]byte{}, uint8(1))
	f.Add([]byte("hello world\n"), uint8(3))
	f.Add(stream(f, conversation()...), uint8(255))
	f.Add(append(stream(f, conversation()...), "Hm\x02"...), uint8(7))
	f.Add(raw(99, 0), uint8(1))
	f.Add(raw(uint8(frame.Result), 1<<32-1), uint8(1))
	f.Add(append(raw(uint8(frame.Result), fuzzLimit), "and then"...), uint8(9))
	f.Add(stream(f, message{Kind: frame.Result, Body: bytesOf(fuzzLimit)}), uint8(200))
	f.Fuzz(func(t *testing.T, in []byte, portion uint8) {
		r := frame.NewReader(portions{bytes.NewReader(in), int(portion) + 1}, fuzzLimit)
		var again bytes.Buffer
		w := frame.NewWriter(&again)
		for {
			got, err := r.Next()
			if err != nil {
				checkEnd(t, r, err, bytes.Equal(again.Bytes(), in))
				break
			}
			if len(got.Body) > fuzzLimit || cap(got.Body) > fuzzLimit {
				t.Fatalf("a body of %d bytes, in a buffer of %d", len(got.Body), cap(got.Body))
			}
			if err := w.Write(got.Kind, got.Call, nil, got.Body); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.HasPrefix(in, again.Bytes()) {
			t.Fatalf("what was read is not what there was:\n%x\n%x", in, again.Bytes())
		}
	})
}

// checkEnd checks that err is one of those that Next promises, that it stays,
// and that it is EOF if and only if all was read.
func checkEnd(t *testing.T, r *frame.Reader, err error, all bool) {
	t.Helper()
	_, broken := errors.AsType[*frame.Broken](err)
	if !broken && err != io.EOF && err != io.ErrUnexpectedEOF {
		t.Fatalf("an error of no kind: %v", err)
	}
	if (err == io.EOF) != all {
		t.Fatalf("%v, where everything was read is %v", err, all)
	}
	if err.Error() == "" {
		t.Fatal("an error without a text")
	}
	if f, again := r.Next(); again != err || f.Body != nil {
		t.Fatalf("after %v came %v, %v", err, f, again)
	}
}

// FuzzDamage turns one bit of a stream: what comes before its frame is read,
// and it is refused.
func FuzzDamage(f *testing.F) {
	whole := stream(f, conversation()...)
	for _, at := range []uint{0, 1, 2, 3, 4, 7, 8, 16, 20, 24, 30, 100, 200} {
		f.Add([]byte("an input"), at, uint8(at%8))
	}
	f.Fuzz(func(t *testing.T, body []byte, at uint, bit uint8) {
		damaged := append(bytes.Clone(whole), stream(t, message{Kind: frame.Result, Call: 1, Body: body})...)
		sound := append(conversation(), message{Kind: frame.Result, Call: 1, Body: body})
		checkDamage(t, sound, damaged, int(at%uint(len(damaged))), bit%8)
	})
}

func TestEveryBitThatIsTurnedIsRefused(t *testing.T) {
	whole := stream(t, conversation()...)
	for at := range whole {
		for bit := range uint8(8) {
			checkDamage(t, conversation(), bytes.Clone(whole), at, bit)
		}
	}
}

// checkDamage turns a bit of b, which is a stream of the messages.
func checkDamage(t *testing.T, messages []message, b []byte, at int, bit uint8) {
	t.Helper()
	b[at] ^= 1 << bit
	got, err := readAll(bytes.NewReader(b), fuzzLimit)
	if _, ok := errors.AsType[*frame.Broken](err); !ok {
		t.Fatalf("bit %d of byte %d: %v", bit, at, err)
	}
	end := 0
	for i, m := range messages {
		m = m.joined()
		end += frame.HeaderSize + len(m.Body)
		if end > at {
			if len(got) != i {
				t.Fatalf("bit %d of byte %d, in frame %d: %d frames were read", bit, at, i, len(got))
			}
			return
		}
		if i >= len(got) || !equal(got[i], m) {
			t.Fatalf("bit %d of byte %d: frame %d, before it, was not read", bit, at, i)
		}
	}
}

// FuzzRoundTrip writes a frame and reads it.
func FuzzRoundTrip(f *testing.F) {
	f.Add(uint8(3), uint64(1), []byte("head"), []byte("body"), uint8(1))
	f.Add(uint8(6), uint64(0), []byte(nil), []byte(nil), uint8(100))
	f.Fuzz(func(t *testing.T, kind uint8, call uint64, head, body []byte, portion uint8) {
		m := message{Kind: frame.Kind(kind%7 + 1), Call: call, Head: head, Body: body}
		src := portions{bytes.NewReader(stream(t, m, m)), int(portion) + 1}
		got, err := readAll(src, len(head)+len(body))
		if err != io.EOF || len(got) != 2 || !equal(got[0], m.joined()) || !equal(got[1], m.joined()) {
			t.Fatalf("%+v became %+v, %v", m, got, err)
		}
	})
}

// FuzzRequest parses any body as a Call: what is accepted is written as the
// same bytes.
func FuzzRequest(f *testing.F) {
	f.Add([]byte{})
	f.Add(frame.AppendRequest(nil, frame.Request{}))
	f.Add(append(frame.AppendRequest(nil, frame.Request{Task: "resize", Deadline: time.Unix(1789000000, 5), Watched: true, TraceParent: "00-a", TraceState: "b=c", Job: `{"job":7}`}), `{"n":1}`...))
	f.Add(append(bytes.Repeat([]byte{0xff}, 16), bytesOf(300)...))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, input, err := frame.ParseRequest(body)
		if err != nil {
			if b, ok := errors.AsType[*frame.Broken](err); !ok || b.Why != frame.Malformed {
				t.Fatal(err)
			}
			return
		}
		if len(body)-len(input) > frame.MaxRequest {
			t.Fatalf("%d bytes before the input", len(body)-len(input))
		}
		// A deadline that no Writer writes is one at either end of what can be.
		again := append(frame.AppendRequest(nil, r), input...)
		if !bytes.Equal(again, body) && !(edge(r.Deadline) && bytes.Equal(again[8:], body[8:])) {
			t.Fatalf("%x became %+v and %x", body, r, again)
		}
	})
}

func edge(deadline time.Time) bool {
	year := deadline.UTC().Year()
	return year <= 1678 || year >= 2262
}

// FuzzProgress parses any body as a Progress.
func FuzzProgress(f *testing.F) {
	f.Add([]byte{})
	f.Add(frame.AppendProgress(nil, 3, 10, "page 3"))
	f.Add(append(make([]byte, 16), 0xff))
	f.Fuzz(func(t *testing.T, body []byte) {
		done, total, note, err := frame.ParseProgress(body)
		if err != nil {
			if len(body) >= 16 {
				t.Fatal(err)
			}
			return
		}
		again := frame.AppendProgress(nil, done, total, note)
		if !bytes.Equal(again[:16], body[:16]) {
			t.Fatalf("%x became %x", body, again)
		}
		if d, n, s, err := frame.ParseProgress(again); err != nil || d != done || n != total || s != note {
			t.Fatalf("%d, %d, %q became %d, %d, %q, %v", done, total, note, d, n, s, err)
		}
	})
}
