//go:build unix

package main

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/job/jobtest"
)

// endless is a log of jobtest that always has room.
type endless struct{ *jobtest.Memory }

func (endless) Low() error { return nil }

func TestSnapshotLastsFromTheRecordItBeginsInToItsTrim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &watchedLog{roomyLog: endless{jobtest.NewMemory()}}
		if _, ok := l.lastSnapshot(); ok {
			t.Error("there is a snapshot in a new log")
		}
		start := time.Now()
		for n := range uint64(5) {
			if err := l.Append(t.Context(), n, make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if err := l.Trim(t.Context(), 3); err != nil { // began in record 3
			t.Fatal(err)
		}
		s, ok := l.lastSnapshot()
		if from, to := s.from.Sub(start), s.to.Sub(start); !ok || from != 2*time.Second || to != 5*time.Second {
			t.Errorf("it lasts from %v to %v, want 2s to 5s", from, to)
		}
		if l.size() != 500 {
			t.Errorf("%d bytes were appended, want 500", l.size())
		}
	})
}

func TestRecordThatIsAppendedAgainKeepsItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &watchedLog{roomyLog: endless{jobtest.NewMemory()}}
		start := time.Now()
		must(l.Append(t.Context(), 0, []byte("one")))
		time.Sleep(time.Second)
		if err := l.Append(t.Context(), 0, []byte("one")); err == nil {
			t.Fatal("the log took a record twice")
		}
		must(l.Append(t.Context(), 1, []byte("two")))
		must(l.Trim(t.Context(), 2))
		if s, ok := l.lastSnapshot(); !ok || s.from.Sub(start) != time.Second {
			t.Errorf("record 2 was appended after %v, want 1s", s.from.Sub(start))
		}
	})
}

func TestCallIsDuringAStretchIfTheyHaveATimeInCommon(t *testing.T) {
	zero := time.Now()
	at := func(s int) time.Time { return zero.Add(time.Duration(s) * time.Second) }
	s := stretch{at(10), at(20)}
	for _, c := range []struct {
		from, to int
		want     bool
	}{{0, 5, false}, {0, 10, true}, {5, 30, true}, {12, 13, true}, {20, 21, true}, {21, 25, false}} {
		if got := s.overlaps(call{at(c.from), at(c.to).Sub(at(c.from))}); got != c.want {
			t.Errorf("%d to %d is during 10 to 20: %v, want %v", c.from, c.to, got, c.want)
		}
	}
}
