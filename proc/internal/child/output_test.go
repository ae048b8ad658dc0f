//go:build linux

package child_test

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hemgo/hem/proc/internal/child"
)

func init() {
	// flood writes args[0] MiB to standard error, in lines, then its last words.
	child.Roles["flood"] = func(args []string) {
		mib, _ := strconv.Atoi(args[0])
		block := bytes.Repeat([]byte(strings.Repeat("x", 63)+"\n"), 1<<14)
		for range mib {
			if _, err := os.Stderr.Write(block); err != nil {
				os.Exit(7)
			}
		}
		os.Stderr.WriteString("last words\n")
	}
	child.Roles["garbage"] = func([]string) {
		all := make([]byte, 256)
		for i := range all {
			all[i] = byte(i)
		}
		os.Stderr.Write(bytes.Repeat(all, 100))
	}
}

func TestOutputIsPassedOnByLines(t *testing.T) {
	n := open(t, child.Config{})
	long := strings.Repeat("a", 8<<10)
	tests := []struct {
		name, script string
		want         []string
	}{
		{"lines", `printf 'one\n\ntwo\n'`, []string{"stdout: one", "stdout: ", "stdout: two"}},
		{"by which stream", `echo wrong >&2`, []string{"stderr: wrong"}},
		{"no newline at the end", `printf 'one\ntwo'`, []string{"stdout: one", "stdout: two"}},
		{"a line in pieces", `printf on; sleep 0.1; printf 'e\ntw'; sleep 0.1; echo o`, []string{"stdout: one", "stdout: two"}},
		{"nothing", `exit 0`, nil},
		{"a line cut after 8 KiB", `head -c 100000 /dev/zero | tr '\0' a; echo; echo next`, []string{"stdout: " + long, "stdout: next"}},
		{"a line of 8 KiB", `head -c 8192 /dev/zero | tr '\0' a; echo`, []string{"stdout: " + long}},
		{"closed output", `exec >&- 2>&-; exit 0`, nil},
	}
	for _, test := range tests {
		r := newRecord()
		s := shell(test.script)
		s.Output = r.output
		if e := end(t, start(t, n, s)); e.Code != 0 {
			t.Errorf("%s: got %s", test.name, brief(e))
		}
		if got := r.all(); !reflect.DeepEqual(got, test.want) || r.dropped != 0 {
			t.Errorf("%s: got %q, dropped %d", test.name, got, r.dropped)
		}
	}
}

func TestStandardInputIsEmpty(t *testing.T) {
	n := open(t, child.Config{})
	r := newRecord()
	s := shell(`wc -c`)
	s.Output = r.output
	end(t, start(t, n, s))
	if got := r.await(t, 1); got[0] != "0" {
		t.Errorf("got %q", got)
	}
}

func TestAFloodIsReadToTheEndInBoundedMemory(t *testing.T) {
	const mib = 200
	n := open(t, child.Config{})
	r := newRecord()
	s := role("flood", strconv.Itoa(mib))
	s.Output = r.output
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	e := end(t, start(t, n, s))
	runtime.ReadMemStats(&after)
	seconds := int(time.Since(began)/time.Second) + 2 // windows that it may have touched
	if e.Code != 0 {
		t.Errorf("the flood did not come to its end: %s", brief(e))
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 8<<20 {
		t.Errorf("%d MiB of output allocated %d MiB", mib, grown>>20)
	}
	lines := r.all()
	if all := len(lines) + r.dropped; all != mib<<14+1 {
		t.Errorf("%d lines passed on and %d dropped: of %d", len(lines), r.dropped, mib<<14+1)
	}
	if len(lines) > 200*seconds+1 {
		t.Errorf("%d lines passed on in %d s", len(lines), seconds)
	}
	if last := lines[len(lines)-1]; last != "stderr: last words" {
		t.Errorf("the last line is %q", last)
	}
	if !bytes.HasSuffix(e.Tail, []byte("x\nlast words\n")) || len(e.Tail) != 4<<10 {
		t.Errorf("the tail has %d bytes: %q", len(e.Tail), e.Tail)
	}
}

func TestGarbageIsSafeToPrint(t *testing.T) {
	n := open(t, child.Config{})
	r := newRecord()
	s := role("garbage")
	s.Output = r.output
	if e := end(t, start(t, n, s)); e.Code != 0 || len(e.Tail) != 4<<10 || e.Tail[len(e.Tail)-1] != 255 {
		t.Errorf("got %s", brief(e))
	}
	if got := r.all(); len(got) != 101 {
		t.Errorf("got %d lines", len(got))
	}
}

func TestTailIsOfStandardErrorIfThereIsAny(t *testing.T) {
	n := open(t, child.Config{})
	for script, want := range map[string]string{
		`echo out; echo err >&2`:         "err\n",
		`echo out`:                       "out\n",
		`exit 1`:                         "",
		`printf 'panic: no newline' >&2`: "panic: no newline",
	} {
		if e := end(t, start(t, n, shell(script))); string(e.Tail) != want {
			t.Errorf("%s: got %q", script, e.Tail)
		}
	}
}

func TestTailIsThereWhileTheChildRuns(t *testing.T) {
	n := open(t, child.Config{})
	c := start(t, n, shell(`echo so far >&2; sleep 1000`))
	eventually(t, "the tail", func() bool { return string(c.Tail()) == "so far\n" })
}

func TestAListenerThatBlocksDoesNotHoldTheEnd(t *testing.T) {
	n := open(t, child.Config{})
	free := make(chan struct{})
	defer close(free)
	s := shell(`echo one; exit 4`)
	s.Output = func(string, []byte, int) { <-free }
	if e := end(t, start(t, n, s)); e.Code != 4 {
		t.Errorf("got %s", brief(e))
	}
}

// The splitting alone, where the clock can be set: what is passed on of what
// arrives in which pieces, and how much is said to be missing.
func TestStreamCountsWhatItDrops(t *testing.T) {
	lines := func(from, to int) (s string) {
		for i := from; i < to; i++ {
			s += strconv.Itoa(i) + "\n"
		}
		return s
	}
	type piece struct {
		second int
		text   string
	}
	tests := []struct {
		name   string
		pieces []piece
		last   string // the last line passed on, "n-th dropped"
		passed int
	}{
		{"at the rate", []piece{{0, lines(0, 200)}}, "199 after 0", 200},
		{"one over: it is the last", []piece{{0, lines(0, 201)}}, "200 after 0", 201},
		{"many over, and the last", []piece{{0, lines(0, 1000)}}, "999 after 799", 201},
		{"over, in pieces", []piece{{0, lines(0, 300)}, {0, lines(300, 500)}, {0, "50"}, {0, "0\n"}}, "500 after 300", 201},
		{"over, then half a line and more", []piece{{0, lines(0, 300)}, {0, "half"}, {0, "\n1\n2\n"}}, "2 after 102", 201},
		{"over, then half a line", []piece{{0, lines(0, 300)}, {0, "hal"}}, "hal after 100", 201},
		{"the next second has its own", []piece{{0, lines(0, 300)}, {1, lines(300, 301)}}, "300 after 100", 201},
		{"and the one after", []piece{{0, lines(0, 300)}, {1, lines(300, 600)}}, "599 after 99", 401},
	}
	for _, test := range tests {
		var passed int
		var last string
		s := child.NewStream(func(_ string, line []byte, dropped int) {
			passed++
			last = fmt.Sprintf("%s after %d", line, dropped)
		})
		epoch := time.Now()
		for _, p := range test.pieces {
			s.Split([]byte(p.text), epoch.Add(time.Duration(p.second)*time.Second))
		}
		s.Finish()
		if last != test.last || passed != test.passed {
			t.Errorf("%s: got %q, %d passed on; want %q, %d", test.name, last, passed, test.last, test.passed)
		}
	}
}
