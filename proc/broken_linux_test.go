package proc_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/proc/internal/frame"
	"github.com/hemgo/hem/task"
)

// A line is a worker's end of the protocol, for workers that break it.
type line struct {
	in  *frame.Reader
	out *frame.Writer
	raw *os.File
}

func dial() *line {
	raw := os.NewFile(4, "to host")
	return &line{frame.NewReader(os.NewFile(3, "from host"), 64<<20), frame.NewWriter(raw), raw}
}

func (l *line) hello() {
	l.out.Write(frame.Hello, 0, nil, []byte(`{"worker":"broken","tasks":["proc.same","proc.pid"]}`))
	l.in.Next()
}

func (l *line) next() frame.Frame {
	f, err := l.in.Next()
	if err != nil {
		os.Exit(0)
	}
	return f
}

func forever() { time.Sleep(5 * time.Minute) }

// starts are workers that never become ready, and what New says of them.
var starts = []struct {
	name string
	run  func()
	kind fault.Kind
	says []string
}{
	{"mute", forever, fault.Lost, []string{"it has not said hello within 300ms"}},
	{"leaver", func() { say("no such library"); os.Exit(5) }, fault.Lost, []string{"exited with status 5", "no such library"}},
	{"leaver in peace", func() {}, fault.Lost, []string{"exited with status 0"}},
	{"of version 2", func() {
		b := []byte("Hm\x02\x01\x00\x00\x00\x00aaaaaaaabbbbcccc")
		dial().raw.Write(b)
		forever()
	}, fault.Lost, []string{"does not speak the worker protocol", "speaks version 2, this is version 1"}},
	{"garbage", func() { dial().raw.WriteString("HTTP/1.1 400 Bad Request\r\n"); forever() },
		fault.Lost, []string{"does not speak the worker protocol", `"HTTP/1.1 400 Bad Request`}},
	{"result before hello", func() { dial().out.Write(frame.Result, 1, nil, nil); forever() },
		fault.Lost, []string{"its first message is not a hello but a result"}},
	{"hello that is no JSON", func() { dial().out.Write(frame.Hello, 0, nil, []byte("hi")); forever() },
		fault.Lost, []string{"its hello cannot be read"}},
	{"half a hello", func() { dial().raw.WriteString("Hm\x01\x01"); os.Exit(6) }, fault.Lost, []string{"status 6"}},
	{"endless hello", func() {
		dial().out.Write(frame.Hello, 0, nil, bytes.Repeat([]byte(" "), 2<<20))
		forever()
	}, fault.Lost, []string{"a hello of 2097152 bytes is longer than the 1048576 allowed"}},
	{"closes and stays", func() { dial().raw.Close(); forever() }, fault.Lost, []string{"closed its descriptors"}},
	{"prints a lot", func() { os.Stdout.Write(make([]byte, 4<<20)); say("ready!"); os.Exit(9) },
		fault.Lost, []string{"status 9", "ready!"}},
}

func TestNewSaysWhatIsWrongWithACommandThatDoesNotBecomeAWorker(t *testing.T) {
	for _, s := range starts {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			trace := "HEM_PROC_TEST_TRACE=" + t.TempDir()
			c := proc.Config{Name: "kids", Workers: 2, StartTimeout: time.Hour, Log: silent}
			c.Env = []string{envProgram + "=" + s.name, trace}
			if s.name == "mute" {
				c.StartTimeout = 300 * time.Millisecond
			}
			began := time.Now()
			p, err := proc.New(c)
			if err == nil {
				p.Close(t.Context())
				t.Fatal("New has succeeded")
			}
			if took := time.Since(began); took > patience {
				t.Errorf("that took %v", took)
			}
			if left := withEnviron(trace); left != nil {
				t.Errorf("processes %v are left", left)
			}
			var e *proc.ExitError
			if fault.KindOf(err) != s.kind || fault.Started(err) || !errors.As(err, &e) {
				t.Errorf("kind %v, started %v, ExitError %v: %v", fault.KindOf(err), fault.Started(err), e, err)
			}
			for _, want := range append(s.says, os.Args[0]) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in the error:\n%v", want, err)
				}
			}
		})
	}
}

// answers are workers that break the protocol when they have their first call,
// and what the caller hears. Later calls have the same fate, on other workers.
var answers = []struct {
	name    string
	answer  func(l *line, f frame.Frame)
	kind    fault.Kind // None: the call succeeds
	started bool
	says    []string
}{
	{"answers another call", func(l *line, f frame.Frame) { l.out.Write(frame.Result, f.Call+7, nil, nil) },
		fault.Lost, true, []string{"it answered call 8 instead of call 1"}},
	{"answers with a call", func(l *line, f frame.Frame) { l.out.Write(frame.Call, f.Call, nil, nil) },
		fault.Lost, true, []string{"it sent a call, which is for the host to send"}},
	{"greets again", func(l *line, f frame.Frame) { l.hello() },
		fault.Lost, true, []string{"it sent a hello"}},
	{"answers nonsense", func(l *line, f frame.Frame) { l.raw.WriteString("{\"ok\":true}\n") },
		fault.Lost, true, []string{`not a frame: begins with "{\"ok\":true}`}},
	{"answers of another version", func(l *line, f frame.Frame) { l.raw.WriteString("Hm\x03") },
		fault.Lost, true, []string{"speaks version 3"}},
	{"damages its answer", func(l *line, f frame.Frame) {
		var b bytes.Buffer
		frame.NewWriter(&b).Write(frame.Result, f.Call, nil, []byte("abc"))
		damaged := b.Bytes()
		damaged[frame.HeaderSize+1] ^= 4
		l.raw.Write(damaged)
	}, fault.Lost, true, []string{"damaged result"}},
	{"fails with nothing", func(l *line, f frame.Frame) {
		l.out.Write(frame.Failure, f.Call, nil, nil)
	}, fault.Lost, true, []string{"it sent a failure that is none"}},
	{"reports nonsense", func(l *line, f frame.Frame) { l.out.Write(frame.Progress, f.Call, nil, []byte("12")) },
		fault.Lost, true, []string{"its progress cannot be read"}},
	{"stops in the middle", func(l *line, f frame.Frame) {
		var b bytes.Buffer
		frame.NewWriter(&b).Write(frame.Result, f.Call, nil, []byte("abcdefgh"))
		l.raw.Write(b.Bytes()[:frame.HeaderSize+3])
		os.Exit(8)
	}, fault.Lost, true, []string{"status 8"}},
	{"answers a little too much", func(l *line, f frame.Frame) { l.out.Write(frame.Result, f.Call, nil, make([]byte, 1<<20+1)) },
		fault.Invalid, true, []string{"1048577", "1048576"}},
	{"answers far too much", func(l *line, f frame.Frame) { l.out.Write(frame.Result, f.Call, nil, make([]byte, 9<<20)) },
		fault.Lost, true, []string{"a result of 9437184 bytes is longer"}},
	{"closes its end", func(*line, frame.Frame) { syscall.Close(4) }, fault.Lost, true, []string{"it closed its descriptors and went on"}},
	{"answers twice", func(l *line, f frame.Frame) {
		l.out.Write(frame.Result, f.Call, nil, []byte{0})
		l.out.Write(frame.Result, f.Call, nil, []byte{0})
	}, fault.None, true, nil},
}

func init() {
	for _, s := range starts {
		programs[s.name] = s.run
	}
	for _, a := range answers {
		programs[a.name] = func() {
			l := dial()
			l.hello()
			a.answer(l, l.next())
			forever()
		}
	}
}

func TestWorkerThatBreaksTheProtocolFailsItsCallAndIsReplaced(t *testing.T) {
	for _, a := range answers {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			p := open(t, proc.Config{Name: t.Name(), Workers: 1, MaxPayload: 1 << 20, Grace: 200 * time.Millisecond, Log: silent,
				Env: []string{envProgram + "=" + a.name}})
			for round := range 2 { // the second one on another worker
				_, err := same.Do(t.Context(), p, nil)
				if fault.KindOf(err) != a.kind || fault.Started(err) != a.started {
					t.Errorf("kind %v, started %v: %v", fault.KindOf(err), fault.Started(err), err)
				}
				for _, want := range a.says {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%q is not in the error:\n%v", want, err)
					}
				}
				var e *proc.ExitError
				if isLost := a.kind == fault.Lost; errors.As(err, &e) != isLost {
					t.Errorf("ExitError %v in %v", e, err)
				}
				until(t, "the worker has gone", func() bool { return figureOf(t.Name(), "lost") == round+1 })
			}
		})
	}
}

func TestCallOfATaskThatTheWorkersDoNotKnowNamesThoseTheyDo(t *testing.T) {
	t.Parallel()
	p := open(t, proc.Config{Workers: 1, Log: silent})
	before := isWhole(t, p, 1)
	stranger := task.Define("proc.stranger", func(_ context.Context, in int) (int, error) { return in, nil })
	_, err := stranger.Do(t.Context(), p, 1)
	if fault.KindOf(err) != fault.Invalid || fault.Started(err) || !strings.Contains(fault.HintOf(err), "proc.Serve") {
		t.Errorf("kind %v, started %v, hint %q", fault.KindOf(err), fault.Started(err), fault.HintOf(err))
	}
	for _, want := range []string{"proc.stranger", os.Args[0], "they know", "proc.give", "and "} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	if after := isWhole(t, p, 1); after[0] != before[0] {
		t.Error("the worker was replaced for a call that it did not see")
	}
}

func TestPayloadsAreCarriedUpToTheLimitAndNoFurther(t *testing.T) {
	t.Parallel()
	// A []byte travels as itself and one byte.
	const limit = 1<<20 - 1
	p := open(t, proc.Config{Workers: 1, MaxPayload: limit + 1, Log: silent})
	before := isWhole(t, p, 1)
	for _, n := range []int{0, 1, 60 << 10, 64 << 10, limit - 1, limit} {
		in := bytes.Repeat([]byte{0, 'x', '\n'}, n/3+1)[:n]
		if out, err := same.Do(t.Context(), p, in); err != nil || !bytes.Equal(out, in) {
			t.Errorf("of %d bytes %d come back, and %v", n, len(out), err)
		}
		if out, err := give.Do(t.Context(), p, n); err != nil || len(out) != n {
			t.Errorf("%d bytes are asked for, %d come, and %v", n, len(out), err)
		}
	}
	_, errIn := same.Do(t.Context(), p, make([]byte, limit+1))
	_, errOut := give.Do(t.Context(), p, limit+1)
	for _, err := range []error{errIn, errOut} {
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "1048577") || !strings.Contains(err.Error(), "1048576") {
			t.Errorf("kind %v: %v", fault.KindOf(err), err)
		}
	}
	if fault.Started(errIn) || !fault.Started(errOut) {
		t.Errorf("the input's has started: %v; the output's: %v", fault.Started(errIn), fault.Started(errOut))
	}
	if after := isWhole(t, p, 1); after[0] != before[0] {
		t.Error("the worker was replaced for a payload over the limit")
	}
}
