package scope_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hemgo/hem/scope"
)

// programs are what the test binary does instead of testing if programEnv
// names one: Main is about whole processes.
var programs = map[string]func(){}

const programEnv = "HEM_SCOPE_PROGRAM"

// patience bounds every wait for a child process.
const patience = 30 * time.Second

// A child is a running program.
type child struct {
	t      *testing.T
	cmd    *exec.Cmd
	lines  *bufio.Scanner // of its standard output
	stderr bytes.Buffer
}

// start runs one of programs. It is killed if it takes longer than patience.
func start(t *testing.T, name string) *child {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	c := &child{t: t, cmd: exec.CommandContext(ctx, os.Args[0])}
	c.cmd.Env = append(os.Environ(), programEnv+"="+name)
	c.cmd.Stderr = &c.stderr
	c.cmd.WaitDelay = time.Second
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.lines = bufio.NewScanner(out)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// says waits for lines of the child's output.
func (c *child) says(lines ...string) {
	c.t.Helper()
	for _, want := range lines {
		if !c.lines.Scan() || c.lines.Text() != want {
			c.t.Fatalf("the child says %q, want %q; standard error:\n%s", c.lines.Text(), want, c.stderr.String())
		}
	}
}

// saysAll waits for the end of the child's output, and returns what is left.
func (c *child) saysAll() string {
	var all strings.Builder
	for c.lines.Scan() {
		all.WriteString(c.lines.Text() + "\n")
	}
	return all.String()
}

func (c *child) signal(sig os.Signal) {
	c.t.Helper()
	if err := c.cmd.Process.Signal(sig); err != nil {
		c.t.Fatal(err)
	}
}

// exits waits for the child, which must say no more, and returns what it wrote
// to standard error.
func (c *child) exits(status int) (stderr string) {
	c.t.Helper()
	for c.lines.Scan() {
		c.t.Errorf("the child also says %q", c.lines.Text())
	}
	err := c.cmd.Wait()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		c.t.Error(err)
	}
	if got := c.cmd.ProcessState.ExitCode(); got != status {
		c.t.Errorf("exit status %d, want %d; standard error:\n%s", got, status, c.stderr.String())
	}
	return c.stderr.String()
}

func init() {
	service := func(body func(ctx context.Context, s *scope.Scope) error) func() {
		return func() {
			scope.Main(func(ctx context.Context, s *scope.Scope) error {
				s.Defer(func() error { fmt.Println("closed"); return nil })
				return body(ctx, s)
			}, scope.Grace(patience))
		}
	}
	programs["serve"] = service(func(ctx context.Context, s *scope.Scope) error {
		s.OnStop(func(ctx context.Context) error { fmt.Println("drains:", ctx.Err()); return nil })
		s.Go(func(ctx context.Context) error {
			<-ctx.Done()
			fmt.Println("told:", context.Cause(ctx))
			return ctx.Err()
		})
		fmt.Println("ready")
		<-ctx.Done()
		return ctx.Err()
	})
	programs["succeed"] = service(func(context.Context, *scope.Scope) error { return nil })
	programs["fail"] = service(func(_ context.Context, s *scope.Scope) error { s.Go(failWith(errBoom)); return nil })
	programs["fail to drain"] = service(func(ctx context.Context, s *scope.Scope) error {
		s.OnStop(failWith(errBoom))
		fmt.Println("ready")
		return stay(ctx)
	})
	programs["panic in a task"] = service(func(_ context.Context, s *scope.Scope) error {
		s.Go(explode("no such item"), scope.Name("checkout"))
		return nil
	})
	programs["panic in the body"] = service(func(context.Context, *scope.Scope) error { return explode("no such item")(nil) })
	programs["goexit"] = service(func(_ context.Context, s *scope.Scope) error {
		s.Go(func(context.Context) error { runtime.Goexit(); return nil })
		return nil
	})
	programs["ignore"] = service(func(_ context.Context, s *scope.Scope) error {
		s.OnStop(func(context.Context) error { fmt.Println("drains"); time.Sleep(time.Hour); return nil })
		s.Go(func(ctx context.Context) error {
			return scope.Run(ctx, func(_ context.Context, inner *scope.Scope) error {
				inner.Go(ignore(time.Hour), scope.Name("stubborn"))
				fmt.Println("ready")
				return nil
			})
		}, scope.Name("owner"))
		return ignore(time.Hour)(nil)
	})
}

func TestTheFirstSignalDrainsAndThenEndsTheContext(t *testing.T) {
	for sig, name := range map[os.Signal]string{syscall.SIGTERM: "terminated", os.Interrupt: "interrupt"} {
		c := start(t, "serve")
		c.says("ready")
		c.signal(sig)
		c.says("drains: <nil>", "told: stopped by signal: "+name, "closed")
		if stderr := c.exits(0); stderr != "" {
			t.Errorf("%s: standard error:\n%s", name, stderr)
		}
	}
}

func TestTheSecondSignalExitsAtOnceAndNamesWhoRuns(t *testing.T) {
	for sig, status := range map[syscall.Signal]int{syscall.SIGTERM: 128 + 15, syscall.SIGINT: 128 + 2} {
		c := start(t, "ignore")
		c.says("ready")
		c.signal(syscall.SIGTERM)
		c.says("drains")
		c.signal(sig)
		stderr := c.exits(status)
		if !strings.Contains(stderr, "hem: second signal ("+sig.String()+")") || !strings.Contains(stderr, "stubborn#1 (main_test.go:") ||
			!strings.Contains(stderr, " < owner#1 (main_test.go:") {
			t.Errorf("standard error:\n%s", stderr)
		}
	}
}

func TestTheStatusOfMain(t *testing.T) {
	for _, test := range []struct {
		name   string
		status int
		stderr []string
	}{
		{"succeed", 0, nil},
		{"fail", 1, []string{"hem: boom"}},
		{"goexit", 1, []string{"hem: the main scope called runtime.Goexit"}},
		{"panic in a task", 2, []string{"panic: checkout#1 panicked: no such item", "explode", "path: checkout#1 (main_test.go:"}},
		{"panic in the body", 2, []string{"panic: no such item", "explode"}},
	} {
		c := start(t, test.name)
		c.says("closed") // deferred functions run in any case
		stderr := c.exits(test.status)
		for _, text := range test.stderr {
			if !strings.Contains(stderr, text) {
				t.Errorf("%s: %q is not in standard error:\n%s", test.name, text, stderr)
			}
		}
		if test.stderr == nil && stderr != "" {
			t.Errorf("%s: standard error:\n%s", test.name, stderr)
		}
	}
}

func TestAHookThatFailsIsAFailureOfMain(t *testing.T) {
	c := start(t, "fail to drain")
	c.says("ready")
	c.signal(syscall.SIGTERM)
	c.says("closed")
	if stderr := c.exits(1); !strings.Contains(stderr, "hem: boom") {
		t.Errorf("standard error:\n%s", stderr)
	}
}

func TestMainOfNilPanics(t *testing.T) {
	wantPanic(t, "scope: Main with a nil body", func() { scope.Main(nil) })
}
