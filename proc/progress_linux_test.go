package proc_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/task"
)

// recount reports N times, and says when it has.
var recount = task.Define("proc.recount", func(ctx context.Context, m meeting) (int, error) {
	for i := range m.N {
		task.Report(ctx, task.Progress{Done: int64(i + 1), Total: int64(m.N), Note: "at it"})
	}
	post(m.Dir, "reported", "")
	return m.N, nil
})

func init() { testTasks = append(testTasks, recount) }

func TestListenerThatIsSlowDoesNotSlowTheFunctionAndHearsTheEnd(t *testing.T) {
	t.Parallel()
	p := open(t, proc.Config{Workers: 1, Log: silent})
	m := meeting{Dir: t.TempDir(), N: 50_000}
	var last task.Progress
	heard, waited := 0, false
	ctx := task.OnProgress(t.Context(), func(at task.Progress) {
		if at.Done <= last.Done || at.Note != "at it" {
			t.Errorf("after %+v comes %+v", last, at)
		}
		last = at
		heard++
		if !waited {
			// If the function waited for who hears it, this would be in vain.
			waitFor(t, m.Dir, "reported")
			waited = true
		}
	})
	if n, err := recount.Do(ctx, p, m); err != nil || n != m.N {
		t.Fatal(n, err)
	}
	if last.Done != int64(m.N) || last.Total != int64(m.N) {
		t.Errorf("the last of %d reports was %+v", heard, last)
	}
}

func TestListenerThatPanicsFailsItsCallAlone(t *testing.T) {
	t.Parallel()
	errOurs := errors.New("a bug of the listener's")
	for name, c := range map[string]struct {
		listen func()
		goexit bool
		says   string
	}{
		"panic":  {func() { panic(errOurs) }, false, errOurs.Error()},
		"goexit": {runtime.Goexit, true, "Goexit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := open(t, proc.Config{Workers: 2, Log: silent})
			b := beside(t, p, 1)
			ctx := task.OnProgress(t.Context(), func(task.Progress) { c.listen() })
			_, err := recount.Do(ctx, p, meeting{Dir: t.TempDir(), N: 100_000})
			var burst *fault.Panic
			if fault.KindOf(err) != fault.Panicked || !fault.Started(err) || !errors.As(err, &burst) || burst.Goexit != c.goexit {
				t.Fatalf("kind %v, started %v: %v", fault.KindOf(err), fault.Started(err), err)
			}
			if !strings.Contains(burst.Stack, "progress_linux_test.go") || !strings.Contains(err.Error(), c.says) {
				t.Errorf("neither %q nor the listener's stack is in %v", c.says, err)
			}
			if !c.goexit && !errors.Is(err, errOurs) {
				t.Errorf("the value of the panic is not in %v", err)
			}
			b.unharmed(t)
			isWhole(t, p, 2)
		})
	}
}

func TestListenerMayUseThePoolItself(t *testing.T) {
	t.Parallel()
	p := open(t, proc.Config{Workers: 2, Log: silent})
	asked := 0
	ctx := task.OnProgress(t.Context(), func(task.Progress) {
		if _, err := pid.Do(t.Context(), p, task.Void{}); err != nil {
			t.Error(err)
		}
		asked++
	})
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := recount.Do(ctx, p, meeting{Dir: t.TempDir(), N: 3}); err != nil || asked == 0 {
		t.Errorf("asked %d times, %v", asked, err)
	}
}
