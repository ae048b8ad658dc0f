package job

import (
	"log/slog"
	"time"

	"github.com/hemgo/hem/job/internal/calendar"
)

// An almanac tells an owner when schedules are due, by the texts of their rules.
type almanac struct {
	rules map[string]*calendar.Rule
	told  map[string]bool // rules that cannot be read, of which that was logged
	log   *slog.Logger
	name  string
}

func newAlmanac(c *Config) *almanac {
	return &almanac{rules: make(map[string]*calendar.Rule), told: make(map[string]bool), log: c.Log, name: c.Name}
}

// mostRules is how many rules are kept read. There are no more schedules.
const mostRules = 1 << 16

// missedAfter is how late a time is that counts as missed.
const missedAfter = time.Minute

// read is the rule of a text, or why it cannot be read.
func (a *almanac) read(text string) (*calendar.Rule, error) {
	if r := a.rules[text]; r != nil {
		return r, nil
	}
	rule := ruleOf(text)
	parsed, err := calendar.Parse(rule.expr, rule.zone)
	if err != nil {
		return nil, err
	}
	if len(a.rules) >= mostRules {
		clear(a.rules)
	}
	a.rules[text] = parsed
	return parsed, nil
}

// Next is when a rule is due next, after a time.
func (a *almanac) Next(text string, after int64) (int64, error) {
	r, err := a.read(text)
	if err != nil {
		return 0, err
	}
	return microsOf(r.Next(timeOf(after))), nil
}

// Tick is what becomes of a schedule that is due. One whose rule cannot be read here,
// since this machine does not know the zone, stays due: its owner tries again, and
// moves others on.
func (a *almanac) Tick(text string, due, now int64) (tick, next int64, err error) {
	r, err := a.read(text)
	if err != nil {
		if !a.told[text] {
			a.told[text] = true
			a.log.Error("job: a schedule's rule cannot be read here, and is tried again", "name", a.name, "rule", text, "err", err)
		}
		return 0, 0, err
	}
	tick, next = tickOf(r, ruleOf(text).missed, due, now)
	return tick, next, nil
}

// tickOf says for which time there is a job now, 0 for none, and when r is due
// next. The time due, which now is not before, is in the log, so it counts also
// where r says otherwise since.
func tickOf(r *calendar.Rule, m Missed, due, now int64) (tick, next int64) {
	tick = due
	if late := time.Duration(now-due) * time.Microsecond; late > missedAfter && m != MissedAll {
		tick = max(due, microsOf(r.Last(time.UnixMicro(due), time.UnixMicro(now))))
	}
	next = microsOf(r.Next(time.UnixMicro(tick)))
	if late := time.Duration(now-tick) * time.Microsecond; late > missedAfter && m == MissedSkip {
		tick = 0
	}
	return tick, next
}

// microsOf is a time as the log says it, 0 for the zero Time.
func microsOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}
