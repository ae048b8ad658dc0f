package calendar_test

import (
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // these tests run everywhere

	"github.com/hemgo/hem/job/internal/calendar"
)

// must is a rule that is right.
func must(t testing.TB, expr, zone string) *calendar.Rule {
	t.Helper()
	r, err := calendar.Parse(expr, zone)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func place(t testing.TB, zone string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// utc reads "2024-03-31 01:00:00", or as much of it as there is.
func utc(text string) time.Time {
	at, err := time.Parse(time.DateTime, text+"2000-01-01 00:00:00"[len(text):])
	if err != nil {
		panic(err)
	}
	return at
}

// in writes instants as clocks in their zone show them, with the offset.
func in(times []time.Time) (all []string) {
	for _, t := range times {
		layout := "2006-01-02 15:04 -07"
		if t.Second() != 0 {
			layout = "2006-01-02 15:04:05 -07"
		}
		if _, offset := t.Zone(); offset%3600 != 0 {
			layout += ":00"
		}
		all = append(all, t.Format(layout))
	}
	return all
}

// ticks are the times at which r is due in (after, until].
func ticks(r *calendar.Rule, after, until time.Time) (all []time.Time) {
	for t := r.Next(after); !t.IsZero() && !t.After(until); t = r.Next(t) {
		all = append(all, t)
	}
	return all
}

// back are the same, asked for from the other end.
func back(r *calendar.Rule, after, until time.Time) (all []time.Time) {
	for t := r.Last(after, until); !t.IsZero(); t = r.Last(after, t.Add(-1)) {
		all = append(all, t)
	}
	slices.Reverse(all)
	return all
}

// sees checks what r has in (after, until], from both ends.
func sees(t *testing.T, r *calendar.Rule, after, until time.Time, want []string) {
	t.Helper()
	if got := in(ticks(r, after, until)); !slices.Equal(got, want) {
		t.Errorf("%v %s, forwards:\n\t%s\nwant:\n\t%s", r, r.Zone(), strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
	if got := in(back(r, after, until)); !slices.Equal(got, want) {
		t.Errorf("%v %s, backwards:\n\t%s\nwant:\n\t%s", r, r.Zone(), strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}
