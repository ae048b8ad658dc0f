package scopetest

import (
	"context"
	"runtime/pprof"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/hemgo/hem/inspect"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

// An Option varies a [Run].
type Option struct {
	allow []string
	scope []scope.Option
}

// Allow lets findings with these codes pass: "scope.ignored-cancel" in the test
// of what happens to a task that ignores its cancellation.
func Allow(codes ...string) Option { return Option{allow: codes} }

// With gives the test's scope options, such as [scope.Grace]. Its name stays
// the test's.
func With(opts ...scope.Option) Option { return Option{scope: opts} }

// label is the pprof label that tells who belongs to which test.
const label = "hem-test"

var runs atomic.Uint64

// Run runs body in a scope named after the test, on the calling goroutine and
// under t.Context. If it fails, t fails and ends there, as by t.FailNow.
//
// When the scope has ended, everything it started must have too, and nothing
// must have been found: see the package comment. Meanwhile the orders of locks
// are checked.
//
// t.FailNow and t.SkipNow may be called in body and in tasks: both end the test
// when the other tasks have ended.
//
// # Panics
//
// As [scope.Run]; a panic is not held up by a verdict. Run panics if t or body
// is nil.
func Run(t testing.TB, body func(ctx context.Context, s *scope.Scope) error, opts ...Option) {
	if t == nil || body == nil {
		panic("scopetest: Run with a nil test or body")
	}
	t.Helper()
	var scopeOpts []scope.Option
	findings := findings{root: t.Name()}
	for _, o := range opts {
		scopeOpts = append(scopeOpts, o.scope...)
		findings.allowed = append(findings.allowed, o.allow...)
	}
	scopeOpts = append(scopeOpts, scope.Name(t.Name()))

	mark := t.Name() + "#" + strconv.FormatUint(runs.Add(1), 10)
	ctx := pprof.WithLabels(t.Context(), pprof.Labels(label, mark))
	pprof.SetGoroutineLabels(ctx)
	defer pprof.SetGoroutineLabels(t.Context())
	stop := inspect.OnFinding(findings.add)
	defer stop()
	defer lock.CheckOrder()()

	returned := false
	defer func() {
		t.Helper()
		if !returned && !t.Failed() && !t.Skipped() {
			return // a panic is under way
		}
		stop()
		findings.report(t)
		reportLeaks(t, mark)
	}()
	err := scope.Run(ctx, body, scopeOpts...)
	returned = true
	if err != nil {
		t.Fatalf("scopetest: the scope of %s failed: %v", t.Name(), err)
	}
}
