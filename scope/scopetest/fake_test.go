package scopetest_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/scope/scopetest"
)

// Controls: every verdict must be seen to fall, which a test cannot do on
// itself. A trial is tried on a stand-in; what needs real tests, such as
// t.Parallel, runs in a child process.

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // what is found is logged too
	os.Exit(m.Run())
}

// standIn is a test that may fail without failing the one it stands for.
type standIn struct {
	testing.TB
	name  string
	fails []string
	over  string // FailNow, SkipNow
}

func (s *standIn) Helper()       {}
func (s *standIn) Name() string  { return s.name }
func (s *standIn) Failed() bool  { return len(s.fails) > 0 || s.over == "FailNow" }
func (s *standIn) Skipped() bool { return s.over == "SkipNow" }
func (s *standIn) Error(args ...any) {
	s.fails = append(s.fails, strings.TrimSuffix(fmt.Sprintln(args...), "\n"))
}
func (s *standIn) Errorf(format string, args ...any) { s.Error(fmt.Sprintf(format, args...)) }
func (s *standIn) FailNow()                          { s.over = "FailNow"; runtime.Goexit() }
func (s *standIn) SkipNow()                          { s.over = "SkipNow"; runtime.Goexit() }
func (s *standIn) Fatalf(format string, args ...any) { s.Errorf(format, args...); s.FailNow() }

// trial runs body under a stand-in of t, and returns how that failed.
func trial(t *testing.T, body func(ctx context.Context, s *scope.Scope) error, opts ...scopetest.Option) *standIn {
	t.Helper()
	stand := &standIn{TB: t, name: t.Name() + "/trial"}
	done := make(chan struct{})
	go func() {
		defer close(done)
		scopetest.Run(stand, body, opts...)
	}()
	<-done
	return stand
}

// wantFails fails t unless the trial failed as often as there are texts, each
// time with a message that has all words of one.
func (s *standIn) wantFails(t *testing.T, texts ...string) {
	t.Helper()
	if len(s.fails) != len(texts) {
		t.Errorf("%d failures, want %d:\n%s", len(s.fails), len(texts), strings.Join(s.fails, "\n"))
		return
	}
	for i, text := range texts {
		for word := range strings.FieldsSeq(text) {
			if !strings.Contains(s.fails[i], word) {
				t.Errorf("%q is not in\n%s", word, s.fails[i])
			}
		}
	}
}

const childEnv = "HEM_SCOPETEST_CHILD"

// onlyInAChild skips a test that is meant to fail, unless its parent runs it.
func onlyInAChild(t *testing.T) {
	if os.Getenv(childEnv) == "" {
		t.Skip("meant to fail: another test runs it in a child process")
	}
}

// child runs tests that are meant to fail, and returns what they print.
func child(t *testing.T, pattern string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.v", "-test.run", pattern, "-test.parallel", "8")
	cmd.Env = append(os.Environ(), childEnv+"=1")
	cmd.WaitDelay = time.Second
	out, _ := cmd.CombinedOutput()
	return string(out)
}
