// Package turns runs the tasks of a program one at a time, and a seed decides
// whose turn is next: the same seed gives the same run, and many seeds many.
//
//	trace, err := turns.Run(seed, func(ctx context.Context, s *scope.Scope) error {
//		s.Go(deposit)
//		s.Go(withdraw)
//		return nil
//	})
//
// The turn can pass wherever a task waits, wakes another, starts, ends, tries a
// lock or locks one, held or not. Each who could go on is as likely as the next.
//
// A run in which every task waits and none was told why is a deadlock that
// nobody named: it ends with [ErrIdle], so that it can be counted.
//
// # What it refuses
//
// Programs that wait outside Hem, on bare channels or for the clock: nothing
// says when such a task can go on, and it keeps the turn meanwhile. If no task
// has taken a step for a while, or there were a million of them, the run panics
// with what it did last: it never hangs in silence.
//
// Cleverness. Which schedules are worth a try, the shortest one that fails and
// why are the business of schedtest; this is what the toolkit's own tests need.
package turns

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/scope"
)

// ErrIdle is what a run fails with if every task waited, none could go on and
// none had been told: its context was ended with this cause.
var ErrIdle = errors.New("turns: every task waits, and none can go on")

const (
	patience  = 20 * time.Second // of wall time, for one step
	mostSteps = 1 << 20
)

// Run runs body as a root scope, one task at a time, in the order that seed
// decides, and returns what happened and what [scope.Run] returned.
//
// # Errors
//
// One that Is [ErrIdle], and says who waited for what, if the run came to a
// standstill; otherwise the scope's.
//
// # Panics
//
// Run panics, on a goroutine of its own, if no task takes a step for twenty
// seconds: one of them waits where it cannot be seen. Panics of body and of its
// tasks go on as from scope.Run.
func Run(seed uint64, body func(context.Context, *scope.Scope) error) (Trace, error) {
	s := newSchedule(seed)
	ctx, cancel := context.WithCancelCause(graph.WithScheduler(context.Background(), s))
	defer cancel(nil)
	s.standstill = func() { s.giveUp(cancel) }
	w := &watchdog{s: s, seed: seed}
	w.timer = time.AfterFunc(patience, w.look)
	defer w.stop()
	err := scope.Run(ctx, body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.idle != nil {
		err = s.idle
	}
	return s.trace, err
}

// giveUp ends a run in which nobody can go on. It is called on a goroutine of
// its own, and does so in one step: so it does not matter who hears first.
func (s *schedule) giveUp(cancel context.CancelCauseFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil {
		return // somebody outside has woken one of them meanwhile
	}
	s.idle = s.standing()
	cancel(s.idle)
	s.next()
}

// standing is ErrIdle with who waits for what.
func (s *schedule) standing() error {
	var waits []string
	for _, x := range s.all {
		if x.wait != nil {
			waits = append(waits, fmt.Sprintf("%v waits for %v", x.t, x.wait.Resource().Label()))
		}
	}
	return fmt.Errorf("%w: %s", ErrIdle, strings.Join(waits, "; "))
}

// A watchdog panics if a run makes no progress.
type watchdog struct {
	s     *schedule
	seed  uint64
	timer *time.Timer
	seen  int // steps at the last look

	mu   sync.Mutex
	over bool
}

// look is called now and then while the run lasts.
func (w *watchdog) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return
	}
	w.s.mu.Lock()
	steps := len(w.s.trace)
	last := w.s.trace[max(0, steps-20):].String()
	w.s.mu.Unlock()
	if steps == w.seen {
		panic(fmt.Sprintf("turns: seed %d: no step for %v after %d; some task waits where it cannot be seen, or does not stop\n%s",
			w.seed, patience, steps, last))
	}
	w.seen = steps
	w.timer.Reset(patience)
}

func (w *watchdog) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	w.timer.Stop()
}
