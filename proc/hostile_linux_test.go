package proc_test

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/task"
)

var errPatience = errors.New("the caller has lost patience")

// A hostile is a misdeed, and what the caller is to hear of it.
type hostile struct {
	how     string
	cancel  bool // the caller's context ends while it runs
	timeout bool // at its deadline
	wall    time.Duration

	kind   fault.Kind
	code   int
	signal syscall.Signal
	says   []string // in the error
}

const killed = syscall.SIGKILL

var hostiles = []hostile{
	{how: "spin", timeout: true, kind: fault.Deadline, code: -1, signal: killed,
		says: []string{"was killed: it went on for the grace of 200ms"}},
	{how: "spin", cancel: true, kind: fault.Cancelled, code: -1, signal: killed,
		says: []string{"the caller has lost patience", "was killed: it went on for the grace of 200ms"}},
	{how: "spin", wall: 100 * time.Millisecond, kind: fault.Deadline, code: -1, signal: killed,
		says: []string{"the call has run for Config.Limits.Wall, which is ", "grace of 200ms"}},
	{how: "stop", timeout: true, kind: fault.Deadline, code: -1, signal: killed, says: []string{"grace"}},
	{how: "defy", cancel: true, kind: fault.Cancelled, code: -1, signal: killed, says: []string{"grace"}},
	{how: "fork", cancel: true, kind: fault.Cancelled, code: -1, signal: killed, says: []string{"grace"}},
	{how: "fork, exit", kind: fault.Lost, code: 4, says: []string{"exited with status 4"}},
	{how: "hang up", kind: fault.Lost, code: -1, signal: killed, says: []string{"closed its descriptors"}},
	{how: "fall silent", kind: fault.Lost, code: -1, signal: killed, says: []string{"closed its descriptors"}},
	{how: "exit 0", kind: fault.Lost, code: 0, says: []string{"exited with status 0"}},
	{how: "exit 7", kind: fault.Lost, code: 7, says: []string{"exited with status 7", "having printed", "last words"}},
	{how: "kill -9", kind: fault.Lost, code: -1, signal: killed, says: []string{"ended by signal 9 (killed)"}},
	{how: "segv", kind: fault.Lost, code: -1, signal: syscall.SIGSEGV, says: []string{"ended by signal 11 (segmentation fault)"}},
	{how: "segv in Go", kind: fault.Lost, code: 2, says: []string{"exited with status 2", "SIGSEGV"}},
	{how: "abort", kind: fault.Lost, code: -1, signal: syscall.SIGABRT, says: []string{"ended by signal 6 (aborted)"}},
	{how: "panic aside", kind: fault.Lost, code: 2, says: []string{"exited with status 2", "panic: nobody recovers this", "goroutine"}},
	{how: "bad unlock", kind: fault.Lost, code: 2, says: []string{"fatal error: sync: unlock of unlocked mutex"}},
	{how: "map race", kind: fault.Lost, code: 2, says: []string{"exited with status 2", "concurrent map"}},
	{how: "deep", kind: fault.Lost, code: 2, says: []string{"exited with status 2", "fatal error: stack overflow"}},
	{how: "babble", kind: fault.Lost, code: -1, signal: killed, says: []string{"was killed", `"to be or not to be`}},
}

func (h hostile) name() string {
	switch {
	case h.cancel:
		return h.how + ", cancelled"
	case h.timeout:
		return h.how + ", past its deadline"
	case h.wall > 0:
		return h.how + ", past the wall"
	}
	return h.how
}

func TestHostileWorkerFailsOneCallAndThePoolIsWholeAgain(t *testing.T) {
	for _, h := range hostiles {
		t.Run(h.name(), func(t *testing.T) {
			t.Parallel()
			h.test(t)
		})
	}
}

// test has h done. Where time is up before it has begun, as happens on a busy
// machine, it is done again with more time.
func (h hostile) test(t *testing.T) {
	for stretch := time.Duration(1); !h.try(t, stretch); stretch *= 4 {
		if stretch > 64 {
			t.Fatal("it has not begun before its time was up")
		}
	}
}

// try reports whether h has begun before the time that it has, times stretch,
// was up.
func (h hostile) try(t *testing.T, stretch time.Duration) (begun bool) {
	const workers = 3
	// What bystanders may run for is no matter here, and so the wall has a pool
	// of its own, with one worker.
	c := proc.Config{Workers: workers, Grace: 200 * time.Millisecond, Log: silent}
	c.Limits.Wall = h.wall * stretch
	p, dir := open(t, c), t.TempDir()
	others := &bystanders{dir: t.TempDir()}
	if h.wall == 0 {
		others = beside(t, p, workers-1)
	}
	err := h.commit(t, p, dir, stretch)
	if len(posted(dir, "pid ")) == 0 && fault.KindOf(err) == fault.Deadline {
		others.unharmed(t)
		return false
	}
	if living := stillAlive(t, dir); living != nil {
		t.Errorf("when the call has failed there are still %q", living)
	}
	others.unharmed(t)
	h.judge(t, err, dir)
	if h.wall == 0 {
		isWhole(t, p, workers)
	}
	return true
}

// commit has it done, and returns the error.
func (h hostile) commit(t *testing.T, p *proc.Pool, dir string, stretch time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	done := make(chan struct{})
	defer func() { <-done }()
	go func() {
		defer close(done)
		for h.cancel && len(posted(dir, "pid "+h.how)) == 0 && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		if h.cancel {
			for h.how == "fork" && len(posted(dir, "pid ")) < 6 && ctx.Err() == nil {
				time.Sleep(time.Millisecond)
			}
			cancel(errPatience)
		}
	}()
	call := context.Context(ctx)
	if h.timeout {
		var end context.CancelFunc
		call, end = context.WithTimeout(ctx, 300*time.Millisecond*stretch)
		defer end()
	}
	_, err := misbehave.Do(call, p, crime{How: h.how, Dir: dir})
	cancel(nil)
	if err == nil {
		t.Fatal("the call has succeeded")
	}
	return err
}

func (h hostile) judge(t *testing.T, err error, dir string) {
	t.Helper()
	if k := fault.KindOf(err); k != h.kind {
		t.Errorf("its kind is %v, want %v: %v", k, h.kind, err)
	}
	if !fault.Started(err) {
		t.Errorf("it says that it had not started: %v", err)
	}
	if h.cancel && !errors.Is(err, errPatience) {
		t.Errorf("the caller's cause is not in %v", err)
	}
	if h.kind == fault.Deadline && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it is no DeadlineExceeded: %v", err)
	}
	var e *proc.ExitError
	if !errors.As(err, &e) {
		t.Fatalf("no ExitError is in %v", err)
	}
	if e.Code != h.code || e.Signal != h.signal || e.OverMemory || e.OverPids {
		t.Errorf("want code %d, signal %d in %+v", h.code, h.signal, e)
	}
	if (e.Reason != "") != (h.signal == killed && h.how != "kill -9") {
		t.Errorf("its reason is %q", e.Reason)
	}
	if e.Pid != waitForPid(t, dir, "pid "+h.how) {
		t.Errorf("its pid is %d, of notes %q", e.Pid, posted(dir, "pid "))
	}
	for _, want := range append(h.says, e.Command) {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in the error:\n%v", want, err)
		}
	}
}

func TestBystandersAreCheckedForHarm(t *testing.T) {
	t.Parallel()
	p := open(t, proc.Config{Workers: 2, Log: silent})
	b := beside(t, p, 2)
	kill(t, waitForPid(t, b.dir, "pid linger 0"))
	post(b.dir, "go", "")
	b.calls.Wait()
	if b.errs[0] == nil || b.errs[1] != nil {
		t.Errorf("of two bystanders the first of which was killed: %v", b.errs)
	}
}

func TestWorkerStoppedWhileIdleHasNotStartedTheCall(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"a call that fits into the pipe": 10, "a call that does not": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := open(t, proc.Config{Workers: 1, Grace: 100 * time.Millisecond, Log: silent})
			idler := isWhole(t, p, 1)[0]
			if err := syscall.Kill(idler, syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			until(t, "it has stopped", func() bool { return stat(idler)[0] == "T" })
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			_, err := same.Do(ctx, p, make([]byte, size))
			var e *proc.ExitError
			if fault.KindOf(err) != fault.Deadline || fault.Started(err) || !errors.As(err, &e) || e.Pid != idler {
				t.Errorf("kind %v, started %v: %v", fault.KindOf(err), fault.Started(err), err)
			}
			isWhole(t, p, 1)
		})
	}
}

func TestWorkerKilledWhileIdleIsReplacedBeforeAnybodyNotices(t *testing.T) {
	t.Parallel()
	p := open(t, proc.Config{Name: t.Name(), Workers: 2, Log: silent})
	for round := range 3 {
		for _, idler := range isWhole(t, p, 2) {
			kill(t, idler)
		}
		until(t, "the pool has seen it", func() bool { return figureOf(t.Name(), "lost") == 2*(round+1) })
		if _, err := pid.Do(t.Context(), p, task.Void{}); err != nil {
			t.Errorf("the next call: %v", err)
		}
		isWhole(t, p, 2)
	}
}

func TestCallThatMeetsADeadWorkerHasNotStarted(t *testing.T) {
	t.Parallel()
	p := open(t, proc.Config{Workers: 1, Log: silent})
	for range 10 {
		idler := isWhole(t, p, 1)[0]
		if err := syscall.Kill(idler, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if _, err := pid.Do(t.Context(), p, task.Void{}); err != nil && (fault.Started(err) || fault.KindOf(err) != fault.Lost) {
			t.Errorf("kind %v, started %v: %v", fault.KindOf(err), fault.Started(err), err)
		}
	}
}

func TestSignalsOfATerminalDoNotEndAWorker(t *testing.T) {
	t.Parallel()
	p := open(t, proc.Config{Workers: 1, Log: silent})
	b := beside(t, p, 1)
	worker := waitForPid(t, b.dir, "pid linger 0")
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		if err := syscall.Kill(worker, sig); err != nil {
			t.Fatal(err)
		}
	}
	b.unharmed(t)
}

func TestWhatASuccessfulCallLeavesBehindEndsWithItsWorker(t *testing.T) {
	t.Parallel()
	p, dir := open(t, proc.Config{Workers: 1, Log: silent}), t.TempDir()
	if _, err := misbehave.Do(t.Context(), p, crime{How: "fork, return", Dir: dir}); err != nil {
		t.Fatal(err)
	}
	if living := stillAlive(t, dir); len(living) != 6 {
		t.Errorf("before the end there are only %q", living)
	}
	if err := p.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if living := stillAlive(t, dir); living != nil {
		t.Errorf("after the end there are still %q", living)
	}
}

func TestWorkerThatHangsUpWhileIdleIsReplacedForTheNextCall(t *testing.T) {
	t.Parallel()
	p := open(t, proc.Config{Workers: 1, Grace: 200 * time.Millisecond, Log: silent})
	first, err := misbehave.Do(t.Context(), p, crime{How: "hang up later", Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if next, err := pid.Do(ctx, p, task.Void{}); err == nil && next == first {
		t.Error("a worker without descriptors has answered")
	} else if err != nil && fault.KindOf(err) != fault.Lost {
		t.Error(err)
	}
	isWhole(t, p, 1)
	if alive(first) {
		t.Error("it still lives")
	}
}
