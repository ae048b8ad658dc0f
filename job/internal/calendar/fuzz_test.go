package calendar_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hemgo/hem/job/internal/calendar"
)

// FuzzParse holds that what is accepted is written so that it reads the same, and
// that Next and Last agree, wherever they are asked.
func FuzzParse(f *testing.F) {
	for i, c := range readings {
		f.Add(c.expr, "", int64(i)*40_000_000)
	}
	for _, c := range refusals {
		f.Add(c.expr, c.zone, int64(0))
	}
	for _, c := range changes {
		f.Add(c.expr, c.zone, utc(c.after).Unix())
	}
	f.Fuzz(func(t *testing.T, expr, zone string, since int64) {
		r, err := calendar.Parse(expr, zone)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "calendar: ") || len(err.Error()) > 4096 {
				t.Fatalf("%d bytes of error: %v", len(err.Error()), err)
			}
			return
		}
		again, err := calendar.Parse(r.String(), r.Zone())
		if err != nil || *again != *r {
			t.Fatalf("%q is %q, and that is %q (%v)", expr, r, again, err)
		}
		at := time.Unix(since, 0)
		for range 20 {
			next := r.Next(at)
			if next.IsZero() {
				break
			}
			if next.Unix() <= at.Unix() && at.Year() < 3000 || next.Year() < 1970 || next.Year() > 2200 {
				t.Fatalf("%s %s: after %v, due at %v", r, zone, at, next)
			}
			if last := r.Last(at, next.Add(-1)); !last.IsZero() {
				t.Fatalf("%s %s: after %v, due at %v, but last at %v", r, zone, at, next, last)
			}
			if last := r.Last(at, next); !last.Equal(next) {
				t.Fatalf("%s %s: due at %v, but last at %v", r, zone, next, last)
			}
			at = next
		}
	})
}
