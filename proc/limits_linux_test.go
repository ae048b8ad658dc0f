package proc_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/task"
)

func TestWorkerThatExplodesIsKilledAtItsLimitOfMemory(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	p, dir := open(t, proc.Config{Workers: 2, Limits: proc.Limits{Memory: 400 * mib}, Log: silent}), t.TempDir()
	b := beside(t, p, 1)
	if n, err := misbehave.Do(t.Context(), p, crime{How: "eat", Dir: dir, N: 16}); err != nil || n != 16 {
		t.Errorf("of 16 MiB, well below the limit, it has got %d, and %v", n, err)
	}
	n, err := misbehave.Do(t.Context(), p, crime{How: "eat", Dir: dir, N: 1500})
	var e *proc.ExitError
	if fault.KindOf(err) != fault.Lost || !fault.Started(err) || !errors.As(err, &e) || !e.OverMemory || e.OverPids {
		t.Fatalf("it has got %d MiB; kind %v, started %v: %v", n, fault.KindOf(err), fault.Started(err), err)
	}
	if !strings.Contains(err.Error(), "reached its limit of memory") || !strings.Contains(fault.HintOf(err), "Config.Limits.Memory") {
		t.Errorf("hint %q in %v", fault.HintOf(err), err)
	}
	b.unharmed(t)
	isWhole(t, p, 2)
}

func TestWithoutALimitOfMemoryTheSameIsNoCrime(t *testing.T) {
	t.Parallel()
	p := open(t, proc.Config{Workers: 1, Log: silent})
	if n, err := misbehave.Do(t.Context(), p, crime{How: "eat", Dir: t.TempDir(), N: 450}); err != nil || n != 450 {
		t.Errorf("of 450 MiB it has got %d, and %v", n, err)
	}
}

func TestForkBombIsHeldByItsLimitOfProcesses(t *testing.T) {
	t.Parallel()
	p, dir := open(t, proc.Config{Name: t.Name(), Workers: 2, Grace: 100 * time.Millisecond, Limits: proc.Limits{Pids: 60}, Log: silent}), t.TempDir()
	b := beside(t, p, 1)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err := misbehave.Do(ctx, p, crime{How: "bomb", Dir: dir, N: 6})
	var e *proc.ExitError
	if !errors.As(err, &e) || !e.OverPids || e.OverMemory || !fault.Started(err) {
		t.Fatalf("kind %v, started %v: %v", fault.KindOf(err), fault.Started(err), err)
	}
	if by := figuresOf(t.Name())["limits"]; !strings.Contains(by, "pids by cgroup") {
		// Then the host has seen it and killed it.
		if fault.KindOf(err) != fault.Lost || !strings.Contains(err.Error(), "limit of processes and threads") || !strings.Contains(fault.HintOf(err), "Config.Limits.Pids") {
			t.Errorf("kind %v, hint %q: %v", fault.KindOf(err), fault.HintOf(err), err)
		}
	}
	b.unharmed(t)
	isWhole(t, p, 2)
}

func TestWithoutALimitOfProcessesTheSameBombGoesOff(t *testing.T) {
	t.Parallel()
	name := t.Name()
	p, dir := open(t, proc.Config{Name: name, Workers: 1, Log: silent}), t.TempDir()
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := misbehave.Do(ctx, p, crime{How: "bomb", Dir: dir, N: 5})
		ended <- err
	}()
	worker := waitForPid(t, dir, "pid bomb")
	until(t, "there are more processes than the limit in the other test", func() bool {
		line := figuresOf(name)["pid "+strconv.Itoa(worker)]
		before, _, _ := strings.Cut(line, " pids")
		n, _ := strconv.Atoi(before[strings.LastIndexByte(before, ' ')+1:])
		return n > 70
	})
	cancel(errPatience)
	if err := <-ended; fault.KindOf(err) != fault.Cancelled {
		t.Error(err)
	}
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if living := stillAlive(t, dir); living != nil {
		t.Error(living)
	}
}

func TestWorkerCannotOpenMoreFilesThanItsLimit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ limit, least, most int }{{64, 20, 63}, {0, 200, 200}} {
		p := open(t, proc.Config{Workers: 1, Limits: proc.Limits{OpenFiles: c.limit}, Log: silent})
		n, err := misbehave.Do(t.Context(), p, crime{How: "open", Dir: t.TempDir(), N: 200})
		if c.limit == 0 {
			if err != nil || n != 200 {
				t.Errorf("without a limit it opens %d of 200, and %v", n, err)
			}
			continue
		}
		// The error has lost its type on the way, but not what it says.
		if err == nil || !strings.Contains(err.Error(), syscall.EMFILE.Error()) {
			t.Errorf("with a limit of %d: %v", c.limit, err)
		}
		isWhole(t, p, 1)
	}
}

func TestCallThatHeedsTheWallEndsThere(t *testing.T) {
	t.Parallel()
	p := open(t, proc.Config{Workers: 1, Limits: proc.Limits{Wall: 50 * time.Millisecond}, Log: silent})
	before, err := pid.Do(t.Context(), p, task.Void{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = misbehave.Do(t.Context(), p, crime{How: "obey", Dir: t.TempDir()})
	if fault.KindOf(err) != fault.Deadline || !fault.Started(err) || !errors.Is(err, context.DeadlineExceeded) ||
		!strings.Contains(err.Error(), "Config.Limits.Wall, which is 50ms") {
		t.Errorf("kind %v, started %v: %v", fault.KindOf(err), fault.Started(err), err)
	}
	if after, err := pid.Do(t.Context(), p, task.Void{}); err != nil || after != before {
		t.Errorf("the worker was %d and is %d, %v", before, after, err)
	}
}

func TestWorkersStandBackUnlessToldOtherwise(t *testing.T) {
	t.Parallel()
	own, err := strconv.Atoi(stat(os.Getpid())[16])
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ nice, want proc.Nice }{{0, 10}, {proc.AsHost, proc.Nice(own)}, {15, 15}} {
		p := open(t, proc.Config{Workers: 1, Limits: proc.Limits{Nice: c.nice}, Log: silent})
		worker := isWhole(t, p, 1)[0]
		if got := stat(worker)[16]; got != strconv.Itoa(int(c.want)) {
			t.Errorf("with Nice %d a worker has %s, want %d", c.nice, got, c.want)
		}
	}
	if now := stat(os.Getpid())[16]; now != strconv.Itoa(own) {
		t.Errorf("this process had %d and has %s", own, now)
	}
}

// Not parallel: it looks at the memory of this process.
func TestFloodOfPrintsCostsTheHostNoMemory(t *testing.T) {
	p, dir := open(t, proc.Config{Workers: 2, Log: silent}), t.TempDir()
	b := beside(t, p, 1)
	before, most, done := heap(), uint64(0), make(chan struct{})
	watcher := make(chan struct{})
	go func() {
		defer close(watcher)
		for {
			select {
			case <-done:
				return
			case <-time.After(2 * time.Millisecond):
				most = max(most, heap())
			}
		}
	}()
	_, err := misbehave.Do(t.Context(), p, crime{How: "flood", Dir: dir})
	close(done)
	<-watcher
	var e *proc.ExitError
	if !errors.As(err, &e) || e.Code != 5 || !strings.HasSuffix(strings.TrimSpace(e.Stderr), "the end of the flood") || len(e.Stderr) > 4<<10 {
		t.Errorf("100 MB were printed, and then: %v", err)
	}
	if grown := int64(most) - int64(before); grown > 32<<20 {
		t.Errorf("the heap has grown by %d MB", grown>>20)
	}
	b.unharmed(t)
	isWhole(t, p, 2)
}

func heap() uint64 {
	runtime.Gosched()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
