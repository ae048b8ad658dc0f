package calendar

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// String returns the rule in one form of the many it can be written in: numbers in
// order, no second if that is 0, no macro, and no zone. What [Parse] makes of it and
// of [Rule.Zone] is equal to r, by ==. That of the zero Rule is "".
func (r *Rule) String() string {
	switch {
	case r.every != 0:
		return "@every " + r.Every().String()
	case r.isZero():
		return ""
	}
	p := &r.pattern
	text := strings.Join([]string{
		minuteField.text(p.minute),
		hourField.textIf(r.openHour, p.hour),
		p.days.textOfMonth(),
		monthField.text(p.month),
		p.days.textOfWeek(),
	}, " ")
	if p.second != 1<<0 {
		text = secondField.text(p.second) + " " + text
	}
	return text
}

func (d *days) textOfMonth() string {
	var parts []string
	if d.dom != 0 {
		parts = append(parts, domField.textIf(d.domOpen, d.dom))
	}
	for n := range domField.max + 1 {
		if d.nearest.has(n) {
			parts = append(parts, fmt.Sprintf("%dW", n))
		}
	}
	if d.working {
		parts = append(parts, "LW")
	}
	if d.last {
		parts = append(parts, "L")
	}
	return strings.Join(parts, ",")
}

func (d *days) textOfWeek() string {
	var parts []string
	weekly := d.everyWeek()
	if weekly != 0 {
		parts = append(parts, dowField.textIf(d.dowOpen, weekly))
	}
	for wd := range 7 {
		for i, week := range d.weeks {
			if (set(week) &^ weekly).has(wd) {
				parts = append(parts, fmt.Sprintf("%d#%d", wd, i+1))
			}
		}
		if set(d.final).has(wd) {
			parts = append(parts, fmt.Sprintf("%dL", wd))
		}
	}
	return strings.Join(parts, ",")
}

// text is s in a field in which it does not matter whether it is open.
func (f *field) text(s set) string {
	for step := 1; step <= (f.max-f.min)/2; step++ {
		if s == f.steps(f.min, f.max, step) {
			return f.textIf(true, s)
		}
	}
	return f.textIf(false, s)
}

// textIf is s in a field that is open or not. In one that is there is a step that
// leads to members only: Parse has read it.
func (f *field) textIf(open bool, s set) string {
	if !open {
		return runs(s)
	}
	for step := 1; ; step++ {
		steps := f.steps(f.min, f.max, step)
		switch rest := s &^ steps; {
		case steps&^s != 0:
		case step == 1:
			return "*"
		case rest == 0:
			return "*/" + strconv.Itoa(step)
		default:
			return "*/" + strconv.Itoa(step) + "," + runs(rest)
		}
	}
}

// runs is s as a list, in which three and more in a row are a range.
func runs(s set) string {
	var b strings.Builder
	for s != 0 {
		low := s.least()
		n := bits.TrailingZeros64(^uint64(s >> low))
		switch {
		case n > 2:
			fmt.Fprintf(&b, "%d-%d,", low, low+n-1)
		default:
			n = 1
			fmt.Fprintf(&b, "%d,", low)
		}
		s &^= between(low, low+n-1)
	}
	return strings.TrimSuffix(b.String(), ",")
}
