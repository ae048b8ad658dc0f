package scope_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/scope"
)

// What the tests of this package see with: the log, the findings, the registry.

func TestMain(m *testing.M) {
	if name := os.Getenv(programEnv); name != "" {
		programs[name]()
		panic("the program " + name + " returned")
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(&journal, nil)))
	os.Exit(m.Run())
}

// journal holds what the test under way has logged.
var journal journalText

type journalText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journalText) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

// take returns what was logged since it was last called.
func (j *journalText) take() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.text.String()
	j.text.Reset()
	return s
}

// collector holds the findings that were reported since it was made.
type collector struct {
	mu  sync.Mutex
	all []graph.Finding
}

// collect listens to findings until the test ends.
func collect(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	t.Cleanup(graph.Subscribe(func(f graph.Finding) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.all = append(c.all, f)
	}))
	return c
}

func (c *collector) list() []graph.Finding {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]graph.Finding(nil), c.all...)
}

// named returns "code of task" for each finding, the task without its number.
func (c *collector) named() []string {
	var names []string
	for _, f := range c.list() {
		names = append(names, f.Code+" of "+f.Task.Name())
	}
	return names
}

// nothingRuns fails the test if any task of Hem is alive.
func nothingRuns(t *testing.T) {
	t.Helper()
	graph.Roots().Tasks(func(task *graph.Task) bool {
		t.Errorf("still in the registry: %s", task.Path())
		return true
	})
}

// noContext is what a caller passes who forgets.
var noContext context.Context

// errExited is what endOf returns for a Goexit.
var errExited = errors.New("Goexit")

// endOf runs f on a goroutine of its own and returns what it panicked with,
// errExited if it called Goexit, nil if it returned.
func endOf(f func()) (end any) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		end = errExited
		defer func() {
			if p := recover(); p != nil {
				end = p
			}
		}()
		f()
		end = nil
	}()
	<-done
	return end
}

// wantPanic fails the test unless f panics with a text that begins as given.
func wantPanic(t *testing.T, start string, f func()) {
	t.Helper()
	end := endOf(f)
	if text, ok := end.(string); !ok || !strings.HasPrefix(text, start) {
		t.Errorf("panicked with %v, want %q", end, start)
	}
}

// run is scope.Run outside every other scope.
func run(body func(ctx context.Context, s *scope.Scope) error, opts ...scope.Option) error {
	return scope.Run(context.Background(), body, opts...)
}

// stay is a task that waits for its context and says so.
func stay(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// boom, bang and cause are errors that tests tell apart by identity.
var (
	errBoom  = errors.New("boom")
	errBang  = errors.New("bang")
	errCause = errors.New("cause")
)

func failWith(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}
