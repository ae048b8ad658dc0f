package calendar

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A field is one of the columns of an expression.
type field struct {
	name     string
	min, max int
	most     int      // as one may write it: 7 is Sunday, too
	words    []string // for min and so on
	is       string   // how to say what a value is
	goesOn   bool     // there is nothing after max but min
}

var (
	secondField = &field{name: "second", max: 59, most: 59, is: "0 to 59", goesOn: true}
	minuteField = &field{name: "minute", max: 59, most: 59, is: "0 to 59", goesOn: true}
	hourField   = &field{name: "hour", max: 23, most: 23, is: "0 to 23", goesOn: true}
	domField    = &field{name: "day-of-month", min: 1, max: 31, most: 31, is: "1 to 31, L, LW, or a day with W"}
	monthField  = &field{name: "month", min: 1, max: 12, most: 12, is: "1 to 12 or JAN to DEC", goesOn: true,
		words: []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}}
	dowField = &field{name: "day-of-week", max: 6, most: 7, is: "0 to 7 or SUN to SAT", goesOn: true,
		words: []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}}
)

// parse reads the text of a field, in capitals. Parts that special knows are its own.
func (f *field) parse(text string, special func(part string) (bool, error)) (set, error) {
	var s set
	for part := range strings.SplitSeq(text, ",") {
		if part == "" {
			return 0, fmt.Errorf("%s %q has an empty part: write a list as 1,2 and without spaces", f.name, brief(text))
		}
		if special != nil {
			if mine, err := special(part); err != nil {
				return 0, err
			} else if mine {
				continue
			}
		}
		values, err := f.part(part)
		if err != nil {
			return 0, err
		}
		s |= values
	}
	return s, nil
}

// part reads *, 1, 1-5, and each with a step.
func (f *field) part(text string) (set, error) {
	what, by, stepped := strings.Cut(text, "/")
	low, high, err := f.bounds(what, stepped)
	if err != nil {
		return 0, err
	}
	step := 1
	if stepped {
		if step, err = f.step(by); err != nil {
			return 0, err
		}
	}
	return f.steps(low, high, step), nil
}

// bounds reads what a step may follow. high is more than max in a range that goes
// round.
func (f *field) bounds(text string, stepped bool) (low, high int, err error) {
	if isOpen(text) && len(text) == 1 {
		return f.min, f.max, nil
	}
	from, to, isRange := strings.Cut(text, "-")
	if low, err = f.value(from); err != nil {
		return 0, 0, err
	}
	switch {
	case isRange:
		high, err = f.value(to)
	case stepped:
		high = f.max
	default:
		high = low
	}
	if err != nil {
		return 0, 0, err
	}
	if low > f.max { // Sunday the seventh
		low = f.min
		if high > f.max {
			high = f.min
		}
	}
	if high < low && !f.goesOn {
		return 0, 0, fmt.Errorf("%s %s goes backwards, and the end of a month is not always the same: write %d-%d,%d-%d",
			f.name, brief(text), low, f.max, f.min, high)
	}
	if high < low {
		high += f.max - f.min + 1
	}
	return low, high, nil
}

// step reads what follows a slash.
func (f *field) step(text string) (int, error) {
	most := f.max - f.min
	if n, ok := number(text); ok && 1 <= n && n <= most {
		return n, nil
	}
	return 0, fmt.Errorf("%s step %s is not 1 to %d: steps begin again with each field, and what goes on is an @every", f.name, show(text), most)
}

// value reads a number or a word.
func (f *field) value(text string) (int, error) {
	if i := slices.Index(f.words, text); i >= 0 {
		return f.min + i, nil
	}
	if n, ok := number(text); ok && f.min <= n && n <= f.most {
		return n, nil
	}
	return 0, fmt.Errorf("%s %s is not %s", f.name, show(text), f.is)
}

// show is text as a message has it: with quotes, if it is not just a number.
func show(text string) string {
	if _, ok := number(text); ok && len(text) < 20 {
		return text
	}
	return strconv.Quote(brief(text))
}

// steps are the values from low to high that a step comes to.
func (f *field) steps(low, high, step int) set {
	var s set
	for v := low; v <= high; v += step {
		if v > f.max {
			s |= 1 << (v - f.max + f.min - 1)
		} else {
			s |= 1 << v
		}
	}
	return s
}

// isOpen reports whether a field that has text is open: see the package comment.
func isOpen(text string) bool { return strings.HasPrefix(text, "*") || strings.HasPrefix(text, "?") }

// number reads digits. What is too large for an int is the greatest one.
func number(text string) (n int, ok bool) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, _ = strconv.Atoi(text)
	return n, true
}
