package jobtest_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
)

// inBubble runs f in virtual time.
func inBubble[T any](t *testing.T, f func(*testing.T) T) (out T) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { out = f(t) })
	return out
}

// suffers makes the next calls with the verb suffer faults.
func suffers(m *jobtest.Memory, v jobtest.Verb, faults ...jobtest.Fault) {
	m.Faults(jobtest.Script(v, faults...))
}

func TestFaultErrIsTheAnswerAndNothingHappens(t *testing.T) {
	for _, want := range []error{job.ErrConflict, job.ErrTooLarge, job.ErrFull, job.ErrUnknown, job.ErrDamaged, errTest} {
		m := holding(t, "one", "two")
		fail := jobtest.Fault{Err: want}
		suffers(m, jobtest.Append, fail)
		answers(t, "append", m.Append(t.Context(), 2, []byte("three")), want)
		suffers(m, jobtest.Trim, fail)
		answers(t, "trim", m.Trim(t.Context(), 2), want)
		suffers(m, jobtest.Bounds, fail)
		_, _, err := m.Bounds(t.Context())
		answers(t, "bounds", err, want)
		suffers(m, jobtest.Read, fail)
		shown, err := read(m, 1)
		answers(t, "read", err, want)
		if shown != "" {
			t.Errorf("a read that fails shows %q", shown)
		}
		reads(t, m, "one two")
	}
}

func TestFaultStepsAreTakenBeforeItFails(t *testing.T) {
	m := holding(t, "one", "two", "three", "four")
	suffers(m, jobtest.Read, jobtest.Fault{Err: errTest, Steps: 2})
	if shown, err := read(m, 1); shown != "one two" || !errors.Is(err, errTest) {
		t.Errorf("read: got %q, %v", shown, err)
	}
	suffers(m, jobtest.Read, jobtest.Fault{Err: errTest, Steps: 9})
	if shown, err := read(m, 3); shown != "three four" || !errors.Is(err, errTest) {
		t.Errorf("read: got %q, %v", shown, err)
	}
	suffers(m, jobtest.Trim, jobtest.Fault{Err: errTest, Steps: 2})
	answers(t, "trim", m.Trim(t.Context(), 4), errTest)
	if shown, err := read(m, 3); shown != "three four" || err != nil {
		t.Errorf("after the trim: got %q, %v", shown, err)
	}
	_, err := read(m, 2)
	answers(t, "read of what was trimmed", err, job.ErrTrimmed)
}

func TestLoseSaysWhatBecomesOfTheRecord(t *testing.T) {
	for _, test := range []struct {
		lose                    jobtest.Lose
		at, landed, resent, end string
	}{
		{jobtest.Never, "one", "one", "", "one two"},
		{jobtest.Stored, "one two", "one two", "conflict", "one two"},
		{jobtest.Later, "one", "one two", "conflict", "one two"},
		{jobtest.Soon, "one", "one two", "conflict", "one two"},
	} {
		m := holding(t, "one")
		suffers(m, jobtest.Append, jobtest.Fault{Lose: test.lose})
		answers(t, "append", m.Append(t.Context(), 1, []byte("two")), job.ErrUnknown)
		if got := disk(m); got != test.at {
			t.Errorf("%d: on the disk is %q, want %q", test.lose, got, test.at)
		}
		m.Land()
		if got := disk(m); got != test.landed {
			t.Errorf("%d: on the disk is %q after Land, want %q", test.lose, got, test.landed)
		}
		want := error(nil)
		if test.resent != "" {
			want = job.ErrConflict
		}
		answers(t, "append again", m.Append(t.Context(), 1, []byte("two")), want)
		reads(t, m, test.end)
	}
}

func TestSoonArrivesBeforeTheNextAppendAndLaterDoesNot(t *testing.T) {
	m := holding(t)
	suffers(m, jobtest.Append, jobtest.Fault{Lose: jobtest.Soon})
	_ = m.Append(t.Context(), 0, []byte("soon"))
	reads(t, m, "")
	answers(t, "the next append", m.Append(t.Context(), 0, []byte("next")), job.ErrConflict)
	reads(t, m, "soon")

	suffers(m, jobtest.Append, jobtest.Fault{Lose: jobtest.Later})
	_ = m.Append(t.Context(), 1, []byte("later"))
	answers(t, "the next append", m.Append(t.Context(), 1, []byte("next")), nil)
	if n := m.Land(); n != 0 {
		t.Errorf("%d records arrived in the place of another", n)
	}
	reads(t, m, "soon next")
	if p := m.Pending(); len(p) != 0 {
		t.Errorf("what has arrived in vain is pending: %v", p)
	}
}

func TestPendingRecordsLandInTheOrderTheTestSays(t *testing.T) {
	pending := func() (*jobtest.Memory, []jobtest.Pending) {
		m, later := holding(t), jobtest.Fault{Lose: jobtest.Later}
		suffers(m, jobtest.Append, later, later, later)
		_ = m.Append(t.Context(), 0, []byte("one"))
		_ = m.Append(t.Context(), 0, []byte("rival"))
		_ = m.Append(t.Context(), 1, []byte("two"))
		return m, m.Pending()
	}
	for _, test := range []struct {
		order  []int
		stored int
		want   string
	}{
		{nil, 2, "one two"},
		{[]int{0, 2}, 2, "one two"},
		{[]int{1, 0, 2}, 2, "rival two"},
		{[]int{2, 1}, 1, "rival"},
		{[]int{2, 1, 0}, 1, "rival"},
	} {
		m, all := pending()
		var ids []int
		for _, i := range test.order {
			ids = append(ids, all[i].ID)
		}
		if n := m.Land(ids...); n != test.stored || disk(m) != test.want {
			t.Errorf("landed in the order %v: %d stored, %q; want %d, %q", test.order, n, disk(m), test.stored, test.want)
		}
	}
}

func TestConcurrentAppendsLandInTheOrderOfTheirWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := jobtest.NewMemory()
		m.Faults(func(op jobtest.Op) jobtest.Fault {
			return jobtest.Fault{Wait: time.Duration(op.Bytes) * time.Second} // the shorter overtakes
		})
		var wg sync.WaitGroup
		wg.Go(func() { answers(t, "the longer", m.Append(t.Context(), 0, []byte("longer")), job.ErrConflict) })
		synctest.Wait()
		wg.Go(func() { answers(t, "the shorter", m.Append(t.Context(), 0, []byte("short")), nil) })
		wg.Wait()
		m.Faults(nil)
		reads(t, m, "short")
	})
}

func TestSlowCallsTakeVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := holding(t, "one", "two")
		m.Faults(func(jobtest.Op) jobtest.Fault { return jobtest.Fault{Wait: time.Hour, Lag: time.Minute} })
		for name, call := range map[string]func() error{
			"append": func() error { return m.Append(t.Context(), 2, []byte("three")) },
			"read":   func() error { _, err := read(m, 1); return err },
			"bounds": func() error { _, _, err := m.Bounds(t.Context()); return err },
			"trim":   func() error { return m.Trim(t.Context(), 1) },
		} {
			began := time.Now()
			answers(t, name, call(), nil)
			if took := time.Since(began); took != time.Hour+time.Minute {
				t.Errorf("%s took %v", name, took)
			}
		}
	})
}

func TestContextThatEndsASlowAppendMakesItUnknown(t *testing.T) {
	for fault, want := range map[jobtest.Fault]string{
		{Wait: time.Hour}: "one",
		{Lag: time.Hour}:  "one two",
	} {
		synctest.Test(t, func(t *testing.T) {
			m := holding(t, "one")
			suffers(m, jobtest.Append, fault)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			err := m.Append(ctx, 1, []byte("two"))
			answers(t, "append", err, job.ErrUnknown)
			answers(t, "append", err, context.DeadlineExceeded)
			if disk(m) != want {
				t.Errorf("%+v: on the disk is %q, want %q", fault, disk(m), want)
			}
		})
	}
}

func TestStaleCallsDoNotKnowTheNewest(t *testing.T) {
	m := holding(t, "one", "two", "three", "four")
	_ = m.Trim(t.Context(), 2)
	for stale, want := range []string{"2 4", "1 3", "1 2", "1 1", "1 0", "1 0"} {
		suffers(m, jobtest.Bounds, jobtest.Fault{Stale: uint64(stale)})
		first, last, err := m.Bounds(t.Context())
		if got := fmt.Sprint(first, last); got != want || err != nil {
			t.Errorf("bounds, %d behind: got %s, %v; want %s", stale, got, err, want)
		}
	}
	for stale, want := range []string{"three four", "three", "", "", ""} {
		suffers(m, jobtest.Read, jobtest.Fault{Stale: uint64(stale)})
		if got, err := read(m, 3); got != want || err != nil {
			t.Errorf("read, %d behind: got %q, %v; want %q", stale, got, err, want)
		}
	}
}

func TestFaultsIsToldOfEachCall(t *testing.T) {
	m := holding(t, "one")
	var ops []jobtest.Op
	m.Faults(func(op jobtest.Op) jobtest.Fault {
		ops = append(ops, op)
		m.Records() // it may look
		return jobtest.Fault{}
	})
	_ = m.Append(t.Context(), 1, []byte("two"))
	_, _ = read(m, 2)
	_, _, _ = m.Bounds(t.Context())
	_ = m.Trim(t.Context(), 1)
	_ = m.Append(t.Context(), 0, []byte("conflict"))
	got := fmt.Sprint(ops)
	want := fmt.Sprint([]jobtest.Op{
		{Verb: jobtest.Append, N: 2, Seq: 2, Bytes: 3},
		{Verb: jobtest.Read, N: 1, Seq: 2},
		{Verb: jobtest.Bounds, N: 1},
		{Verb: jobtest.Trim, N: 1, Seq: 1},
		{Verb: jobtest.Append, N: 3, Seq: 1, Bytes: 8},
	})
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
