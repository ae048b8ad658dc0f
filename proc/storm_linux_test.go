package proc_test

import (
	"bytes"
	"context"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/pool"
	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/task"
)

// A wave is one call of a storm.
type wave struct {
	Sleep time.Duration
	Crash bool
	Bytes []byte
}

// A shore is what is left of a wave.
type shore struct {
	Len int
	Sum uint32
}

var surge = task.Define("proc.surge", func(ctx context.Context, w wave) (shore, error) {
	if w.Crash {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	select {
	case <-time.After(w.Sleep):
	case <-ctx.Done():
		return shore{}, context.Cause(ctx)
	}
	return shore{len(w.Bytes), crc32.ChecksumIEEE(w.Bytes)}, nil
})

// tangle waits for itself.
var tangle = task.Define("proc.tangle", func(ctx context.Context, _ task.Void) (int, error) {
	var own *scope.Future[int]
	err := scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
		ready := make(chan struct{})
		own = scope.Go(s, func(ctx context.Context) (int, error) {
			<-ready
			return own.Await(ctx)
		})
		close(ready)
		return nil
	})
	return 0, err
})

func init() { testTasks = append(testTasks, surge, tangle) }

func TestCallsInAStormSucceedWithTheirOwnResultOrFailWithAReason(t *testing.T) {
	t.Parallel()
	const calls, callers = 2000, 8
	p := open(t, proc.Config{Name: t.Name(), Workers: 4, Grace: 5 * time.Second, Log: silent})
	var next, succeeded, crashed atomic.Int64
	var all sync.WaitGroup
	for seed := range uint64(callers) {
		r := rand.New(rand.NewPCG(seed, 27))
		all.Go(func() {
			for next.Add(1) <= calls {
				w := wave{Sleep: time.Duration(r.IntN(1000)) * time.Microsecond, Crash: r.IntN(80) == 0}
				w.Bytes = bytes.Repeat([]byte{byte(r.Uint32())}, r.IntN(1<<r.IntN(19)))
				ctx, cancel := context.WithCancelCause(t.Context())
				end := context.CancelFunc(func() {})
				switch r.IntN(4) {
				case 0:
					time.AfterFunc(time.Duration(r.IntN(2000))*time.Microsecond, func() { cancel(errPatience) })
				case 1:
					ctx, end = context.WithTimeout(ctx, time.Duration(r.IntN(2000))*time.Microsecond)
				}
				got, err := surge.Do(ctx, p, w)
				switch want := (shore{len(w.Bytes), crc32.ChecksumIEEE(w.Bytes)}); {
				case err == nil && (w.Crash || got != want):
					t.Errorf("of %+v comes %+v", want, got)
				case err == nil:
					succeeded.Add(1)
				case fault.KindOf(err) == fault.Lost && w.Crash && fault.Started(err):
					crashed.Add(1)
				case fault.KindOf(err) == fault.Cancelled && errors.Is(err, context.Canceled) && ctx.Err() != nil:
				case fault.KindOf(err) == fault.Deadline && errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil:
				default:
					t.Errorf("crash %v, ctx %v, kind %v, started %v: %v", w.Crash, context.Cause(ctx), fault.KindOf(err), fault.Started(err), err)
				}
				end()
				cancel(nil)
			}
		})
	}
	all.Wait()
	if succeeded.Load() == 0 || crashed.Load() == 0 {
		t.Errorf("%d have succeeded and %d have crashed: that was no storm", succeeded.Load(), crashed.Load())
	}
	isWhole(t, p, 4)
	if f := figuresOf(t.Name()); f["waiting"] != "0" || f["busy"] != "0" {
		t.Errorf("afterwards it is %v", f)
	}
}

func TestCallsCancelledWhileTheirInputIsWrittenHarmNoOther(t *testing.T) {
	t.Parallel()
	p := open(t, proc.Config{Workers: 1, Log: silent})
	big := bytes.Repeat([]byte("0123456789abcdef"), 8<<20/16)
	r := rand.New(rand.NewPCG(1, 2))
	cancelled := 0
	for range 30 {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Duration(r.IntN(20_000))*time.Microsecond, cancel)
		out, err := same.Do(ctx, p, big)
		switch {
		case err == nil && !bytes.Equal(out, big):
			t.Fatalf("of %d bytes come %d others", len(big), len(out))
		case err != nil && fault.KindOf(err) != fault.Cancelled:
			t.Fatal(err)
		case err != nil:
			cancelled++
		}
		cancel()
		small := []byte("and now a small one")
		if out, err := same.Do(t.Context(), p, small); err != nil || !bytes.Equal(out, small) {
			t.Fatalf("%q, %v", out, err)
		}
	}
	t.Logf("%d of 30 were cancelled", cancelled)
}

func TestTaskThatWaitsForItselfInAWorkerComesBackAsADeadlock(t *testing.T) {
	t.Parallel()
	p := open(t, proc.Config{Workers: 1, Log: silent})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	before := isWhole(t, p, 1)
	_, err := tangle.Do(ctx, p, task.Void{})
	if fault.KindOf(err) != fault.Deadlocked || !fault.Started(err) {
		t.Errorf("kind %v, started %v: %v", fault.KindOf(err), fault.Started(err), err)
	}
	if after := isWhole(t, p, 1); after[0] != before[0] {
		t.Error("the worker was replaced")
	}
}

func TestCallsBeyondTheQueueAreRefusedNotStarted(t *testing.T) {
	t.Parallel()
	p := open(t, proc.Config{Workers: 1, Queue: 1, Overflow: pool.Reject, Log: silent})
	b := beside(t, p, 1)
	waits := make(chan error, 1)
	go func() {
		_, err := pid.Do(t.Context(), p, task.Void{})
		waits <- err
	}()
	until(t, "one waits", func() bool { return p.Stats().Queued == 1 })
	_, err := pid.Do(t.Context(), p, task.Void{})
	if fault.KindOf(err) != fault.Overloaded || fault.Started(err) {
		t.Errorf("kind %v, started %v: %v", fault.KindOf(err), fault.Started(err), err)
	}
	b.unharmed(t)
	if err := <-waits; err != nil {
		t.Error(err)
	}
}
