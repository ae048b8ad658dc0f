package calendar_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hemgo/hem/job/internal/calendar"
)

var places = []string{
	"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Casablanca",
	"Pacific/Apia", "Europe/Dublin", "Asia/Kathmandu", "America/St_Johns", "Antarctica/Troll", "Pacific/Chatham",
	"Asia/Gaza", "America/Nuuk", "Pacific/Kwajalein", "Africa/Cairo", "Asia/Tehran", "Australia/Sydney",
}

// moment is an instant that is near a change of clocks more often than not.
func moment(rng *rand.Rand, loc *time.Location) int64 {
	at := time.Unix(rng.Int64N(7_200_000_000), 0).In(loc)
	isWild := strings.HasPrefix(loc.String(), "Wild/")
	if isWild {
		at = time.Unix(rng.Int64N(1_000_000_000), 0).In(loc)
	}
	switch begin, end := at.ZoneBounds(); {
	case isWild && rng.IntN(3) == 0:
		return rng.Int64N(2 * 86400)
	case rng.IntN(4) == 0 || begin.Unix() < 0:
	case rng.IntN(2) == 0 && end.After(at):
		return end.Unix()
	default:
		return begin.Unix()
	}
	return at.Unix()
}

// holds checks all that is promised of r against the instants of a film.
func holds(t *testing.T, rng *rand.Rand, r *calendar.Rule, begin, end int64, due []int64) {
	t.Helper()
	for range 30 {
		at := begin + rng.Int64N(end-begin)
		if len(due) > 0 && rng.IntN(3) > 0 {
			at = min(due[rng.IntN(len(due))]-1+rng.Int64N(3), end-1)
		}
		nano := max(0, rng.Int64N(2e9)-1e9)
		i, found := slices.BinarySearch(due, at)
		after := due[i:]
		if found {
			after = after[1:]
		}
		next := r.Next(time.Unix(at, nano))
		switch {
		case next.IsZero():
			if len(after) > 0 {
				t.Fatalf("%v in %s: after %d, never due, but at %d", r, r.Zone(), at, after[0])
			}
		case next.Unix() <= at || next.Nanosecond() != 0:
			t.Fatalf("%v in %s: after %d, due at %v", r, r.Zone(), at, next)
		case len(after) > 0 && next.Unix() != after[0] || len(after) == 0 && next.Unix() < end:
			t.Fatalf("%v in %s: after %d, due at %d, and not %d", r, r.Zone(), at, next.Unix(), after)
		}

		since := max(begin, at-rng.Int64N(1+rng.Int64N(end-begin)))
		want := time.Time{}
		if last := slices.MaxFunc(append([]int64{-1 << 62}, due[:len(due)-len(after)]...), compare); last > since {
			want = time.Unix(last, 0)
		}
		if last := r.Last(time.Unix(since, 0), time.Unix(at, nano)); !last.Equal(want) {
			t.Fatalf("%v in %s: in (%d, %d], last due at %d, and not %d", r, r.Zone(), since, at, last.Unix(), want.Unix())
		}
	}
}

func compare(a, b int64) int { return int(max(-1, min(1, a-b))) }

// TestRandomRulesAgreeWithAModel looks at random rules near changes of clocks, and
// compares them with one that asks of every minute, or second, whether they are due.
func TestRandomRulesAgreeWithAModel(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	w := writer{rng}
	met := 0
	for range 120 {
		zone := append(places, wild...)[rng.IntN(len(places)+len(wild))]
		loc := place(t, zone)
		step := int64(60)
		before, span := rng.Int64N(30*3600), int64(48*3600)
		if rng.IntN(6) == 0 && !strings.HasPrefix(zone, "Wild/") {
			step, before, span = 1, rng.Int64N(4*3600), 4*3600
		}
		begin := moment(rng, loc) - before
		begin -= begin % step
		end := begin + span
		film := shoot(loc, begin, end, step)
		for range 12 {
			m := w.model(step == 1)
			r, err := calendar.Parse(m.expr, zone)
			if err != nil {
				if !strings.HasSuffix(err.Error(), "is never due: there is no such day") {
					t.Fatal(err)
				}
				continue
			}
			due := m.due(film)
			met += len(due)
			holds(t, rng, r, max(begin, 0), end, due)
			if again, err := calendar.Parse(r.String(), r.Zone()); err != nil || *again != *r {
				t.Fatalf("%q is %q, and that is %q (%v)", m.expr, r, again, err)
			}
		}
	}
	if met < 5000 {
		t.Errorf("in all films, rules were due %d times: that proves little", met)
	}
}

// TestRandomRulesAgreeWithAModelOverCenturies compares all days.
func TestRandomRulesAgreeWithAModelOverCenturies(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	w := writer{rng}
	refused := 0
	for range 12 {
		m := w.model(false)
		m.minute, m.hour = func(v int) bool { return v == 0 }, func(v int) bool { return v == 0 }
		m.expr = "0 " + w.pick("0", "*/23,0") + " " + strings.Join(strings.Fields(m.expr)[2:], " ")
		only := func(t time.Time) bool { return t.Hour() == 0 }
		var want []time.Time
		for at := utc("1970"); at.Before(utc("2200")); at = at.AddDate(0, 0, 1) {
			if m.matches(at) {
				want = append(want, at)
			}
		}
		r, err := calendar.Parse(m.expr, "")
		if err != nil && len(want) == 0 {
			refused++
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		all, reversed := ticks(r, time.Time{}, utc("2200")), back(r, time.Time{}, utc("2200"))
		all, reversed = slices.DeleteFunc(all, func(t time.Time) bool { return !only(t) }), slices.DeleteFunc(reversed, func(t time.Time) bool { return !only(t) })
		same := func(a, b time.Time) bool { return a.Equal(b) }
		if !slices.EqualFunc(all, want, same) || !slices.EqualFunc(reversed, want, same) {
			t.Fatalf("%s: %d days, %d backwards, and not %d", m.expr, len(all), len(reversed), len(want))
		}
	}
	if refused > 3 {
		t.Errorf("%d rules were never due: that proves little", refused)
	}
}
