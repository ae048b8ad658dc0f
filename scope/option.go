package scope

import (
	"context"
	"time"

	"github.com/hemgo/hem/internal/graph"
)

// DefaultGrace is how long a scope lets its OnStop hooks drain, and how long
// after its context has ended it waits before it reports who ignores that.
const DefaultGrace = 10 * time.Second

// An Option varies one scope or one task. It is a plain value: passing one
// allocates nothing. Some suit scopes only ([Grace], [Contain], [Supervise]),
// some tasks only ([Values], [Via]); given to the other they panic.
type Option struct {
	scopeOnly string // the option's own name, where a task must refuse it
	taskOnly  string // likewise for a scope

	name    string
	timeout time.Duration
	grace   time.Duration
	contain bool
	report  func(error)
	values  context.Context
	via     graph.Launcher
	site    uintptr
}

// Name gives a scope or a task its name in reports. Without it they are called
// after their function. It costs nothing.
func Name(name string) Option { return Option{name: name} }

// Timeout ends the context of a scope or a task d after it starts, with a
// cause of kind [fault.Deadline] which Is [context.DeadlineExceeded]. A d of
// zero or less ends it at once.
func Timeout(d time.Duration) Option {
	if d <= 0 {
		d = -1
	}
	return Option{timeout: d}
}

// Grace bounds a scope's two phases of stopping: how long OnStop hooks may
// drain before the context ends, and how long after that tasks may take before
// they are reported by name and stack. The default is [DefaultGrace]; zero or
// less means that nothing waits to drain.
func Grace(d time.Duration) Option {
	if d <= 0 {
		d = -1
	}
	return Option{scopeOnly: "Grace", grace: d}
}

// Contain turns a panic in the scope's body or one of its tasks into an error: a
// [*fault.Panic] with the stack of where it happened. Siblings are cancelled as
// by any failure. A task's call of [runtime.Goexit] becomes one too; the body's
// cannot be stopped, and goes on when the tasks have ended. So does a panic in
// a function given to [Scope.Defer].
func Contain() Option { return Option{scopeOnly: "Contain", contain: true} }

// Supervise makes the scope live on when a task fails: report gets the error,
// a [*fault.Error] that names the task, and the siblings go on. Without
// [Contain] a panic still ends the scope. report is called on the failing
// task's goroutine and must be safe for several at once.
func Supervise(report func(error)) Option {
	if report == nil {
		panic("scope: Supervise with a nil report function")
	}
	return Option{scopeOnly: "Supervise", report: report}
}

// Values lets a task see the values of ctx, which does not cancel it: an audit
// record that outlives its request keeps the request's trace.
func Values(ctx context.Context) Option {
	if ctx == nil {
		panic("scope: Values of a nil context")
	}
	return Option{taskOnly: "Values", values: ctx}
}

// Via starts a task by l instead of on a goroutine of its own, and says that it
// was asked for at site. Hem's pools are launchers; it is they who use it.
func Via(l graph.Launcher, site uintptr) Option {
	return Option{taskOnly: "Via", via: l, site: site}
}

// merge lays opts over each other, the last one winning.
func merge(opts []Option, forTask bool) (o Option) {
	for i := range opts {
		n := &opts[i]
		if forTask && n.scopeOnly != "" {
			panic("scope: " + n.scopeOnly + " is an option of Run, not of a task")
		}
		if !forTask && n.taskOnly != "" {
			panic("scope: " + n.taskOnly + " is an option of a task, not of Run")
		}
		if n.name != "" {
			o.name = n.name
		}
		if n.timeout != 0 {
			o.timeout = n.timeout
		}
		if n.grace != 0 {
			o.grace = n.grace
		}
		o.contain = o.contain || n.contain
		if n.report != nil {
			o.report = n.report
		}
		if n.values != nil {
			o.values = n.values
		}
		if n.via != nil {
			o.via, o.site = n.via, n.site
		}
	}
	return o
}
