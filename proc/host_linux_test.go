package proc_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/task/tasktest"
)

// envScene and envEnd tell a host where to leave notes, and how to end.
const (
	envScene = "HEM_PROC_TEST_SCENE"
	envEnd   = "HEM_PROC_TEST_END"
)

// host is a program with a pool, which ends in the middle of everything.
func host() {
	proc.Serve(append(tasktest.Tasks(), testTasks...)...)
	go func() {
		os.Stdin.Read(make([]byte, 1)) // until the test that has started it is gone
		os.Exit(4)
	}()
	dir := os.Getenv(envScene)
	p, err := proc.New(proc.Config{Name: "doomed", Workers: 5, Grace: time.Hour, StartTimeout: time.Hour, Log: silent})
	if err != nil {
		post(dir, "failed", err)
		return
	}
	for _, how := range []string{"spin", "stop", "defy", "fork"} {
		go func() {
			_, err := misbehave.Do(context.Background(), p, crime{How: how, Dir: dir})
			post(dir, "failed", err)
		}()
	}
	for len(posted(dir, "pid ")) < 9 {
		time.Sleep(time.Millisecond)
	}
	post(dir, "pid host", os.Getpid())
	switch os.Getenv(envEnd) {
	case "exit":
		os.Exit(3)
	case "panic":
		panic("the host has a bug")
	case "return":
		return
	}
	select {}
}

func init() { programs["host"] = host }

// ends are the ways in which a host ends without closing its pool.
var ends = []struct {
	name   string
	signal syscall.Signal
}{
	{"is killed", syscall.SIGKILL},
	{"is told to end", syscall.SIGTERM},
	{"is interrupted at the terminal", syscall.SIGINT},
	{"exit", 0},
	{"panic", 0},
	{"return", 0},
}

func TestNothingIsLeftOfAHostThat(t *testing.T) {
	for _, end := range ends {
		t.Run(end.name, func(t *testing.T) {
			t.Parallel()
			// That nothing is left is looked at each time. A second is promised
			// of a machine that has time: one such try of three must keep to it.
			var took []time.Duration
			for range 3 {
				lived, busy := endHost(t, end.name, end.signal)
				if lived < time.Second || busy {
					t.Logf("everything had gone after %v, with the machine busy: %v", lived, busy)
					return
				}
				took = append(took, lived)
			}
			t.Errorf("something lived on for %v", took)
		})
	}
}

// endHost starts a host, ends it, and returns how long others lived on, and
// whether the machine had more to do than that.
func endHost(t *testing.T, how string, sig syscall.Signal) (lived time.Duration, busy bool) {
	t.Helper()
	busy = runnable(t) > 3*runtime.NumCPU()
	dir := t.TempDir()
	trace := envScene + "=" + dir
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envProgram+"=host", trace, envEnd+"="+how)
	lifeline, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer lifeline.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	defer func() {
		cmd.Process.Kill()
		<-ended
	}()
	go func() {
		cmd.Wait()
		close(ended)
	}()
	until(t, "the host is in the middle of everything", func() bool {
		for _, why := range posted(dir, "failed") {
			t.Fatalf("the host has failed: %s", why)
		}
		return len(posted(dir, "pid host")) > 0
	})
	own := waitForPid(t, dir, "pid host")
	if sig != 0 {
		// The host is there, four busy workers, an idle one, five grandchildren
		// and a guard.
		until(t, "all are found", func() bool { return len(withEnviron(trace)) >= 12 })
		if living := stillAlive(t, dir); len(living) != 10 {
			t.Errorf("before the end there are only %q", living)
		}
		if err := syscall.Kill(own, sig); err != nil {
			t.Fatal(err)
		}
	}
	<-ended
	began := time.Now()
	until(t, "all have gone", func() bool { return len(withEnviron(trace)) == 0 && len(stillAlive(t, dir)) == 0 })
	return time.Since(began), busy
}

// runnable returns how many threads of the machine want to run.
func runnable(t testing.TB) (n int) {
	t.Helper()
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(text))
	if _, err := fmt.Sscanf(fields[3], "%d/", &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNestedPoolsEndWithTheirHosts(t *testing.T) {
	t.Parallel()
	p, dir := open(t, proc.Config{Workers: 1, Grace: 100 * time.Millisecond, Log: silent}), t.TempDir()
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := misbehave.Do(ctx, p, crime{How: "nest", Dir: dir})
		ended <- err
	}()
	until(t, "something spins in the inner pool", func() bool {
		select {
		case err := <-ended:
			t.Fatalf("it has ended: %v", err)
		default:
		}
		return len(posted(dir, "pid ")) == 2
	})
	if living := stillAlive(t, dir); len(living) != 2 {
		t.Errorf("before the end there are only %q", living)
	}
	cancel(errPatience)
	if err := <-ended; err == nil || !strings.Contains(err.Error(), errPatience.Error()) {
		t.Error(err)
	}
	if living := stillAlive(t, dir); living != nil {
		t.Errorf("after the end there are still %q", living)
	}
	isWhole(t, p, 1)
}

// nest has a pool of its own, in which something spins.
func nest(ctx context.Context, c crime) (int, error) {
	inner, err := proc.New(proc.Config{Name: "inner", Workers: 1, Grace: time.Hour, StartTimeout: time.Hour, Log: silent})
	if err != nil {
		return 0, fmt.Errorf("nested: %w", err)
	}
	return misbehave.Do(context.WithoutCancel(ctx), inner, crime{How: "spin", Dir: c.Dir})
}
