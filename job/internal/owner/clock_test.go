package owner_test

import (
	"testing"
	"time"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/record"
	"github.com/hemgo/hem/job/internal/state"
)

const hour = 3600e6

// recordNow is the time of the last record.
func (s *shell) recordNow() int64 {
	h, _, err := record.Open(s.disk.at(s.disk.last()))
	if err != nil {
		s.t.Fatal(err)
	}
	return h.Now
}

// waiting owns a log in which a job is due after delay, and somebody waits for
// it.
func waiting(t *testing.T, delay int64) (*shell, *owner.Request) {
	s := own(t, newDisk(), config())
	c := wait(claim(s.session(), 1))
	r := enqueue("q", 1)
	r.Specs[0].RunAt = s.now.Wall + delay
	s.ask(c, r)
	return s, c
}

func TestAClockSetForwardByADayMakesTheTimersOfThatDayDue(t *testing.T) {
	s, c := waiting(t, 20*hour)
	s.now.Wall += 24 * hour
	s.ask()
	s.want(c, "claim 1/1")
	if s.recordNow() != s.now.Wall {
		t.Errorf("the record is %d from the wall", s.now.Wall-s.recordNow())
	}
}

// Time goes on at half its speed until the wall has caught up: two hours later.
func TestAClockSetBackByAnHourSlowsTimersDown(t *testing.T) {
	s, c := waiting(t, hour/2)
	began := s.now.Wall
	s.now.Wall -= hour
	next := s.core.Decide(s.now)
	if next.Do != owner.Idle || next.Wake != began+hour/2 {
		t.Fatalf("%v, wakes after %d", next.Do, next.Wake-began)
	}
	s.sleep(hour - 2)
	s.wantAll(s.ask(), "")
	s.sleep(2)
	s.ask()
	s.want(c, "claim 1/1")
	if s.recordNow() != began+hour/2 {
		t.Errorf("the record is %d after it began", s.recordNow()-began)
	}
	s.sleep(hour)
	s.ask(enqueue("q", 1))
	if s.recordNow() != s.now.Wall {
		t.Errorf("the wall has caught up, and the record is %d from it", s.now.Wall-s.recordNow())
	}
	s.sleep(7)
	s.ask(enqueue("q", 1))
	if s.recordNow() != s.now.Wall {
		t.Error("it does not follow the wall any more")
	}
}

func TestAnOwnerWhoseClockIsBehindGoesOnFromTheRecordsTime(t *testing.T) {
	d := newDisk()
	a := own(t, d, config())
	b := read(t, d, config(), 1)
	b.now.Wall = a.now.Wall - hour
	next, _ := b.core.TakeOver(b.now)
	b.run(next)
	if b.recordNow() != a.now.Wall {
		t.Errorf("the takeover is %d after the record before", b.recordNow()-a.now.Wall)
	}
	b.sleep(10)
	b.ask(enqueue("q", 1))
	if b.recordNow() != a.now.Wall+5 {
		t.Errorf("time has gone by %d", b.recordNow()-a.now.Wall)
	}
}

func TestAWallOutOfRangeIsBounded(t *testing.T) {
	d := newDisk()
	s := read(t, d, config(), 1)
	s.now.Wall = -5
	next, _ := s.core.TakeOver(s.now)
	s.run(next)
	if s.recordNow() != 0 {
		t.Errorf("%d", s.recordNow())
	}
	s.now.Wall = 1<<63 - 1
	s.ask(enqueue("q", 1))
	if s.recordNow() != state.MaxTime {
		t.Errorf("%d", s.recordNow())
	}
	s.now.Wall, s.now.Mono = 0, 1<<62
	s.ask(enqueue("q", 1))
	sameAsReplayed(t, s)
}

func TestWakeInIsTheShortestTimeInWhichItCanBe(t *testing.T) {
	for _, test := range []struct {
		name       string
		delay      int64 // of the job that is waited for
		back, late int64 // the wall is set back, and so much later
		want       time.Duration
	}{
		{"as it goes", 10e6, 0, 0, 10 * time.Second},
		{"later", 10e6, 0, 4e6, 6 * time.Second},
		{"overdue", 10e6, 0, 11e6, 0},
		{"at half the speed", 10e6, hour, 0, 20 * time.Second},
		{"at half the speed, later", 10e6, hour, 4e6, 16 * time.Second},
		{"until the wall has caught up", 10e6, 4e6, 0, 14 * time.Second},
		{"a minute at most", hour, 0, 0, time.Minute},
	} {
		s, _ := waiting(t, test.delay)
		s.now.Wall -= test.back
		next := s.core.Decide(s.now)
		s.sleep(test.late)
		if next.Do != owner.Idle || next.WakeIn(s.now) != test.want {
			t.Errorf("%s: %v in %v, not %v", test.name, next.Do, next.WakeIn(s.now), test.want)
		}
	}
	if got := (owner.Next{}).WakeIn(owner.Time{}); got != time.Minute {
		t.Errorf("without a timer: %v", got)
	}
}

// What has passed while it read on was before the record that it read last.
func TestATakeoverInConflictCountsNoTimeTwice(t *testing.T) {
	d := newDisk()
	a := own(t, d, config())
	b := read(t, d, config(), 1)
	a.now.Wall += hour
	a.ask(enqueue("q", 1)) // b, whose wall is behind, does not know of it
	next, err := b.core.TakeOver(b.now)
	if err != nil {
		t.Fatal(err)
	}
	next = b.core.Appended(b.now, d.append(next.After, next.Rec))
	if next.Do != owner.ReadOn {
		t.Fatalf("got %v", next.Do)
	}
	b.now.Mono += 60e6
	b.run(next)
	if got := b.recordNow(); got != a.now.Wall {
		t.Errorf("it takes over %d after the last record", got-a.now.Wall)
	}
}
