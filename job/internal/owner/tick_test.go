package owner_test

import (
	"errors"
	"fmt"
	"strconv"
	"testing"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// An every is a calendar of rules that are seconds; "broken" fails, and "-5" leaves
// out what is late.
type every struct{ asked *int }

func (e every) Tick(rule string, due, now int64) (tick, next int64, err error) {
	*e.asked++
	next, err = e.Next(rule, now)
	if rule[0] == '-' && now-due > 1e6 {
		return 0, next, err
	}
	return due, next, err
}

func (e every) Next(rule string, after int64) (int64, error) {
	if rule == "once" {
		return 0, nil
	}
	n, err := strconv.ParseInt(rule, 10, 64)
	if err != nil {
		return 0, errors.New("no rule")
	}
	d := max(n, -n) * 1e6
	return after/d*d + d, nil
}

func withCalendar(t *testing.T, change ...func(*owner.Config)) (s *shell, asked *int) {
	c := config()
	asked = new(int)
	c.Calendar, c.Limits.Jobs = every{asked}, 1<<20
	for _, f := range change {
		f(&c)
	}
	return own(t, newDisk(), c), asked
}

func schedule(name, rule, queue string) *owner.Request {
	return &owner.Request{Op: owner.Schedule, Schedule: &state.Schedule{Name: name, Rule: rule, Spec: spec(queue)}}
}

func TestATickIsOnTimeAndEntersOneJob(t *testing.T) {
	s, _ := withCalendar(t)
	w := s.session()
	s.wantAll(s.ask(schedule("s", "10", "q")), "schedule")
	began := s.now.Wall
	c := wait(claim(w, 9))
	s.ask(c)
	if s.wake != began+10e6 {
		t.Errorf("it wakes after %d", s.wake-began)
	}
	s.live(10e6 - 1)
	s.isOpen(c)
	s.live(1)
	s.want(c, "claim 1/1")
	if j := c.Jobs[0]; j.Schedule != "s" || j.Tick != began+10e6 || j.Entered != began+10e6 {
		t.Errorf("%+v", j)
	}
	decides, records := s.live(100e6)
	if n := s.core.State().Counts().Ready; n != 10 || records != 10 || decides > 30 {
		t.Errorf("%d jobs, %d records, decided %d times", n, records, decides)
	}
	sameAsReplayed(t, s)
}

func TestWhoSaysAgainWhatIsScheduledMovesNothing(t *testing.T) {
	s, _ := withCalendar(t)
	s.ask(schedule("s", "10", "q"))
	due := s.now.Wall + 10e6
	s.live(4e6)
	s.ask(schedule("s", "10", "p"))
	s.core.State().ScheduleNamed("s")
	if i, _ := s.core.State().ScheduleNamed("s"); i.Next != due || i.Spec.Queue != "p" {
		t.Errorf("%+v", i)
	}
	s.ask(schedule("s", "3", "p"))
	if i, _ := s.core.State().ScheduleNamed("s"); i.Next <= s.now.Wall || i.Next > s.now.Wall+3e6 {
		t.Errorf("%+v", i)
	}
	s.wantAll(s.ask(schedule("s", "broken", "p"), &owner.Request{Op: owner.Unschedule, Name: "s"}, &owner.Request{Op: owner.Unschedule, Name: "s"}),
		"schedule: no rule; unschedule; unschedule: "+state.ErrSchedule.Error())
	if decides, records := s.live(600e6); records != 0 || decides > 20 {
		t.Errorf("%d records, decided %d times", records, decides)
	}
}

func TestAScheduleThatIsRepeatedIsAnsweredAsBefore(t *testing.T) {
	s, _ := withCalendar(t)
	me := s.client()
	ask := func() *owner.Request {
		r := schedule("s", "10", "q")
		r.Request = state.Request{Client: me, N: 1, Low: 1}
		return r
	}
	s.wantAll(s.ask(ask()), "schedule")
	s.live(25e6)
	s.wantAll(s.ask(ask()), "schedule")
	if i, _ := s.core.State().ScheduleNamed("s"); i.Next <= s.now.Wall {
		t.Errorf("it was moved back by %d", s.now.Wall-i.Next)
	}
}

// The owner was away: each schedule's calendar says what becomes of the time.
func TestTicksOfTheTimeInWhichNobodyOwnedTheLog(t *testing.T) {
	s, asked := withCalendar(t)
	s.ask(schedule("once for all", "10", "q"), schedule("none", "-10", "q"), schedule("the last", "10", "q"))
	s.ask(schedule("the last", "once", "q")) // a rule that is never due
	c := config()
	c.Calendar = every{asked}
	b := read(t, s.disk, c, 1)
	b.now = s.now
	b.sleep(3600e6)
	next, err := b.core.TakeOver(b.now)
	if err != nil {
		t.Fatal(err)
	}
	b.run(next)
	b.decide()
	if n := b.core.State().Counts().Ready; n != 1 {
		t.Errorf("%d jobs", n)
	}
	b.live(10e6)
	if n := b.core.State().Counts().Ready; n != 3 {
		t.Errorf("%d jobs", n)
	}
	sameAsReplayed(t, b)
}

// Neither a schedule without room nor one whose rule cannot be read keeps the
// others from their turn, nor the owner at work.
func TestAScheduleThatCannotTickIsTriedOnceASecondAndDelaysNoOther(t *testing.T) {
	s, asked := withCalendar(t, func(c *owner.Config) { c.Queues = map[string]state.Queue{"full": {Depth: 1}} })
	broken := schedule("a broken one", "unreadable", "q")
	broken.Schedule.Next = s.now.Wall + 1e6
	s.ask(enqueue("full", 1), broken, schedule("b without room", "1", "full"), schedule("c", "10", "q"))
	s.live(2e6)
	*asked = 0
	decides, records := s.live(60e6)
	if decides > 200 || *asked > 200 || records > 130 {
		t.Errorf("in a minute it decides %d times, asks the calendar %d times and writes %d records", decides, *asked, records)
	}
	if n := s.core.State().Counts().Ready; n != 1+6 {
		t.Errorf("%d jobs are ready", n)
	}
	s.ask(cancel(1)...)
	s.live(2e6)
	if c, _, _ := s.core.State().QueueCounts("full"); c.Ready != 1 {
		t.Errorf("there is room, and no job: %+v", c)
	}
	sameAsReplayed(t, s)
}

func TestWithoutACalendarNothingIsDue(t *testing.T) {
	s := own(t, newDisk(), config())
	s.wantAll(s.ask(schedule("s", "10", "q")), "schedule: "+state.ErrSchedule.Error())
	r := schedule("s", "10", "q")
	r.Schedule.Next = s.now.Wall + 1e6
	s.ask(r)
	if decides, records := s.live(600e6); decides > 20 || records > 0 {
		t.Errorf("decided %d times, %d records", decides, records)
	}
}

func TestTenThousandIdleSchedulesCostNoRecordAndNoWake(t *testing.T) {
	s, asked := withCalendar(t)
	for i := range 10_000 {
		s.core.Add(schedule(fmt.Sprint("schedule ", i), "86400", "q"))
	}
	s.decide()
	s.core.Answered()
	*asked = 0
	if decides, records := s.live(3600e6); records > 0 || decides > 70 || *asked > 0 {
		t.Errorf("in an hour it decides %d times, asks the calendar %d times and writes %d records", decides, *asked, records)
	}
}

func TestManyTicksAtOnceLeaveRoomForRequests(t *testing.T) {
	s, _ := withCalendar(t)
	for i := range 1000 {
		s.core.Add(schedule(fmt.Sprint("schedule ", i), "10", "q"))
	}
	s.decide()
	s.core.Answered()
	s.sleep(10e6)
	r := &owner.Request{Op: owner.Counts}
	s.core.Add(r)
	s.run(s.core.Decide(s.now)) // one record
	if r.Counts.Ready != 0 || len(s.core.Answered()) != 1 {
		t.Errorf("%+v", r.Counts)
	}
	if n := s.core.State().Counts().Ready; n != 256 {
		t.Errorf("%d ticks in a record", n)
	}
	s.decide()
	if n := s.core.State().Counts().Ready; n != 1000 {
		t.Errorf("%d ticks", n)
	}
	sameAsReplayed(t, s)
}

func TestALogThatIsLowGetsNoTicks(t *testing.T) {
	s, _ := withCalendar(t)
	s.ask(schedule("s", "10", "q"))
	s.core.Low(errors.New("little"))
	if _, records := s.live(100e6); records > 12 || s.core.State().Counts().Ready != 0 {
		t.Errorf("%d records, %d jobs", records, s.core.State().Counts().Ready)
	}
	s.core.Low(nil)
	s.live(11e6)
	if n := s.core.State().Counts().Ready; n < 1 || n > 2 {
		t.Errorf("%d jobs", n)
	}
}
