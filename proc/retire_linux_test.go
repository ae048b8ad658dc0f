package proc_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/task"
)

func TestWorkerRetiresAfterItsCallsWhichAreUpToATenthLess(t *testing.T) {
	t.Parallel()
	const limit, generations = 100, 7
	p := open(t, proc.Config{Workers: 1, Retire: proc.Retire{Calls: limit}, Log: silent})
	served := map[int]int{}
	var order []int
	for range limit * generations {
		w, err := pid.Do(t.Context(), p, task.Void{})
		if err != nil {
			t.Fatal(err)
		}
		if served[w]++; served[w] == 1 {
			order = append(order, w)
		}
	}
	var counts []int
	for _, w := range order[:len(order)-1] { // the last one still serves
		counts = append(counts, served[w])
	}
	if len(counts) < generations-1 || slices.Min(counts) < limit*9/10 || slices.Max(counts) > limit || served[order[len(order)-1]] > limit {
		t.Errorf("workers have served %v calls each, want 90 to 100", counts)
	}
	if slices.Min(counts) == slices.Max(counts) {
		t.Errorf("all have retired after %d calls: there is no jitter", counts[0])
	}
}

func TestWorkersOfOneCallServeOne(t *testing.T) {
	t.Parallel()
	p := open(t, proc.Config{Workers: 2, Retire: proc.Retire{Calls: 1}, Log: silent})
	served := map[int]int{}
	for range 10 {
		w, err := pid.Do(t.Context(), p, task.Void{})
		if err != nil {
			t.Fatal(err)
		}
		served[w]++
	}
	if len(served) != 10 {
		t.Errorf("ten calls ran in %d processes", len(served))
	}
}

func TestReplacementIsReadyWhileTheLastCallRuns(t *testing.T) {
	t.Parallel()
	p := open(t, proc.Config{Name: t.Name(), Workers: 1, Retire: proc.Retire{Calls: 1}, Log: silent})
	for range 3 {
		b := beside(t, p, 1)
		until(t, "another worker is ready", func() bool {
			f := figuresOf(t.Name())
			return f["busy"] == "1" && f["idle"] == "1"
		})
		b.unharmed(t)
	}
}

func TestWorkersAreReplacedByAgeAndSomebodyIsAlwaysReady(t *testing.T) {
	t.Parallel()
	p := open(t, proc.Config{Name: t.Name(), Workers: 1, Retire: proc.Retire{Age: 300 * time.Millisecond}, Log: silent})
	done := make(chan struct{})
	var watcher sync.WaitGroup
	watcher.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(3 * time.Millisecond):
			}
			if f := figuresOf(t.Name()); f["idle"] == "0" && f["busy"] == "0" {
				t.Errorf("nobody is ready: %v", f)
				return
			}
		}
	})
	served := map[int]bool{}
	until(t, "four workers have served", func() bool {
		w, err := pid.Do(t.Context(), p, task.Void{})
		if err != nil {
			t.Fatal(err)
		}
		served[w] = true
		return len(served) == 4
	})
	close(done)
	watcher.Wait()
}

func TestWorkerThatComesOfAgeFinishesWhatItDoes(t *testing.T) {
	t.Parallel()
	p := open(t, proc.Config{Workers: 1, Retire: proc.Retire{Age: 50 * time.Millisecond}, Log: silent})
	b := beside(t, p, 1)
	time.Sleep(200 * time.Millisecond)
	b.unharmed(t)
	until(t, "another worker serves", func() bool {
		w, err := pid.Do(t.Context(), p, task.Void{})
		return err == nil && w != waitForPid(t, b.dir, "pid linger 0")
	})
}

func TestWorkersBeyondWarmLeaveWhenTheyAreIdle(t *testing.T) {
	t.Parallel()
	p := open(t, proc.Config{Name: t.Name(), Workers: 3, Warm: 1, Retire: proc.Retire{Idle: 100 * time.Millisecond}, Log: silent})
	if n := figureOf(t.Name(), "starts"); n != 1 {
		t.Errorf("before the first call %d workers were started", n)
	}
	for range 2 {
		pids := isWhole(t, p, 3)
		until(t, "two of them have gone", func() bool {
			pids = slices.DeleteFunc(pids, func(pid int) bool { return !alive(pid) })
			return len(pids) <= 1
		})
		if len(pids) != 1 {
			t.Error("the warm one has gone as well")
		}
	}
	if n := figureOf(t.Name(), "lost"); n != 0 {
		t.Errorf("%d are said to be lost", n)
	}
}

func TestWorkersAreAddedUpToTheNumberOfCallsAtOnce(t *testing.T) {
	t.Parallel()
	p := open(t, proc.Config{Name: t.Name(), Workers: 4, Warm: 1, Log: silent})
	isWhole(t, p, 2)
	if n := figureOf(t.Name(), "starts"); n != 2 {
		t.Errorf("for two calls at once %d workers were started", n)
	}
	isWhole(t, p, 4)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for range 50 {
		if _, err := pid.Do(ctx, p, task.Void{}); err != nil {
			t.Fatal(err)
		}
	}
	if n := figureOf(t.Name(), "starts"); n != 4 {
		t.Errorf("for four calls at once %d workers were started", n)
	}
}

func TestNewDoesNotUseUpACall(t *testing.T) {
	t.Parallel()
	p := open(t, proc.Config{Name: t.Name(), Workers: 1, Retire: proc.Retire{Calls: 1}, Log: silent})
	b := beside(t, p, 1)
	if n := figureOf(t.Name(), "starts"); n > 2 {
		t.Errorf("for the first call and the replacement %d workers were started", n)
	}
	b.unharmed(t)
}
