package frame_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/proc/internal/frame"
)

// conversation is what the reference shows: a worker that knows "square" is
// asked for the square of 12, and then for that of 13, whose caller leaves.
func conversation() []message {
	greeting := marshal(frame.Greeting{Worker: "hem-python 3.11", Tasks: []string{"square"}})
	terms := marshal(frame.Terms{MaxPayload: 16777216, Pool: "sums"})
	asked := frame.AppendRequest(nil, frame.Request{
		Task:        "square",
		Deadline:    time.Unix(1789000000, 0),
		Watched:     true,
		TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	})
	left := &fault.Error{Op: "task: run", Task: "square", Kind: fault.Cancelled, Err: fault.Sentinel("shop: customer left")}
	again := frame.AppendRequest(nil, frame.Request{Task: "square"})
	return []message{
		{Kind: frame.Hello, Body: greeting},
		{Kind: frame.Welcome, Body: terms},
		{Kind: frame.Call, Call: 1, Head: asked, Body: []byte("12")},
		{Kind: frame.Progress, Call: 1, Body: frame.AppendProgress(nil, 1, 2, "half way")},
		{Kind: frame.Result, Call: 1, Body: []byte("144")},
		{Kind: frame.Call, Call: 2, Head: again, Body: []byte("13")},
		{Kind: frame.Cancel, Call: 2, Body: fault.Encode(left)},
		{Kind: frame.Failure, Call: 2, Body: []byte(`{"v":1,"err":{"form":"canceled"}}`)},
	}
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // only strings and numbers are in there
	}
	return b
}

// transcript is the conversation as a person reads it: who says what, and then
// its bytes, sixteen on a line.
func transcript(t *testing.T) string {
	var out strings.Builder
	for _, m := range conversation() {
		who := "worker"
		switch m.Kind {
		case frame.Welcome, frame.Call, frame.Cancel:
			who = "host"
		}
		fmt.Fprintf(&out, "%s: %v %d\n", who, m.Kind, m.Call)
		b := stream(t, m)
		for len(b) > 0 {
			n := min(len(b), 16)
			fmt.Fprintf(&out, "  %-47s  %s\n", spaced(b[:n]), printable(b[:n]))
			b = b[n:]
		}
	}
	return out.String()
}

func spaced(b []byte) string { return strings.TrimSpace(fmt.Sprintf("% x", b)) }

func printable(b []byte) string {
	return string(bytes.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '.'
		}
		return r
	}, b))
}

const reference = "../../../docs/worker-protocol.md"

// The hexadecimal of the reference is what those who write a worker in another
// language test theirs against.
func TestTheReferenceShowsWhatIsReallySaid(t *testing.T) {
	doc, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	if want := transcript(t); !strings.Contains(string(doc), "```text\n"+want+"```\n") {
		t.Errorf("docs/worker-protocol.md lacks this transcript:\n%s", want)
	}
}

func TestTheTranscriptOfTheReferenceIsRead(t *testing.T) {
	doc, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	got, err := readAll(bytes.NewReader(hexOf(t, string(doc))), noLimit)
	if want := conversation(); err != io.EOF || len(got) != len(want) {
		t.Fatalf("%d frames of %d, %v", len(got), len(want), err)
	}
	for i, m := range conversation() {
		if !equal(got[i], m.joined()) {
			t.Errorf("frame %d is %v %d %q", i, got[i].Kind, got[i].Call, got[i].Body)
		}
	}
	r, input, err := frame.ParseRequest(got[2].Body)
	if err != nil || r.Task != "square" || !r.Watched || !r.Deadline.Equal(time.Unix(1789000000, 0)) || string(input) != "12" {
		t.Errorf("the call is %+v with %q, %v", r, input, err)
	}
}

// hexOf is the bytes that the transcript in doc shows.
func hexOf(t *testing.T, doc string) (b []byte) {
	t.Helper()
	_, rest, _ := strings.Cut(doc, "```text\nworker: hello 0\n")
	rest, _, _ = strings.Cut(rest, "```\n")
	for line := range strings.Lines(rest) {
		if strings.HasPrefix(line, "  ") {
			part, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(line[2:49]), " ", ""))
			if err != nil {
				t.Fatalf("%v in %q", err, line)
			}
			b = append(b, part...)
		}
	}
	return b
}
