package job

import (
	"fmt"
	"strings"
	"time"

	"github.com/hemgo/hem/job/internal/calendar"
	"github.com/hemgo/hem/job/internal/state"
)

// A Rule says when a schedule is due, and what becomes of the times at which
// nobody was there. It is made by [Cron] and [Every]. What is wrong with a rule is
// told by [Schedule].
type Rule struct {
	expr   string
	zone   string
	missed Missed
}

// Cron is due whenever clocks show a time that expr matches: minute, hour,
// day-of-month, month and day-of-week, with seconds in front if there are six
// fields.
//
//	30 4 * * MON-FRI    at half past four, Monday to Friday
//	*/5 * * * *         every five minutes
//	0 9 L * *           at nine on the last day of the month; LW, the last working day
//	0 9 15W * *         at nine on the working day nearest the 15th
//	0 9 * * FRI#2       at nine on the second Friday; FRIL, the last one
//	@daily              and @hourly, @weekly, @monthly, @yearly
//
// Clocks are those of UTC, unless [Rule.In] says otherwise. If both days are said,
// and neither begins with *, either will do, as with cron elsewhere.
//
// Where clocks change, a rule whose hour is * goes on evenly. Every other one is due
// once for what it names: a time that is skipped, at the first instant after; a time
// that is repeated, the first time.
func Cron(expr string) Rule { return Rule{expr: expr} }

// Every is due each d: at the multiples of d since 1970, so that it does not matter
// when the schedule was made. d is in whole seconds, from one to ten years.
func Every(d time.Duration) Rule { return Rule{expr: "@every " + d.String()} }

// In is the rule by the clocks of a time zone, as "Europe/Berlin". The owner must
// know the zone: where machines have no database of them, its program imports
// time/tzdata. "Local" is refused, for a log outlives machines.
func (r Rule) In(zone string) Rule {
	r.zone = zone
	return r
}

// Missed is the rule with m for the times that it misses. The default is
// [MissedOnce].
func (r Rule) Missed(m Missed) Rule {
	r.missed = m
	return r
}

// A Missed says what becomes of the times of a schedule that were missed: that
// were more than a minute ago when an owner saw to them, since there was none, or
// no room for the job.
type Missed uint8

const (
	// MissedOnce makes one job, for the last time that is due, however many
	// were missed.
	MissedOnce Missed = iota
	// MissedSkip makes none for those that were missed.
	MissedSkip
	// MissedAll makes a job for each.
	MissedAll
)

var missedNames = [...]string{MissedOnce: "once", MissedSkip: "skip", MissedAll: "all"}

// String is "once", "skip" or "all".
func (m Missed) String() string {
	if int(m) < len(missedNames) {
		return missedNames[m]
	}
	return fmt.Sprintf("missed %d", uint8(m))
}

// String is the rule as it is kept: what becomes of missed times, the zone, and
// the expression, as in "once Europe/Berlin */5 * * * *".
func (r Rule) String() string {
	if strings.HasPrefix(r.expr, "@every") {
		return r.missed.String() + " " + r.expr
	}
	zone := r.zone
	if zone == "" {
		zone = "UTC"
	}
	return r.missed.String() + " " + zone + " " + r.expr
}

// text is r in the one form that the log has of it, of all in which it can be
// written.
func (r Rule) text() (string, error) {
	if int(r.missed) >= len(missedNames) {
		return "", fmt.Errorf("the rule's Missed is %d: it is MissedOnce, MissedSkip or MissedAll", uint8(r.missed))
	}
	parsed, err := calendar.Parse(r.expr, r.zone)
	if err != nil {
		return "", err
	}
	text := Rule{expr: parsed.String(), zone: parsed.Zone(), missed: r.missed}.String()
	if len(text) > state.MaxRule {
		return "", fmt.Errorf("the rule has %d bytes, of at most %d: make two schedules of it", len(text), state.MaxRule)
	}
	return text, nil
}

// ruleOf is the rule whose text it is, as far as it can be read.
func ruleOf(text string) Rule {
	missed, rest, _ := strings.Cut(text, " ")
	var r Rule
	for m, name := range missedNames {
		if name == missed {
			r.missed = Missed(m)
		}
	}
	if strings.HasPrefix(rest, "@") {
		r.expr = rest
		return r
	}
	r.zone, r.expr, _ = strings.Cut(rest, " ")
	return r
}
