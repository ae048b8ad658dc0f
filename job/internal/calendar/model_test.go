package calendar_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// A model is a random expression, and what it means by the words of the package
// comment, asked wall time by wall time.
type model struct {
	expr     string
	openHour bool

	second, minute, hour, month test
	dom, dow                    []func(date time.Time) bool
	bothDays                    bool
}

type test func(v int) bool

// matches tells whether a wall time, which is written as though in UTC, does.
func (m *model) matches(wall time.Time) bool {
	if !m.second(wall.Second()) || !m.minute(wall.Minute()) || !m.hour(wall.Hour()) || !m.month(int(wall.Month())) {
		return false
	}
	is := func(f func(time.Time) bool) bool { return f(wall) }
	dom, dow := slices.ContainsFunc(m.dom, is), slices.ContainsFunc(m.dow, is)
	if m.bothDays {
		return dom && dow
	}
	return dom || dow
}

// A film is what clocks show in a zone, every so many seconds.
type film struct {
	begin, step int64
	walls       []int64
}

// shoot makes a film of [begin, end), and of three days before.
func shoot(loc *time.Location, begin, end, step int64) film {
	f := film{begin: begin, step: step}
	for at := begin - 72*3600; at < end; at += step {
		t := time.Unix(at, 0).In(loc)
		y, mo, d := t.Date()
		h, mi, s := t.Clock()
		f.walls = append(f.walls, time.Date(y, mo, d, h, mi, s, 0, time.UTC).Unix())
	}
	return f
}

// due are the instants in a film at which m is due.
func (m *model) due(f film) (all []int64) {
	lead := int(72 * 3600 / f.step)
	reached := slices.Max(f.walls[:lead])
	for i, wall := range f.walls[lead:] {
		at := f.begin + int64(i)*f.step
		if at < 0 {
			reached = max(reached, wall)
			continue
		}
		due := m.openHour && m.matches(time.Unix(wall, 0).UTC())
		for ; !m.openHour && reached < wall; reached += f.step {
			due = due || m.matches(time.Unix(reached+f.step, 0).UTC())
		}
		if due {
			all = append(all, at)
		}
	}
	return all
}

// A writer makes random expressions.
type writer struct{ *rand.Rand }

func (w writer) chance(percent int) bool { return w.IntN(100) < percent }

// model writes an expression that is due often enough to be met with in days.
func (w writer) model(withSeconds bool) *model {
	var m model
	fields := make([]string, 6)
	m.second = func(v int) bool { return v == 0 }
	if withSeconds {
		fields[0], m.second = w.column(0, 59, nil, 30)
	}
	fields[1], m.minute = w.column(0, 59, nil, 20)
	fields[2], m.hour = w.column(0, 23, nil, 30)
	fields[4], m.month = w.column(1, 12, months, 70)
	fields[3] = w.days(&m.dom, 50, w.dayOfMonth)
	fields[5] = w.days(&m.dow, 50, w.dayOfWeek)
	open := func(i int) bool { return fields[i][0] == '*' || fields[i][0] == '?' }
	m.openHour, m.bothDays = open(2), open(3) || open(5)
	if m.expr = strings.Join(fields[1:], " "); withSeconds {
		m.expr = strings.Join(fields, "  ")
	}
	return &m
}

var (
	months   = []string{"Jan", "FEB", "mar", "apr", "MAY", "Jun", "jul", "AUG", "SEP", "OCT", "nov", "dec"}
	weekdays = []string{"SUN", "mon", "Tue", "WED", "thu", "FRI", "sat"}
)

// column writes a field of numbers, which is * in open percent.
func (w writer) column(low, high int, words []string, open int) (string, test) {
	if w.chance(open) {
		return "*", func(int) bool { return true }
	}
	var parts []string
	var tests []test
	for range 1 + w.IntN(3) {
		text, t := w.part(low, high, words, low != 1 || high != 31)
		parts, tests = append(parts, text), append(tests, t)
	}
	return strings.Join(parts, ","), func(v int) bool {
		return slices.ContainsFunc(tests, func(t test) bool { return t(v) })
	}
}

// part writes one part of a list.
func (w writer) part(low, high int, words []string, round bool) (string, test) {
	a, b := low+w.IntN(high-low+1), low+w.IntN(high-low+1)
	if !round {
		a, b = min(a, b), max(a, b)
	}
	step := 1 + w.IntN(min(high-low, 1+w.IntN(20)))
	// since is how far v is from where a range begins, going up and round.
	since := func(v, from int) int { return (v - from + high - low + 1) % (high - low + 1) }
	switch w.IntN(6) {
	case 0:
		return fmt.Sprintf("%s/%d", w.pick("*", "?"), step), func(v int) bool { return (v-low)%step == 0 }
	case 1:
		return fmt.Sprintf("%s/%d", w.word(a, low, words), step), func(v int) bool { return v >= a && (v-a)%step == 0 }
	case 2:
		return fmt.Sprintf("%s-%s", w.word(a, low, words), w.word(b, low, words)),
			func(v int) bool { return since(v, a) <= since(b, a) }
	case 3:
		return fmt.Sprintf("%s-%s/%d", w.word(a, low, words), w.word(b, low, words), step),
			func(v int) bool { return since(v, a) <= since(b, a) && since(v, a)%step == 0 }
	}
	return w.word(a, low, words), func(v int) bool { return v == a }
}

func (w writer) pick(a ...string) string { return a[w.IntN(len(a))] }

func (w writer) word(v, low int, words []string) string {
	if words != nil && w.chance(50) {
		return words[v-low]
	}
	return fmt.Sprintf("%d", v)
}

// days writes a field of days.
func (w writer) days(to *[]func(time.Time) bool, open int, part func() (string, func(time.Time) bool)) string {
	if w.chance(open) {
		*to = append(*to, func(time.Time) bool { return true })
		return w.pick("*", "?")
	}
	var parts []string
	for range 1 + w.IntN(3) {
		text, is := part()
		parts, *to = append(parts, text), append(*to, is)
	}
	return strings.Join(parts, ",")
}

func (w writer) dayOfMonth() (string, func(time.Time) bool) {
	switch w.IntN(8) {
	case 0:
		return "L", func(t time.Time) bool { return t.AddDate(0, 0, 1).Day() == 1 }
	case 1:
		return "LW", func(t time.Time) bool { return nearest(t, t.AddDate(0, 1, -t.Day()).Day()) }
	case 2:
		n := 1 + w.IntN(31)
		return fmt.Sprintf("%dW", n), func(t time.Time) bool { return nearest(t, n) }
	}
	text, is := w.part(1, 31, nil, false)
	return text, func(t time.Time) bool { return is(t.Day()) }
}

// nearest tells whether t is on the Monday to Friday nearest to the nth, of the same
// month.
func nearest(t time.Time, nth int) bool {
	date := t.AddDate(0, 0, nth-t.Day())
	if date.Month() != t.Month() {
		return false
	}
	for _, d := range []int{0, -1, 1, -2, 2} {
		if c := date.AddDate(0, 0, d); c.Month() == t.Month() && c.Weekday()%6 != 0 {
			return c.Day() == t.Day()
		}
	}
	return false
}

func (w writer) dayOfWeek() (string, func(time.Time) bool) {
	v := w.IntN(7)
	text := w.word(v, 0, weekdays)
	if v == 0 && w.chance(30) {
		text = "7"
	}
	switch w.IntN(6) {
	case 0:
		return text + w.pick("L", "l"), func(t time.Time) bool {
			return int(t.Weekday()) == v && t.AddDate(0, 0, 7).Month() != t.Month()
		}
	case 1:
		n := 1 + w.IntN(5)
		return fmt.Sprintf("%s#%d", text, n), func(t time.Time) bool {
			return int(t.Weekday()) == v && t.AddDate(0, 0, -7*n).Month() != t.Month() && t.AddDate(0, 0, -7*(n-1)).Month() == t.Month()
		}
	case 2:
		return text, func(t time.Time) bool { return int(t.Weekday()) == v }
	}
	text, is := w.part(0, 6, weekdays, true)
	return text, func(t time.Time) bool { return is(int(t.Weekday())) }
}
