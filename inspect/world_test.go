package inspect_test

import (
	"bytes"
	"context"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/hemgo/hem/inspect"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/scope"
)

type ctx = context.Context

var (
	rootNumber = regexp.MustCompile(`#\d+\.\d+`)
	lineNumber = regexp.MustCompile(`(\w+_test\.go):\d+`)
)

// normal takes from a text what changes from run to run or with every edit of
// a test: the numbers of roots, line numbers, and findings of other tests.
func normal(text string) string {
	text, _, _ = strings.Cut(text, "\nfindings\n")
	text = rootNumber.ReplaceAllString(text, "#R")
	return lineNumber.ReplaceAllString(text, "$1:N")
}

func dump(t testing.TB, opts ...inspect.Option) string {
	t.Helper()
	var b bytes.Buffer
	if err := inspect.Dump(&b, opts...); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// treeOf is the part of a dump after its summary.
func treeOf(t testing.TB, opts ...inspect.Option) string {
	t.Helper()
	_, tree, _ := strings.Cut(normal(dump(t, opts...)), "\n\n")
	return tree
}

// same compares a text with a transcript, which is indented by one tab.
func same(t testing.TB, got, want string) {
	t.Helper()
	want = strings.TrimPrefix(strings.ReplaceAll(want, "\n\t", "\n"), "\n")
	if want = strings.TrimRight(want, "\t"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// world runs body as the body of scope "main" in a bubble, and cancels what is
// left when it returns.
func world(t *testing.T, body func(c ctx, s *scope.Scope)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		err := scope.Run(t.Context(), func(c ctx, s *scope.Scope) error {
			body(c, s)
			s.Cancel(nil)
			return nil
		}, scope.Name("main"))
		if err != nil && err != context.Canceled {
			t.Error(err)
		}
	})
}

// idle is a task that waits where Hem cannot see it.
func idle(c ctx) error { <-c.Done(); return nil }

// A thing is a resource that waits for the tasks of on, and for nobody else.
type thing struct {
	kind, name string
	on         func() []*graph.Task
	answers    int
}

func (x *thing) Label() graph.Label { return graph.Label{Kind: x.kind, Name: x.name} }

func (x *thing) Blocked(_ *graph.Task, stuck func(*graph.Task) bool) (blocked bool) {
	x.answers++
	if x.on == nil {
		return false
	}
	for _, t := range x.on() {
		blocked = stuck(t) || blocked
	}
	return blocked
}

// await waits until c ends. It may, because c counts as a context of the wait's
// own if it was derived from the task's.
func (x *thing) await(c ctx) error {
	w := new(graph.Wait)
	w.Begin(c, x)
	w.Publish()
	return w.Park()
}

// place registers p for the time of a test. The registry does not keep it.
func place[T any, P interface {
	*T
	graph.Place
}](t *testing.T, p P) {
	remove := graph.AddPlace(p)
	t.Cleanup(func() {
		remove()
		runtime.KeepAlive(p)
	})
}

// find returns the only task of that name.
func find(t testing.TB, s *inspect.Snapshot, name string) *inspect.Task {
	t.Helper()
	var found *inspect.Task
	for task := range s.Tasks() {
		if task.Name == name {
			if found != nil {
				t.Fatalf("several tasks are called %s", name)
			}
			found = task
		}
	}
	if found == nil {
		t.Fatalf("no task is called %s", name)
	}
	return found
}
