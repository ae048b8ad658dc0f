package frame_test

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/proc/internal/frame"
)

func readReference(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTheReferenceHasEveryKind(t *testing.T) {
	doc := readReference(t)
	for k := frame.Hello; k <= frame.Failure; k++ {
		if row := fmt.Sprintf("\n| %d | %v | ", k, k); !strings.Contains(doc, row) {
			t.Errorf("kinds of frames: no row %q", row)
		}
	}
	for k := fault.Failed; k <= fault.Invalid; k++ {
		again := "no"
		if fault.Retryable(&fault.Error{Kind: k}) {
			again = "yes"
		}
		row := regexp.MustCompile(fmt.Sprintf("(?m)^\\| `%v` \\| .* \\| %s \\|$", k, again))
		if !row.MatchString(doc) {
			t.Errorf("kinds of failures: no row of %v that says %s", k, again)
		}
	}
}

// What the reference tells others to send must mean something here.
func TestTheReferencesFailuresAreUnderstood(t *testing.T) {
	want := []struct {
		text    string
		kind    fault.Kind
		started bool
	}{
		{`task: run "resize": shop: customer left`, fault.Cancelled, false},
		{"the disk is full", fault.Failed, true},
		{"order 7: shop: sold out", fault.Failed, true},
		{"the customer is gone", fault.Failed, true},
		{"the line is busy", fault.Failed, true},
		{`worker: run "resize": not an image (use PNG)`, fault.Invalid, true},
		{"", fault.Panicked, true},
	}
	forms := failuresIn(readReference(t))
	if len(forms) != len(want) {
		t.Fatalf("the reference has %d failures, and this test %d: %q", len(forms), len(want), forms)
	}
	for i, form := range forms {
		err := fault.Decode([]byte(form))
		text := err.Error()
		if want[i].text == "" {
			want[i].text, text = "IndexError: list index out of range", fmt.Sprint(err.(*fault.Panic).Value)
		}
		if text != want[i].text || fault.KindOf(err) != want[i].kind || fault.Started(err) != want[i].started {
			t.Errorf("%s\nis %q, %v, started %v; want %+v", form, text, fault.KindOf(err), fault.Started(err), want[i])
		}
	}
}

// failuresIn is the lines of doc's JSON that are failures.
func failuresIn(doc string) (forms []string) {
	in := false
	for s := bufio.NewScanner(strings.NewReader(doc)); s.Scan(); {
		line := s.Text()
		switch {
		case line == "```json":
			in = true
		case line == "```":
			in = false
		case in && strings.HasPrefix(line, `{"v":`):
			forms = append(forms, line)
		}
	}
	return forms
}

// The words are what somebody who has made a mistake will search for.
func TestTheReferencesWordsForBrokenStreamsAreThose(t *testing.T) {
	doc := readReference(t)
	for _, b := range []*frame.Broken{
		{Why: frame.NotFrames, Seen: []byte("hello wo")},
		{Why: frame.OtherVersion, Version: 7},
		{Why: frame.UnknownKind, Kind: 99},
		{Why: frame.TooLong, Kind: frame.Result, Length: 70_000_000, Limit: 16<<20 + 4<<20},
	} {
		if !strings.Contains(doc, b.Error()) {
			t.Errorf("the reference does not say %q", b)
		}
	}
}
