package calendar

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// macros are names for expressions.
var macros = map[string]string{
	"@hourly":   "0 * * * *",
	"@daily":    "0 0 * * *",
	"@midnight": "0 0 * * *",
	"@weekly":   "0 0 * * 0",
	"@monthly":  "0 0 1 * *",
	"@yearly":   "0 0 1 1 *",
	"@annually": "0 0 1 1 *",
}

const (
	mostText  = 1 << 10
	mostEvery = 10 * 365 * 24 * time.Hour
)

// Parse reads a rule: an expression of five fields, or of six with seconds in front;
// or one of @hourly, @daily, @midnight, @weekly, @monthly, @yearly and @annually; or
// "@every 90s", with a [time.Duration] of whole seconds, up to ten years. The package
// comment says what they mean. Names may be in any case, and fields any number of
// spaces apart.
//
// zone is an IANA name such as "Europe/Berlin", and "" is UTC. An "@every" has none.
func Parse(expr, zone string) (*Rule, error) {
	r, err := parse(upper(expr), zone)
	if err != nil {
		return nil, fmt.Errorf("calendar: %q: %w", brief(expr), err)
	}
	return r, nil
}

// upper is text in capitals. No letter that is not ASCII becomes one that is.
func upper(text string) string {
	b := []byte(text)
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

// brief is what a message has room for of a text.
func brief(text string) string {
	if len(text) <= 128 {
		return text
	}
	return strings.ToValidUTF8(text[:125], "") + "..."
}

var (
	errEmpty   = errors.New(`is empty: write minute hour day-of-month month day-of-week, as in "30 4 * * MON-FRI", or a macro, as @daily`)
	errNever   = errors.New("is never due: there is no such day")
	errOwnZone = errors.New("has a zone in it: give that beside the expression")
	errNoZone  = errors.New("is due at multiples of an interval, whatever clocks show: give no zone")
	errReboot  = errors.New("is due when a machine starts, and a schedule outlives machines: enqueue the job when your program starts")
)

func parse(text, zone string) (*Rule, error) {
	fields := strings.Fields(text)
	switch {
	case len(text) > mostText:
		return nil, fmt.Errorf("has %d bytes, and may have %d", len(text), mostText)
	case len(fields) == 0:
		return nil, errEmpty
	case strings.HasPrefix(fields[0], "TZ="), strings.HasPrefix(fields[0], "CRON_TZ="):
		return nil, errOwnZone
	case fields[0] == "@EVERY":
		return parseEvery(fields[1:], zone)
	case fields[0][0] == '@':
		macro, err := expand(fields)
		if err != nil {
			return nil, err
		}
		return parse(macro, zone)
	case len(fields) == 5:
		fields = append([]string{"0"}, fields...)
	case len(fields) != 6:
		return nil, fmt.Errorf("has %d fields: there are five, minute hour day-of-month month day-of-week, or six with second in front", len(fields))
	}
	return parseFields(fields, zone)
}

func expand(fields []string) (string, error) {
	name := strings.ToLower(fields[0])
	expr, ok := macros[name]
	switch {
	case name == "@reboot":
		return "", errReboot
	case !ok:
		return "", fmt.Errorf("%q is not a macro: there are @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually and @every", brief(name))
	case len(fields) > 1:
		return "", fmt.Errorf("has more than %s, which stands alone", name)
	}
	return expr, nil
}

func parseEvery(fields []string, zone string) (*Rule, error) {
	if zone != "" {
		return nil, errNoZone
	}
	if len(fields) != 1 {
		return nil, errors.New("has no interval, or more than one: write it as in @every 1h30m")
	}
	text := strings.ToLower(fields[0])
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("interval %q is not a duration, as 90s and 1h30m are", brief(text))
	case d < time.Second:
		return nil, fmt.Errorf("interval %s is too short: it is at least 1s", brief(text))
	case d > mostEvery:
		return nil, fmt.Errorf("interval %s is too long: it is at most ten years, 87600h", brief(text))
	case d%time.Second != 0:
		return nil, fmt.Errorf("interval %s is not in whole seconds: %v would be", brief(text), d.Round(time.Second))
	}
	return &Rule{every: int64(d / time.Second)}, nil
}

func parseFields(fields []string, zone string) (*Rule, error) {
	var r Rule
	var err error
	var weekdays set
	p := &r.pattern
	for i, f := range []struct {
		*field
		to      *set
		special func(part string) (bool, error)
	}{
		{secondField, &p.second, nil},
		{minuteField, &p.minute, nil},
		{hourField, &p.hour, nil},
		{domField, &p.days.dom, p.days.specialOfMonth},
		{monthField, &p.month, nil},
		{dowField, &weekdays, p.days.specialOfWeek},
	} {
		if *f.to, err = f.parse(fields[i], f.special); err != nil {
			return nil, err
		}
	}
	p.days.weekly(weekdays)
	r.openHour, p.days.domOpen, p.days.dowOpen = isOpen(fields[2]), isOpen(fields[3]), isOpen(fields[5])
	if r.zone, err = find(zone); err != nil {
		return nil, fmt.Errorf("zone %q %w", brief(zone), err)
	}
	if r.next(beginning-1) >= ending {
		return nil, errNever
	}
	return &r, nil
}

// specialOfMonth reads L, LW and 15W.
func (d *days) specialOfMonth(part string) (bool, error) {
	switch number, isNearest := strings.CutSuffix(part, "W"); {
	case part == "L":
		d.last = true
	case part == "LW":
		d.working = true
	case isNearest:
		n, err := domField.value(number)
		if err != nil {
			return false, err
		}
		d.nearest |= 1 << n
	case strings.HasPrefix(part, "L"):
		return false, fmt.Errorf("day-of-month %q: there are L, the last day, and LW, the last Monday to Friday, and nothing counts back from them", brief(part))
	default:
		return false, nil
	}
	return true, nil
}

// specialOfWeek reads FRI#2 and FRIL.
func (d *days) specialOfWeek(part string) (bool, error) {
	if part == "L" {
		return false, errors.New("day-of-week L is the last of which day? Write 5L or FRIL for the last Friday, and 6 for every Saturday")
	}
	if name, ok := strings.CutSuffix(part, "L"); ok {
		n, err := dowField.value(name)
		if err != nil {
			return false, err
		}
		d.final |= 1 << (n % 7)
		return true, nil
	}
	name, nth, ok := strings.Cut(part, "#")
	if !ok {
		return false, nil
	}
	n, err := dowField.value(name)
	if err != nil {
		return false, err
	}
	k, ok := number(nth)
	if !ok || k < 1 || k > len(d.weeks) {
		return false, fmt.Errorf("day-of-week %q: after # is which one of the month, 1 to 5, and the last one is %sL", brief(part), brief(name))
	}
	d.weeks[k-1] |= 1 << (n % 7)
	return true, nil
}
