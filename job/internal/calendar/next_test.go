package calendar_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hemgo/hem/job/internal/calendar"
)

func TestNextAndLastFindTheDays(t *testing.T) {
	for _, c := range []struct {
		expr, after, until string
		want               string // dates
	}{
		{"0 0 1 * *", "2024-01-01", "2024-04-01", "2024-02-01 2024-03-01 2024-04-01"},
		{"0 0 31 * *", "2024", "2024-09", "2024-01-31 2024-03-31 2024-05-31 2024-07-31 2024-08-31"},
		{"0 0 29 2 *", "2000-03", "2013", "2004-02-29 2008-02-29 2012-02-29"},
		{"0 0 29 2 *", "2096-01", "2105", "2096-02-29 2104-02-29"},
		{"0 0 29 2 */6", "2000-03", "2050", "2004-02-29 2020-02-29 2032-02-29 2048-02-29"},

		{"0 0 L * *", "2023-12-31", "2024-05", "2024-01-31 2024-02-29 2024-03-31 2024-04-30"},
		{"0 0 L 2 *", "2099", "2105", "2099-02-28 2100-02-28 2101-02-28 2102-02-28 2103-02-28 2104-02-29"},
		{"0 0 LW * *", "2024-03", "2024-07", "2024-03-29 2024-04-30 2024-05-31 2024-06-28"},
		{"0 0 1W * *", "2024-05-31", "2024-09-30", "2024-06-03 2024-07-01 2024-08-01 2024-09-02"},
		{"0 0 15W * *", "2024-05", "2024-10", "2024-05-15 2024-06-14 2024-07-15 2024-08-15 2024-09-16"},
		{"0 0 31W * *", "2024-02", "2024-09-15", "2024-03-29 2024-05-31 2024-07-31 2024-08-30"},
		{"0 0 31W * *", "2021-03-31", "2021-06", "2021-05-31"}, // not 04-30, though 05-01 is a Saturday

		{"0 0 * * FRI#2", "2024", "2024-04", "2024-01-12 2024-02-09 2024-03-08"},
		{"0 0 * * FRI#5", "2024", "2024-12", "2024-03-29 2024-05-31 2024-08-30 2024-11-29"},
		{"0 0 * * FRIL", "2024", "2024-05", "2024-01-26 2024-02-23 2024-03-29 2024-04-26"},
		{"0 0 * 2 SUNL", "2015", "2018", "2015-02-22 2016-02-28 2017-02-26"},
		{"0 0 * * 7", "2024-06-01", "2024-06-20", "2024-06-02 2024-06-09 2024-06-16"},

		// Either, if both are restricted; else both.
		{"0 0 13 * FRI", "2024-09-06", "2024-09-20", "2024-09-13 2024-09-20"},
		{"0 0 13 * FRI", "2024-10-11", "2024-10-18", "2024-10-13 2024-10-18"},
		{"0 0 L * MON#1", "2024-05", "2024-06-30", "2024-05-06 2024-05-31 2024-06-03 2024-06-30"},
		{"0 0 */10 * MON", "2024", "2024-08", "2024-03-11 2024-04-01 2024-07-01"},
		{"0 0 1-31 * MON", "2024-01-01", "2024-01-04", "2024-01-02 2024-01-03 2024-01-04"},
		{"0 0 30 2 MON", "2024-02-10", "2024-03", "2024-02-12 2024-02-19 2024-02-26"},
	} {
		after, until := utc(c.after), utc(c.until)
		want := strings.Fields(c.want)
		for i := range want {
			want[i] += " 00:00 +00"
		}
		sees(t, must(t, c.expr, ""), after, until, want)
	}
}

func TestNextAndLastFindTheTimes(t *testing.T) {
	for _, c := range []struct {
		expr, after, until string
		want               []string
	}{
		{"*/20 9-10 * * *", "2024-05-01", "2024-05-02 09:10", []string{
			"2024-05-01 09:00 +00", "2024-05-01 09:20 +00", "2024-05-01 09:40 +00",
			"2024-05-01 10:00 +00", "2024-05-01 10:20 +00", "2024-05-01 10:40 +00", "2024-05-02 09:00 +00"}},
		{"59 23 31 12 *", "2023", "2025", []string{"2023-12-31 23:59 +00", "2024-12-31 23:59 +00"}},
		{"30,45 59 23 * * *", "2024-02-28 23:59:30", "2024-02-29 23:59:30", []string{"2024-02-28 23:59:45 +00", "2024-02-29 23:59:30 +00"}},
		{"* * * * * *", "2023-12-31 23:59:58", "2024-01-01 00:00:01", []string{
			"2023-12-31 23:59:59 +00", "2024-01-01 00:00 +00", "2024-01-01 00:00:01 +00"}},
		{"@every 7h", "1970-01-02", "1970-01-02 23", []string{"1970-01-02 04:00 +00", "1970-01-02 11:00 +00", "1970-01-02 18:00 +00"}},
	} {
		sees(t, must(t, c.expr, ""), utc(c.after), utc(c.until), c.want)
	}
}

func TestEveryIsDueAtMultiplesSince1970(t *testing.T) {
	for _, d := range []time.Duration{time.Second, 90 * time.Second, 7 * time.Hour, 1000 * time.Hour, 87600 * time.Hour} {
		r := must(t, "@every "+d.String(), "")
		at := time.Unix(0, 0)
		if first := r.Next(at.Add(-1)); !first.Equal(at) {
			t.Errorf("%v: first due %v", d, first)
		}
		for range 20 {
			if at = r.Next(at); at.Unix()%int64(d/time.Second) != 0 {
				t.Fatalf("%v: due at %v", d, at)
			}
		}
		if last := r.Last(time.Unix(0, 0), at.Add(d-1)); !last.Equal(at) {
			t.Errorf("%v: last was %v, want %v", d, last, at)
		}
	}
}

func TestNextIsAfterAndLastIsNotAfterToTheNanosecond(t *testing.T) {
	tick := utc("2024-05-01 12:00:00")
	for _, expr := range []string{"0 12 * * *", "0 */12 * * *", "@every 12h"} {
		r := must(t, expr, "")
		if got := r.Next(tick.Add(-1)); !got.Equal(tick) {
			t.Errorf("%s: just before it is due, Next is %v", expr, got)
		}
		for _, d := range []time.Duration{0, 1, time.Second - 1} {
			if got := r.Next(tick.Add(d)); !got.After(tick) {
				t.Errorf("%s: %v after it was due, Next is %v", expr, d, got)
			}
			if got := r.Last(tick.Add(-1), tick.Add(d)); !got.Equal(tick) {
				t.Errorf("%s: %v after it was due, Last is %v", expr, d, got)
			}
			if got := r.Last(tick.Add(d), tick.Add(time.Second)); !got.IsZero() {
				t.Errorf("%s: since %v after it was due, Last is %v", expr, d, got)
			}
		}
		if got := r.Last(tick, tick.Add(-time.Hour)); !got.IsZero() {
			t.Errorf("%s: in a time that ends before it begins, Last is %v", expr, got)
		}
	}
}

// bounds are rules of each kind, with the first and the last time of all.
var bounds = []struct{ expr, zone, first, last string }{
	{"* * * * * *", "", "1970-01-01 00:00:00", "2199-12-31 23:59:59"},
	{"0 0 1 1 *", "", "1970-01-01 00:00:00", "2199-01-01 00:00:00"},
	{"0 * * * *", "Asia/Tokyo", "1970-01-01 00:00:00", "2199-12-31 23:00:00"},
	{"0 0 * * *", "Asia/Tokyo", "1970-01-01 15:00:00", "2199-12-31 15:00:00"},
	{"0 */12 * * *", "America/New_York", "1970-01-01 05:00:00", "2199-12-31 17:00:00"},
	{"0 19 31 12 *", "America/New_York", "1970-01-01 00:00:00", "2199-01-01 00:00:00"},
	{"0 0 29 2 *", "", "1972-02-29 00:00:00", "2196-02-29 00:00:00"},
	{"@every 1s", "", "1970-01-01 00:00:00", "2199-12-31 23:59:59"},
	{"@every 87600h", "", "1970-01-01 00:00:00", "2199-11-06 00:00:00"},
}

func TestNextAndLastHaveAnAnswerForAllOfTime(t *testing.T) {
	farPast := []time.Time{{}, time.Unix(math.MinInt64, 0), time.Unix(-1, 0), utc("1000")}
	farFuture := []time.Time{utc("2200"), utc("9999"), time.Unix(math.MaxInt64, 999_999_999), time.Unix(1<<55, 0)}
	for _, c := range bounds {
		r := must(t, c.expr, c.zone)
		for _, past := range farPast {
			if got := r.Next(past); !got.Equal(utc(c.first)) {
				t.Errorf("%s %s: Next(%v) is %v, want %s", c.expr, c.zone, past, got, c.first)
			}
			if got := r.Last(past, utc(c.first)); !got.Equal(utc(c.first)) {
				t.Errorf("%s %s: Last until its first is %v, want %s", c.expr, c.zone, got, c.first)
			}
			if got := r.Last(past, utc(c.first).Add(-1)); !got.IsZero() {
				t.Errorf("%s %s: Last before its first is %v", c.expr, c.zone, got)
			}
			for _, future := range farFuture {
				if got := r.Last(past, future); !got.Equal(utc(c.last)) {
					t.Errorf("%s %s: Last(%v, %v) is %v, want %s", c.expr, c.zone, past, future, got, c.last)
				}
			}
		}
		for _, future := range append(farFuture, utc(c.last)) {
			if got := r.Next(future); got != (time.Time{}) {
				t.Errorf("%s %s: Next(%v) is %v, want the zero Time", c.expr, c.zone, future, got)
			}
			if got := r.Last(future, farFuture[2]); got != (time.Time{}) {
				t.Errorf("%s %s: Last(%v, ...) is %v, want the zero Time", c.expr, c.zone, future, got)
			}
		}
	}
}

func TestTheZeroRuleIsNeverDue(t *testing.T) {
	var r calendar.Rule
	if got := r.Next(utc("2024")); !got.IsZero() {
		t.Errorf("Next is %v", got)
	}
	if got := r.Last(utc("2024"), utc("2025")); !got.IsZero() {
		t.Errorf("Last is %v", got)
	}
	if r.String() != "" || r.Zone() != "" || r.Every() != 0 {
		t.Errorf("it is %q in %q, every %v", r.String(), r.Zone(), r.Every())
	}
}

func TestNextAndLastAllocateNothing(t *testing.T) {
	for _, c := range bounds {
		r := must(t, c.expr, c.zone)
		after, until := utc("2024-05-06 07:08:09"), utc("2034-05-06 07:08:09")
		if n := testing.AllocsPerRun(100, func() { r.Next(after); r.Last(after, until) }); n != 0 {
			t.Errorf("%s %s: %v allocations", c.expr, c.zone, n)
		}
	}
}

func TestRulesAreUsedByManyAtOnce(t *testing.T) {
	done := make(chan []string)
	for range 8 {
		go func() {
			r, err := calendar.Parse("0 9 * * MON-FRI", "Pacific/Auckland")
			if err != nil {
				t.Error(err)
			}
			done <- in(ticks(r, utc("2024-04"), utc("2024-05")))
		}()
	}
	want := <-done
	for range 7 {
		if got := <-done; !slices.Equal(got, want) || len(got) != 22 {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
