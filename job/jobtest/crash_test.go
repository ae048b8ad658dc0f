package jobtest_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
)

func TestCrashEndsCallsThatAreUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := holding(t, "a", "b")
		m.Faults(func(op jobtest.Op) jobtest.Fault {
			if op.Verb == jobtest.Append && op.Bytes == 3 {
				return jobtest.Fault{Lag: time.Hour}
			}
			return jobtest.Fault{Wait: time.Hour}
		})
		var wg sync.WaitGroup
		wg.Go(func() {
			answers(t, "the append that was stored", m.Append(context.Background(), 2, []byte("lag")), job.ErrUnknown)
		})
		wg.Go(func() {
			answers(t, "the append that was not", m.Append(context.Background(), 2, []byte("wait")), job.ErrUnknown)
		})
		wg.Go(func() { answers(t, "trim", m.Trim(context.Background(), 2), job.ErrClosed) })
		wg.Go(func() { _, err := read(m, 1); answers(t, "read", err, job.ErrClosed) })
		wg.Go(func() { _, _, err := m.Bounds(context.Background()); answers(t, "bounds", err, job.ErrClosed) })
		synctest.Wait()
		began := time.Now()
		next := m.Crash(nil)
		wg.Wait()
		if took := time.Since(began); took != 0 {
			t.Errorf("the calls end %v after the crash", took)
		}
		next.Faults(nil)
		reads(t, next, "a b")
		if got := m.Counts().Acknowledged; got != 2 {
			t.Errorf("%d records were acknowledged", got)
		}
	})
}

func TestCrashInAReadShowsNoMore(t *testing.T) {
	m, shown := holding(t, "a", "b", "c"), 0
	err := m.Read(t.Context(), 1, func(uint64, []byte) error {
		shown++
		m.Crash(nil)
		return nil
	})
	answers(t, "read", err, job.ErrClosed)
	if shown != 1 {
		t.Errorf("%d records were shown", shown)
	}
}

func TestFaultsMayCrashTheLog(t *testing.T) {
	m := holding(t, "a")
	var next *jobtest.Memory
	m.Faults(func(jobtest.Op) jobtest.Fault {
		if next == nil {
			next = m.Crash(nil)
		}
		return jobtest.Fault{}
	})
	err := m.Append(t.Context(), 1, []byte("b"))
	answers(t, "append", err, job.ErrUnknown)
	answers(t, "append", err, job.ErrClosed)
	reads(t, next, "a")
}

func TestTrimMakesSureOfWhatItLeaves(t *testing.T) {
	m := holding(t, "a")
	suffers(m, jobtest.Append, jobtest.Fault{Lose: jobtest.Stored})
	_ = m.Append(t.Context(), 1, []byte("b"))
	answers(t, "trim", m.Trim(t.Context(), 2), nil)
	if got, err := read(m.Crash(nil), 2); got != "b" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestCloseWaitsForSlowCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := holding(t, "a")
		suffers(m, jobtest.Append, jobtest.Fault{Wait: time.Hour})
		began := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() { answers(t, "append", m.Append(t.Context(), 1, []byte("b")), nil) })
		synctest.Wait()
		answers(t, "close", m.Close(), nil)
		if took := time.Since(began); took != time.Hour {
			t.Errorf("close took %v", took)
		}
		wg.Wait()
	})
}

func TestCloseDoesNotWaitForACallWhoseFaultsPanicked(t *testing.T) {
	m := holding(t, "a")
	m.Faults(func(jobtest.Op) jobtest.Fault { panic(errTest) })
	func() {
		defer func() {
			if got := recover(); got != errTest {
				t.Errorf("got %v", got)
			}
		}()
		_, _, _ = m.Bounds(t.Context())
	}()
	answers(t, "close", m.Close(), nil) // or it hangs
}
