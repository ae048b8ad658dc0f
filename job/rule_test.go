package job_test

import (
	"testing"
	"time"

	"github.com/hemgo/hem/job"
)

// at is a time of one day in UTC, as in "12:05:30"; "" is the zero Time.
func at(t *testing.T, clock string) time.Time {
	t.Helper()
	if clock == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.DateTime, "2026-03-02 "+clock)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestWhatBecomesOfTimesThatWereMissed(t *testing.T) {
	five, second := job.Cron("*/5 * * * *"), job.Every(time.Second)
	for _, c := range []struct {
		rule                  job.Rule
		due, now, tick, after string
	}{
		// In time, whatever the rule says.
		{five, "12:00:00", "12:00:00", "12:00:00", "12:05:00"},
		{five.Missed(job.MissedSkip), "12:00:00", "12:00:01", "12:00:00", "12:05:00"},
		{five.Missed(job.MissedAll), "12:00:00", "12:01:00", "12:00:00", "12:05:00"},
		{five.Missed(job.MissedSkip), "12:00:00", "12:01:00", "12:00:00", "12:05:00"}, // a minute is not missed
		{second, "12:00:00", "12:00:30", "12:00:00", "12:00:01"},
		{second.Missed(job.MissedSkip), "12:00:00", "12:00:30", "12:00:00", "12:00:01"},

		// One that was missed.
		{five, "12:00:00", "12:01:01", "12:00:00", "12:05:00"},
		{five.Missed(job.MissedAll), "12:00:00", "12:01:01", "12:00:00", "12:05:00"},
		{five.Missed(job.MissedSkip), "12:00:00", "12:01:01", "", "12:05:00"},

		// Several, of which the last is late, or is not.
		{five, "12:00:00", "14:03:00", "14:00:00", "14:05:00"},
		{five.Missed(job.MissedAll), "12:00:00", "14:03:00", "12:00:00", "12:05:00"},
		{five.Missed(job.MissedSkip), "12:00:00", "14:03:00", "", "14:05:00"},
		{five, "12:00:00", "14:00:59", "14:00:00", "14:05:00"},
		{five.Missed(job.MissedSkip), "12:00:00", "14:00:59", "14:00:00", "14:05:00"},
		{second, "12:00:00", "14:03:00", "14:03:00", "14:03:01"},
		{second.Missed(job.MissedSkip), "12:00:00", "14:03:00", "14:03:00", "14:03:01"},

		// The log says that it was due, and the rule does not any more: the zone
		// has changed.
		{five, "12:02:00", "12:02:30", "12:02:00", "12:05:00"},
		{five, "12:02:00", "12:04:00", "12:02:00", "12:05:00"},
		{five, "12:02:00", "12:07:00", "12:05:00", "12:10:00"},
		{five.Missed(job.MissedSkip), "12:02:00", "12:04:00", "", "12:05:00"},

		// Never again.
		{job.Cron("0 12 2 3 *").Missed(job.MissedAll), "12:00:00", "12:00:00", "12:00:00", "next year"},
	} {
		tick, next, err := job.Tick(c.rule, at(t, c.due), at(t, c.now))
		if err != nil {
			t.Errorf("%v: %v", c.rule, err)
			continue
		}
		want := time.Date(2027, 3, 2, 12, 0, 0, 0, time.UTC)
		if c.after != "next year" {
			want = at(t, c.after)
		}
		if !tick.Equal(at(t, c.tick)) || !next.Equal(want) {
			t.Errorf("%v, due at %s, seen to at %s: job for %v, next at %v, want %q, %q",
				c.rule, c.due, c.now, tick.UTC().Format(time.TimeOnly), next.UTC().Format(time.DateTime), c.tick, c.after)
		}
	}
}

func TestARuleIsShownAsItIsKept(t *testing.T) {
	for want, r := range map[string]job.Rule{
		"once UTC */5 * * * *":          job.Cron("*/5 * * * *"),
		"skip Europe/Berlin 30 4 * * *": job.Cron("30 4 * * *").In("Europe/Berlin").Missed(job.MissedSkip),
		"all @every 1m30s":              job.Every(90 * time.Second).Missed(job.MissedAll),
	} {
		if got := r.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// The next owner may be on a machine that does not know the zone.
func TestARuleThatCannotBeReadHereIsTriedAgain(t *testing.T) {
	for _, text := range []string{"once Mars/Olympus * * * * *", "once UTC * * *", "sometimes", ""} {
		// An error leaves the schedule due.
		if tick, next, err := job.TickOf(text, at(t, "12:00:00"), at(t, "12:00:01")); err == nil {
			t.Errorf("%q: job for %v, next at %v", text, tick, next)
		}
	}
}
