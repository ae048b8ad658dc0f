//go:build unix

package proc_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hemgo/hem/proc/internal/frame"
)

// visited is the worker in Python without a pool: the test is its host.
type visited struct {
	cmd    *exec.Cmd
	r      *frame.Reader
	w      *frame.Writer
	in     *os.File // to the worker
	stderr bytes.Buffer
}

// visit starts the worker and exchanges greetings with it.
func visit(t *testing.T) *visited {
	t.Helper()
	v := arrive(t)
	v.send(t, frame.Welcome, 0, `{"max_payload": 1000, "pool": "none", "later": {}}`)
	return v
}

// arrive starts the worker and hears its hello.
func arrive(t *testing.T) *visited {
	t.Helper()
	command := python(t)
	theirIn, in, errIn := os.Pipe()
	out, theirOut, errOut := os.Pipe()
	if errIn != nil || errOut != nil {
		t.Fatal(errIn, errOut)
	}
	v := &visited{cmd: exec.Command(command[0], command[1:]...), r: frame.NewReader(out, 1<<20), w: frame.NewWriter(in), in: in}
	v.cmd.Env = append(os.Environ(), "HEM_PROC=worker")
	v.cmd.ExtraFiles = []*os.File{theirIn, theirOut}
	v.cmd.Stderr = &v.stderr
	v.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := v.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirIn.Close()
	theirOut.Close()
	t.Cleanup(func() { in.Close(); out.Close() })
	if f := v.next(t); f.Kind != frame.Hello || !strings.Contains(string(f.Body), `"worker": "hem-python 3.`) {
		t.Errorf("its hello is %v %s", f.Kind, f.Body)
	}
	return v
}

func (v *visited) send(t *testing.T, k frame.Kind, call uint64, body string) {
	t.Helper()
	if err := v.w.Write(k, call, nil, []byte(body)); err != nil {
		t.Fatal(err)
	}
}

func (v *visited) call(t *testing.T, call uint64, name, input string) {
	t.Helper()
	v.send(t, frame.Call, call, string(frame.AppendRequest(nil, frame.Request{Task: name, Watched: true}))+input)
}

func (v *visited) next(t *testing.T) frame.Frame {
	t.Helper()
	f, err := v.r.Next()
	if err != nil {
		t.Fatalf("%v; it printed %s", err, v.ended(t))
	}
	return f
}

// ended returns what the worker has printed, once it has ended.
func (v *visited) ended(t *testing.T) string {
	t.Helper()
	defer time.AfterFunc(10*time.Second, func() {
		t.Error("it has not ended")
		v.cmd.Process.Kill()
	}).Stop()
	v.cmd.Wait()
	return v.stderr.String()
}

func TestWorkerInPythonLeavesWhenItsHostLetsGo(t *testing.T) {
	v := visit(t)
	v.call(t, 7, "tasktest.square", "12")
	if f := v.next(t); f.Kind != frame.Result || f.Call != 7 || string(f.Body) != "144" {
		t.Errorf("it answered %v %d %s", f.Kind, f.Call, f.Body)
	}
	v.in.Close()
	if printed := v.ended(t); v.cmd.ProcessState.ExitCode() != 0 || printed != "" {
		t.Errorf("%v, having printed %s", v.cmd.ProcessState, printed)
	}
}

func TestWorkerInPythonLeavesWhenItIsNotWelcome(t *testing.T) {
	v := arrive(t)
	v.in.Close()
	if printed := v.ended(t); v.cmd.ProcessState.ExitCode() != 0 || printed != "" {
		t.Errorf("%v, having printed %s", v.cmd.ProcessState, printed)
	}
}

func TestWorkerInPythonEndsAtOnceWithAHostThatDies(t *testing.T) {
	v := visit(t)
	v.call(t, 1, "tasktest.stubborn", `{"For": 3600000000000}`)
	if f := v.next(t); f.Kind != frame.Progress {
		t.Errorf("it said %v %s", f.Kind, f.Body)
	}
	v.in.Close()
	v.ended(t)
	if s := v.cmd.ProcessState.Sys().(syscall.WaitStatus); s.Signal() != syscall.SIGKILL {
		t.Errorf("it ended with %v, not by the kill of its own group", v.cmd.ProcessState)
	}
}

func TestWorkerInPythonGoesOnWhenSignalled(t *testing.T) {
	v := visit(t)
	for _, s := range []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		if err := v.cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	v.call(t, 1, "tasktest.square", "3")
	if f := v.next(t); string(f.Body) != "9" {
		t.Errorf("it answered %v %s", f.Kind, f.Body)
	}
	v.in.Close()
	v.ended(t)
}

func TestWorkerInPythonEndsWhenItsHostBreaksTheProtocol(t *testing.T) {
	whole := new(bytes.Buffer)
	if err := frame.NewWriter(whole).Write(frame.Call, 1, frame.AppendRequest(nil, frame.Request{Task: "tasktest.square"}), []byte("12")); err != nil {
		t.Fatal(err)
	}
	damage := func(at int, by byte) string {
		b := bytes.Clone(whole.Bytes())
		b[at] ^= by
		return string(b)
	}
	for _, test := range []struct{ name, sent, want string }{
		{"something else", "hello world, and some more of it", "not a frame: begins with b'hello world"},
		{"another version", damage(2, 4), "another version than 1"},
		{"a damaged length", damage(4, 1), "damaged header"},
		{"a damaged checksum", damage(21, 1), "damaged header"},
		{"a damaged name", damage(50, 1), "damaged body"},
		{"half a header", whole.String()[:22], "the stream ends within a header"},
		{"half a body", whole.String()[:45], "the stream ends within a body"},
		{"a worker's kind", frameOf(t, frame.Result, ""), "kind 6 is for workers to send"},
		{"too long a body", frameOf(t, frame.Call, strings.Repeat("x", 1000+4<<20+1)), "a body of 4195305 bytes is longer than the 4195304 allowed"},
	} {
		v := visit(t)
		if _, err := v.in.WriteString(test.sent); err != nil && !strings.Contains(test.name, "too long") {
			t.Fatal(err)
		}
		v.in.Close()
		if printed := v.ended(t); v.cmd.ProcessState.ExitCode() != 3 || !strings.Contains(printed, test.want) {
			t.Errorf("%s: %v, having printed %s", test.name, v.cmd.ProcessState, printed)
		}
	}
}

func frameOf(t *testing.T, k frame.Kind, body string) string {
	t.Helper()
	b := new(bytes.Buffer)
	if err := frame.NewWriter(b).Write(k, 1, nil, []byte(body)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWorkerInPythonThatNoPoolStartedSaysWhatItIs(t *testing.T) {
	command := python(t)
	printed, err := exec.Command(command[0], command[1:]...).CombinedOutput()
	if err == nil || !strings.Contains(string(printed), "is a worker: name it in the Command of a proc.Config") {
		t.Errorf("%v: %s", err, printed)
	}
}
