package proc_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/task"
	"github.com/hemgo/hem/task/tasktest"
)

func TestCloseWaitsForCallsAndTakesNoMore(t *testing.T) {
	t.Parallel()
	p, err := proc.New(proc.Config{Name: "kids", Workers: 2, Log: silent})
	if err != nil {
		t.Fatal(err)
	}
	b := beside(t, p, 2)
	closed := make(chan error, 2)
	for range cap(closed) {
		go func() { closed <- p.Close(t.Context()) }()
	}
	until(t, "the pool takes no more calls", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		_, err := pid.Do(ctx, p, task.Void{})
		return fault.KindOf(err) == fault.Invalid
	})
	select {
	case err := <-closed:
		t.Errorf("Close has not waited: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	b.unharmed(t)
	for range cap(closed) {
		if err := <-closed; err != nil {
			t.Error(err)
		}
	}
	if living := stillAlive(t, b.dir); living != nil {
		t.Errorf("after Close there are still %q", living)
	}
	if err := p.Close(t.Context()); err != nil {
		t.Errorf("a second Close: %v", err)
	}
	_, err = pid.Do(t.Context(), p, task.Void{})
	if fault.KindOf(err) != fault.Invalid || fault.Started(err) || !strings.Contains(err.Error(), "closed") || !strings.Contains(err.Error(), `"proc.pid"`) {
		t.Errorf("after Close: kind %v, started %v: %v", fault.KindOf(err), fault.Started(err), err)
	}
}

func TestCloseWithoutPatienceKillsAndSaysHowMany(t *testing.T) {
	t.Parallel()
	p, err := proc.New(proc.Config{Name: "kids", Workers: 3, Grace: time.Hour, Log: silent})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	failed := make(chan error, 2)
	for _, how := range []string{"spin", "fork"} {
		go func() {
			_, err := misbehave.Do(t.Context(), p, crime{How: how, Dir: dir})
			failed <- err
		}()
	}
	until(t, "both run", func() bool { return len(posted(dir, "pid ")) == 7 })
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errPatience)
	err = p.Close(ctx)
	if fault.KindOf(err) != fault.Cancelled || !errors.Is(err, errPatience) || !strings.Contains(err.Error(), "2 calls were killed") || !strings.Contains(err.Error(), `"kids"`) {
		t.Errorf("kind %v: %v", fault.KindOf(err), err)
	}
	if living := stillAlive(t, dir); living != nil {
		t.Errorf("after Close there are still %q", living)
	}
	for range 2 {
		err := <-failed
		var e *proc.ExitError
		if fault.KindOf(err) != fault.Cancelled || !fault.Started(err) || !errors.As(err, &e) || !strings.Contains(err.Error(), "the pool was closed") {
			t.Errorf("kind %v, started %v: %v", fault.KindOf(err), fault.Started(err), err)
		}
	}
}

func TestCloseWithoutPatienceRefusesThoseWhoWait(t *testing.T) {
	t.Parallel()
	p, err := proc.New(proc.Config{Name: t.Name(), Workers: 1, Grace: time.Hour, Log: silent})
	if err != nil {
		t.Fatal(err)
	}
	b := beside(t, p, 1)
	waits := make(chan error, 1)
	go func() {
		_, err := pid.Do(t.Context(), p, task.Void{})
		waits <- err
	}()
	until(t, "the second call waits", func() bool { return p.Stats().Queued == 1 })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Close(ctx); !strings.Contains(err.Error(), "1 calls were killed") {
		t.Error(err)
	}
	if err := <-waits; fault.KindOf(err) != fault.Cancelled || fault.Started(err) {
		t.Errorf("who waits: kind %v, started %v: %v", fault.KindOf(err), fault.Started(err), err)
	}
	b.calls.Wait()
	if err := b.errs[0]; fault.KindOf(err) != fault.Cancelled || !fault.Started(err) {
		t.Errorf("who runs: kind %v, started %v: %v", fault.KindOf(err), fault.Started(err), err)
	}
}

// Programs whose workers take their time, all of them or all but the first.
func init() {
	serve := func() { proc.Serve(append(tasktest.Tasks(), testTasks...)...) }
	programs["slow"] = func() { time.Sleep(300 * time.Millisecond); serve() }
	programs["slow but the first"] = func() {
		first := os.Getenv(envScene) + "/first"
		if f, err := os.OpenFile(first, os.O_CREATE|os.O_EXCL, 0o600); err == nil {
			f.Close()
			serve()
		}
		forever()
	}
}

func TestCloseDoesNotWaitForWorkersThatStart(t *testing.T) {
	t.Parallel()
	trace := envScene + "=" + t.TempDir()
	p, err := proc.New(proc.Config{Workers: 3, StartTimeout: time.Hour, Grace: time.Hour, Log: silent,
		Env: []string{envProgram + "=slow but the first", trace}})
	if err != nil {
		t.Fatal(err)
	}
	until(t, "others start", func() bool { return len(withEnviron(trace)) > 1 })
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if left := withEnviron(trace); left != nil {
		t.Errorf("processes %v are left", left)
	}
}

func TestNewReturnsWhenTheFirstWorkerIsReady(t *testing.T) {
	t.Parallel()
	p := open(t, proc.Config{Name: t.Name(), Workers: 3, StartTimeout: time.Hour, Log: silent,
		Env: []string{envProgram + "=slow but the first", envScene + "=" + t.TempDir()}})
	if _, err := pid.Do(t.Context(), p, task.Void{}); err != nil {
		t.Error(err)
	}
	if ready := figureOf(t.Name(), "idle"); ready != 1 {
		t.Errorf("%d workers are ready", ready)
	}
}

// Not parallel: they look at the descriptors and goroutines of this process.

func TestPoolsLeaveNoGoroutineAndNoDescriptor(t *testing.T) {
	cycle := func() {
		var pools sync.WaitGroup
		for range 20 {
			pools.Go(func() {
				p, err := proc.New(proc.Config{Workers: 1, Log: silent})
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := pid.Do(t.Context(), p, task.Void{}); err != nil {
					t.Error(err)
				}
				if _, err := misbehave.Do(t.Context(), p, crime{How: "exit 7", Dir: t.TempDir()}); err == nil {
					t.Error("a call that exits has succeeded")
				}
				if err := p.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		pools.Wait()
		_, err := proc.New(proc.Config{Command: []string{"true"}, Log: silent})
		if err == nil {
			t.Error("true is a worker")
		}
	}
	cycle() // what is made once for the program is made here
	goroutines, files := runtime.NumGoroutine(), openFilesHere(t)
	cycle()
	until(t, "there are as many goroutines and descriptors as before", func() bool {
		return runtime.NumGoroutine() <= goroutines && openFilesHere(t) <= files
	})
	if children := childrenHere(t); len(children) > 0 {
		until(t, "the guard has gone", func() bool { return len(childrenHere(t)) == 0 })
	}
}

func openFilesHere(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// childrenHere returns this process's children, dead or alive, and their state.
func childrenHere(t testing.TB) map[int]string {
	t.Helper()
	children := map[int]string{}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if s := stat(pid); s != nil && s[1] == strconv.Itoa(os.Getpid()) {
			children[pid] = s[0]
		}
	}
	return children
}

func TestHostThatUsesExecIsUndisturbedAndSeesNoZombies(t *testing.T) {
	p := open(t, proc.Config{Workers: 2, Log: silent})
	done := make(chan struct{})
	var others sync.WaitGroup
	others.Go(func() {
		dead := map[int]time.Time{}
		slowest, last := time.Duration(0), time.Now()
		for {
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
			}
			now := childrenHere(t)
			slowest, last = max(slowest, time.Since(last)), time.Now()
			for pid, state := range now {
				if state != "Z" {
					continue
				}
				if dead[pid].IsZero() {
					dead[pid] = time.Now()
				} else if time.Since(dead[pid]) > 2*time.Second+10*slowest {
					t.Errorf("process %d has been a zombie for %v", pid, time.Since(dead[pid]))
					return
				}
			}
			for pid := range dead {
				if now[pid] != "Z" {
					delete(dead, pid)
				}
			}
		}
	})
	others.Go(func() {
		for i := range 30 {
			_, err := misbehave.Do(t.Context(), p, crime{How: []string{"exit 7", "kill -9", "exit 0"}[i%3], Dir: t.TempDir()})
			if fault.KindOf(err) != fault.Lost {
				t.Error(err)
			}
		}
		close(done)
	})
	for i := 0; ; i++ {
		select {
		case <-done:
			others.Wait()
			until(t, "no child is a zombie", func() bool {
				return !slices.Contains(slices.Collect(maps.Values(childrenHere(t))), "Z")
			})
			if i == 0 {
				t.Error("nothing was run by os/exec")
			}
			return
		default:
		}
		want := i % 100
		err := exec.Command("sh", "-c", "exit "+strconv.Itoa(want)).Run()
		got := 0
		if e := (*exec.ExitError)(nil); errors.As(err, &e) {
			got = e.ExitCode()
		} else if err != nil {
			t.Error(err)
		}
		if got != want {
			t.Errorf("a command that exits with %d has exited with %d", want, got)
		}
	}
}
