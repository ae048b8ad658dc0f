package lock

import (
	"fmt"
	"log/slog"
	"path"
	"slices"
	"strings"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
)

// The codes of findings about orders.
const (
	orderCycle    = "lock.order-cycle"
	sameClass     = "lock.same-class"
	recursiveRead = "lock.recursive-read"
	rankOrder     = "lock.rank"
)

// A report is what is to be told. Its stacks are resolved when it is.
type report struct {
	code    string
	task    *graph.Task
	classes []*Class // as SuppressOrder names them
	steps   []leg
	writers []leg // who make readers wait, without a lock that is taken

	suppressed string // why it is not to be told
}

// A leg is one holder's part in a report.
type leg struct {
	by, from, to  string
	held, want    mode
	taken, wanted []uintptr
}

func legOf(s *situation, x *example) leg {
	return leg{by: x.name, from: x.from, to: x.to, held: s.held, want: s.want, taken: x.taken, wanted: x.wanted}
}

// tell makes a finding of r, and a line of the log that has every stack.
func (r *report) tell() {
	detail := r.detail()
	if r.suppressed != "" {
		slog.Debug("lock: suppressed: "+detail, "code", r.code, "reason", r.suppressed)
		return
	}
	graph.Report(graph.Finding{Code: r.code, Task: r.task, Detail: detail, Stack: r.stack()})
	args := []any{"code", r.code}
	if r.task != nil {
		args = append(args, "path", r.task.Path().String())
	}
	slog.Warn("lock: "+detail, append(args, "stacks", r.stacks())...)
}

func (r *report) detail() string {
	l := &r.steps[0]
	switch r.code {
	case sameClass:
		return fmt.Sprintf("lock order: two locks of class %s nested at %s (the first %s at %s, by %s)",
			l.from, place(l.wanted), l.takenHow(), place(l.taken), l.by)
	case recursiveRead:
		return fmt.Sprintf("lock order: %s read again at %s by its reader (first %s at %s, by %s)",
			l.from, place(l.wanted), l.takenHow(), place(l.taken), l.by)
	case rankOrder:
		return fmt.Sprintf("lock order: %s of rank %d wanted at %s above %s of rank %d (%s at %s, by %s)",
			l.to, r.classes[1].rank, place(l.wanted), l.from, r.classes[0].rank, l.takenHow(), place(l.taken), l.by)
	}
	var parts []string
	for i := range r.steps {
		l := &r.steps[i]
		parts = append(parts, fmt.Sprintf("%s → %s at %s (%s %s at %s, by %s)",
			l.from, l.to, place(l.wanted), l.from, l.takenHow(), place(l.taken), l.by))
	}
	for i := range r.writers {
		l := &r.writers[i]
		parts = append(parts, fmt.Sprintf("%s makes readers of %s wait at %s", l.by, l.to, place(l.wanted)))
	}
	return "lock order: " + strings.Join(parts, "; ")
}

func (l *leg) takenHow() string {
	if l.held&shared != 0 {
		return "taken for reading"
	}
	return "taken"
}

// sections calls f with every stack of r: first where the finder wants its
// lock, then where each first lock was taken and each second one wanted.
func (r *report) sections(f func(heading string, pcs []uintptr)) {
	for i := range r.steps {
		l := &r.steps[i]
		f(l.by+" wants "+l.to+":", l.wanted)
		f(l.by+" took "+l.from+":", l.taken)
	}
	for i := range r.writers {
		l := &r.writers[i]
		f(l.by+" wants to write "+l.to+":", l.wanted)
	}
}

// stack is all stacks of r. Between them are frames that have a heading for a
// name and no place; the first stack needs none.
func (r *report) stack() (all fault.Stack) {
	r.sections(func(heading string, pcs []uintptr) {
		if all != nil {
			all = append(all, fault.Frame{Func: heading})
		}
		all = append(all, fault.Frames(pcs)...)
	})
	return all
}

func (r *report) stacks() string {
	var b strings.Builder
	r.sections(func(heading string, pcs []uintptr) {
		b.WriteString(heading + "\n" + fault.Frames(pcs).String())
	})
	return b.String()
}

// place is the line of the user's that is in a stack: "order.go:41".
func place(pcs []uintptr) string {
	f := fault.Frames(pcs).Site()
	return fmt.Sprintf("%s:%d", path.Base(f.File), f.Line)
}

// A suppression is what SuppressOrder was told.
type suppression struct {
	reason  string
	classes []string
}

// SuppressOrder keeps the checker from telling what it finds between classes,
// called by their names, because of a reason that is known to whoever wrote
// this and not to the checker:
//
//	lock.SuppressOrder("reload runs before the first request", "config", "routes")
//
// Of a lock.order-cycle these are all its classes in the order of the cycle,
// whichever is first; of a lock.rank the class held and the one wanted; of a
// lock.same-class or a lock.recursive-read the one class. What is suppressed is
// logged, once, at slog's level Debug, with the reason. It is for whole
// programs: call it where the locks are declared. What has been told is not
// taken back.
//
// SuppressOrder panics without a reason, or without names.
func SuppressOrder(reason string, classes ...string) {
	if reason == "" {
		panic("lock: SuppressOrder without a reason")
	}
	if len(classes) == 0 || slices.Contains(classes, "") {
		panic("lock: SuppressOrder without the name of a class")
	}
	order.mu.Lock()
	defer order.mu.Unlock()
	order.suppressed = append(order.suppressed, suppression{reason: reason, classes: slices.Clone(classes)})
}

// reason returns why r is not to be told, empty if it is.
func (c *checker) reason(r *report) string {
	for i := range c.suppressed {
		if s := &c.suppressed[i]; s.covers(r.classes) {
			return s.reason
		}
	}
	return ""
}

// covers reports whether the names are those of the cycle, begun anywhere.
func (s *suppression) covers(cycle []*Class) bool {
	if len(s.classes) != len(cycle) {
		return false
	}
	for first := range cycle {
		same := true
		for i, name := range s.classes {
			same = same && name == cycle[(first+i)%len(cycle)].name
		}
		if same {
			return true
		}
	}
	return false
}
