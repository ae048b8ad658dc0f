package scopetest

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hemgo/hem/inspect"
)

// findings are those about one test. They come on any goroutine, and are
// reported on the test's own: a late one must not log into a test that is over.
type findings struct {
	root    string   // the name of the test's task
	allowed []string // codes

	mu   sync.Mutex
	mine []inspect.Finding
}

// timed are the codes of findings that depend on how busy the machine is, or on
// how far virtual time was moved: they say nothing about a test.
var timed = []string{"lock.long-wait", "lock.long-hold"}

func (fs *findings) add(f inspect.Finding) {
	if slices.Contains(timed, f.Code) || slices.Contains(fs.allowed, f.Code) || rootOf(f.Path) != fs.root {
		return
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.mine = append(fs.mine, f)
}

// rootOf returns the name of the outermost task of a path, which reads
// "fetch#7 (a.go:1) < TestFetch#3 (a_test.go:9)".
func rootOf(path string) string {
	if i := strings.LastIndex(path, " < "); i >= 0 {
		path = path[i+len(" < "):]
	}
	if i := strings.LastIndex(path, " ("); i >= 0 {
		path = path[:i]
	}
	if i := strings.LastIndexByte(path, '#'); i >= 0 {
		path = path[:i]
	}
	return path
}

func (fs *findings) report(t testing.TB) {
	t.Helper()
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, f := range fs.mine {
		var b strings.Builder
		b.WriteString("scopetest: " + f.Code + ": " + f.Detail)
		if f.Hint != "" {
			b.WriteString("\n  hint: " + f.Hint)
		}
		b.WriteString("\n  path: " + f.Path)
		for _, at := range f.Stack {
			if at.File == "" { // a heading between two stacks
				b.WriteString("\n " + at.Func)
				continue
			}
			writeFrame(&b, at.Func, at.File, at.Line)
		}
		t.Error(b.String())
	}
	fs.mine = nil
}
