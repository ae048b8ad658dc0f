package lock_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

// A stage has locks and tasks that take them, one task after the other, so that
// nothing ever hangs and whatever is found was foreseen. Its classes are its
// own: other tests, and this one when it is run again, teach it nothing.
//
// What a task does is a line of words. Whatever it still holds at the end it
// unlocks, the last first.
//
//	a      lock a           a2     lock another of a's class
//	r:a    read-lock a      -a     unlock a
//	try:a  try to lock a    o:a    lock a as UpdateAll would
//	tryr:a try to read-lock a
//	fail:a have another task try to lock a, in vain
//	meet   wait until the tasks that run beside have come as far
type stage struct {
	t       *testing.T
	suffix  string
	classes map[string]*lock.Class
	locks   map[string]*lock.RWMutex

	meeting sync.WaitGroup

	mu    sync.Mutex
	found []graph.Finding
}

var stages atomic.Int64

// newStage has orders checked until the test ends.
func newStage(t *testing.T) *stage {
	s := &stage{t: t, suffix: "·" + strconv.FormatInt(stages.Add(1), 10),
		classes: make(map[string]*lock.Class), locks: make(map[string]*lock.RWMutex)}
	unlogged(t)
	t.Cleanup(lock.CheckOrder())
	t.Cleanup(graph.Subscribe(s.add))
	return s
}

// unlogged keeps what is found out of the test's output.
func unlogged(t *testing.T) {
	before, out, flags := slog.Default(), log.Writer(), log.Flags()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		slog.SetDefault(before)
		log.SetOutput(out) // which SetDefault has turned to slog
		log.SetFlags(flags)
	})
}

// add keeps what is about the stage.
func (s *stage) add(f graph.Finding) {
	if strings.HasPrefix(f.Code, "lock.") && strings.Contains(f.Detail, s.suffix) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.found = append(s.found, f)
	}
}

// findings returns what has been found since it was last called.
func (s *stage) findings() []graph.Finding {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.found
	s.found = nil
	return found
}

// codes returns the codes of the findings, without the package.
func (s *stage) codes() string {
	var codes []string
	for _, f := range s.findings() {
		codes = append(codes, strings.TrimPrefix(f.Code, "lock."))
	}
	return strings.Join(codes, " ")
}

func (s *stage) class(name string, opts ...lock.Option) *lock.Class {
	c := s.classes[name]
	if c == nil {
		c = lock.NewClass(name+s.suffix, opts...)
		s.classes[name] = c
	}
	return c
}

// lock returns the lock called name, whose class is name without its digits.
func (s *stage) lock(name string) *lock.RWMutex {
	l := s.locks[name]
	if l == nil {
		l = lock.NewRWMutex(lock.In(s.class(strings.TrimRight(name, "0123456789"))))
		s.locks[name] = l
	}
	return l
}

// run has tasks play, one after the other.
func (s *stage) run(lines ...string) {
	s.t.Helper()
	for i, line := range lines {
		s.task("task"+strconv.Itoa(i), func(ctx context.Context) error { return s.play(ctx, line) })
	}
}

// beside has tasks play at the same time, and returns how many were told that
// they would wait for ever.
func (s *stage) beside(lines ...string) (verdicts int) {
	s.t.Helper()
	var told atomic.Int64
	s.meeting.Add(len(lines))
	for _, word := range strings.Fields(strings.Join(lines, " ")) {
		if name := word[strings.IndexByte(word, ':')+1:]; word != "meet" && word[0] != '-' {
			s.lock(name) // before they run
		}
	}
	err := scope.Run(s.t.Context(), func(ctx context.Context, sc *scope.Scope) error {
		for i, line := range lines {
			sc.Go(func(ctx context.Context) error {
				err := s.play(ctx, line)
				if fault.KindOf(err) == fault.Deadlocked {
					told.Add(1)
					return nil
				}
				return err
			}, scope.Name("task"+strconv.Itoa(i)))
		}
		return nil
	})
	if err != nil {
		s.t.Error(err)
	}
	return int(told.Load())
}

// task runs f in a task to its end.
func (s *stage) task(name string, f func(ctx context.Context) error) {
	s.t.Helper()
	err := scope.Run(s.t.Context(), func(ctx context.Context, sc *scope.Scope) error {
		sc.Go(f, scope.Name(name))
		return nil
	})
	if err != nil {
		s.t.Errorf("%s: %v", name, err)
	}
}

func (s *stage) play(ctx context.Context, line string) error {
	held := make(map[string]lock.Held)
	var last []string
	defer func() {
		for _, name := range slices.Backward(last) {
			h := held[name]
			h.Unlock()
		}
	}()
	for _, word := range strings.Fields(line) { // one call of take, as UpdateAll's
		if word == "meet" {
			s.meeting.Done()
			s.meeting.Wait()
			continue
		}
		how, name, ok := strings.Cut(word, ":")
		if !ok {
			how, name = "", word
		}
		if gone, ok := strings.CutPrefix(word, "-"); ok {
			h := held[gone]
			h.Unlock()
			last = slices.DeleteFunc(last, func(n string) bool { return n == gone })
			continue
		}
		if how == "fail" {
			if err := s.fail(ctx, s.lock(name)); err != nil {
				return err
			}
			continue
		}
		h, err := s.take(ctx, how, s.lock(name))
		if err != nil {
			return err
		}
		for held[name] != (lock.Held{}) && slices.Contains(last, name) {
			name += "'" // a second hold of the same
		}
		held[name], last = h, append(last, name)
	}
	return nil
}

func (s *stage) fail(ctx context.Context, l *lock.RWMutex) error {
	return scope.Run(ctx, func(_ context.Context, sc *scope.Scope) error {
		sc.Go(func(ctx context.Context) error {
			if _, ok := l.TryLock(ctx); ok {
				return errors.New("it was free")
			}
			return nil
		})
		return nil
	})
}

func (s *stage) take(ctx context.Context, how string, l *lock.RWMutex) (h lock.Held, err error) {
	ok := true
	switch how {
	case "r":
		return l.RLock(ctx)
	case "o":
		return l.OrderedLock(ctx)
	case "try":
		h, ok = l.TryLock(ctx)
	case "tryr":
		h, ok = l.TryRLock(ctx)
	default:
		return l.Lock(ctx)
	}
	if !ok {
		err = fmt.Errorf("%s did not succeed", how)
	}
	return h, err
}
