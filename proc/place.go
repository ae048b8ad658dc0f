package proc

import (
	"fmt"
	"strings"
	"time"

	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/proc/internal/child"
)

// Figures says what the pool's workers do, for inspect.
func (h *house) Figures() []graph.Figure {
	now := time.Now()
	h.mu.Lock()
	var n [ended + 1]int
	seen := make([]sight, 0, len(h.workers))
	for _, w := range h.workers {
		n[w.state]++
		if w.state != starting {
			seen = append(seen, w.sightLocked(now))
		}
	}
	figures := []graph.Figure{
		{Name: "workers", Value: h.want},
		{Name: "idle", Value: n[idle]},
		{Name: "busy", Value: n[busy]},
		{Name: "starting", Value: n[starting]},
		{Name: "leaving", Value: n[leaving]},
		{Name: "waiting", Value: len(h.waiting)},
		{Name: "starts", Value: h.starts},
		{Name: "lost", Value: h.losses},
	}
	if h.lastErr != nil {
		line, _, _ := strings.Cut(h.lastErr.Error(), "\n")
		figures = append(figures, graph.Figure{Name: "cannot start", Value: line})
	}
	h.mu.Unlock()
	figures = append(figures, graph.Figure{Name: "limits", Value: h.heldBy(h.nursery.Confinement())})
	for _, s := range seen {
		figures = append(figures, graph.Figure{Name: fmt.Sprintf("pid %d", s.child.Pid()), Value: s.String()})
	}
	return figures
}

// A sight is one worker at one moment.
type sight struct {
	state      state
	call       string
	since, age time.Duration
	calls      int
	child      *child.Child
}

func (w *worker) sightLocked(now time.Time) sight {
	s := sight{state: w.state, since: now.Sub(w.since), age: now.Sub(w.born), calls: w.calls, child: w.child}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.exchange != nil {
		s.call = w.exchange.c.Name()
	}
	return s
}

// String is the worker on one line.
func (s sight) String() string {
	var b strings.Builder
	b.WriteString(s.state.String())
	if s.call != "" {
		b.WriteString(" " + s.call)
	}
	fmt.Fprintf(&b, " for %v, age %v, %d calls", round(s.since), round(s.age), s.calls)
	if u, err := s.child.Usage(); err == nil {
		fmt.Fprintf(&b, ", %.1f MiB, cpu %v, %d pids", float64(u.Memory)/(1<<20), round(u.CPU), u.Pids)
	}
	return b.String()
}

// round leaves three digits or so.
func round(d time.Duration) time.Duration {
	switch {
	case d > time.Minute:
		return d.Round(time.Second)
	case d > time.Second:
		return d.Round(10 * time.Millisecond)
	}
	return d.Round(10 * time.Microsecond)
}

// heldBy says by what each of the limits is held.
func (h *house) heldBy(c child.Confinement) string {
	parts := []string{"nice " + fmt.Sprint(int(h.Limits.Nice)), "trees killed by " + c.Tree}
	add := func(limit string, set bool, by string) {
		if set {
			parts = append(parts, limit+" by "+by)
		}
	}
	add("memory", h.Limits.Memory > 0, c.Memory)
	add("cpu weight", h.Limits.CPUWeight > 0, c.CPU)
	add("pids", h.Limits.Pids > 0, c.Pids)
	if c.Cgroup != "" {
		parts = append(parts, "cgroup "+c.Cgroup)
	}
	if c.Why != "" {
		parts = append(parts, c.Why)
	}
	return strings.Join(parts, "; ")
}
