package job_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/task"
)

func TestPanicAndGoexitFailTheJobAndNotTheWorker(t *testing.T) {
	bubble(t, func(t *testing.T) {
		broken := does("broken", func(_ context.Context, n int) (int, error) {
			if n == 0 {
				panic("out of cheese")
			}
			runtime.Goexit()
			return 0, nil
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{broken}})
		for n := range 2 {
			h := entered(t, c, broken, n)
			_, err := h.Wait(t.Context())
			var p *fault.Panic
			if !errors.As(err, &p) || p.Goexit != (n == 1) || !strings.Contains(p.Stack, "handler_test.go") && n == 0 {
				t.Errorf("%d: got %v", n, err)
			}
			if st, _ := h.Status(t.Context()); st.State != job.Dead || st.Attempt != 1 {
				t.Errorf("%d: %+v", n, st)
			}
		}
	})
}

func TestWorkerGoesOnAfterHandlersThatExitTheirGoroutine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		exits := does("exits", func(ctx context.Context, n int) (int, error) {
			switch n {
			case 0:
				return n, nil
			case 1:
				runtime.Goexit()
			case 2:
				_ = scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
					s.Go(func(ctx context.Context) error { return scope.Sleep(ctx, time.Hour) })
					runtime.Goexit()
					return nil
				})
			case 3:
				_ = scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
					s.Go(func(context.Context) error { panic("in a child") })
					return nil
				})
			}
			return n, nil
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{exits}, Slots: 1})
		for _, n := range []int{1, 2, 3, 0} {
			_, err := exits.Do(t.Context(), c, n)
			if want := map[bool]fault.Kind{false: fault.None, true: fault.Panicked}[n > 0]; fault.KindOf(err) != want {
				t.Errorf("%d: %v", n, err)
			}
		}
	})
}

// A rude input does not want to be read.
type rude struct{ N int }

func (r *rude) UnmarshalJSON([]byte) error { panic("no") }

func (r rude) MarshalJSON() ([]byte, error) { return json.Marshal(r.N) }

// A faulty task panics before it comes to its function.
type faulty struct{ task.Task }

func (faulty) Serve(context.Context, task.Runner, []byte) ([]byte, error) { panic("not even begun") }

func TestTasksThatPanicBeforeTheirFunctionFailTheirJobsAlone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		reads := task.Define("reads", func(context.Context, rude) (int, error) { return 0, nil })
		some := does("some", func(_ context.Context, n int) (int, error) { return n, nil })
		fine := does("fine", func(_ context.Context, n int) (int, error) { return n, nil })
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{reads, faulty{some}, fine}, Slots: 1})
		if _, err := reads.Do(t.Context(), c, rude{1}); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "panicked: no") {
			t.Errorf("reading: %v", err)
		}
		if _, err := some.Do(t.Context(), c, 1); fault.KindOf(err) != fault.Panicked {
			t.Errorf("serving: %v", err)
		}
		if n, err := fine.Do(t.Context(), c, 1); n != 1 || err != nil {
			t.Errorf("what is fine: %d, %v", n, err)
		}
	})
}

// An absent error is a pointer that is nil where it should not be.
type absent struct{ text string }

func (a *absent) Error() string { return a.text }

func TestHandlerWhoseErrorPanicsFailsTheJobAndNotTheWorker(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var none *absent
		broken := does("broken", func(context.Context, int) (int, error) { return 0, none })
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{broken}})
		h := entered(t, c, broken, 1, job.Attempts(1))
		if _, err := h.Wait(t.Context()); err == nil || !strings.Contains(err.Error(), "absent") {
			t.Errorf("got %v", err)
		}
	})
}

func TestWhatIsTooLargeToBeKeptIsCutAndEndsItsJob(t *testing.T) {
	bubble(t, func(t *testing.T) {
		vast := task.Define("vast", func(_ context.Context, n int) ([]byte, error) {
			switch n {
			case 1:
				return make([]byte, 1<<20), nil
			case 2:
				return nil, fault.Permanent(fmt.Errorf("%w: %s", errWhy, strings.Repeat("long ", 1<<15)))
			case 3: // each byte of it takes six in JSON
				return nil, fault.Permanent(errors.New(strings.Repeat("\x00<\xff", 1<<15)))
			case 4:
				var all []error
				for range 500 {
					all = append(all, fmt.Errorf("%w: once more", errWhy))
				}
				return nil, fault.Permanent(errors.Join(all...))
			case 5:
				err := error(errWhy)
				for range 500 {
					err = fmt.Errorf("deeper: %w", err)
				}
				return nil, fault.Permanent(err)
			}
			return make([]byte, 255<<10), nil
		})
		c := worked(t, job.WorkerConfig{Tasks: []task.Task{vast}, Slots: 1})
		for n := range 6 {
			h := entered(t, c, vast, n)
			switch _, err := h.Wait(t.Context()); {
			case n == 0 && err != nil, n > 0 && err == nil, n == 1 && fault.KindOf(err) != fault.Invalid:
				t.Errorf("%d: %.300v", n, err)
			case n > 1 && (len(err.Error()) > 256<<10 || fault.Retryable(err)):
				t.Errorf("%d: %d bytes, %.300v", n, len(err.Error()), err)
			}
			if st, err := h.Status(t.Context()); err != nil || st.State != job.Done && st.State != job.Dead || st.Attempt != 1 {
				t.Errorf("%d: %v after attempt %d, %v", n, st.State, st.Attempt, err)
			}
		}
	})
}
