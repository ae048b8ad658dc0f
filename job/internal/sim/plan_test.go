package sim_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hemgo/hem/job/internal/state"
)

// A plan is a schedule as the model has it.
type plan struct {
	name, rule       string
	next, last, made int64
	job              uint64
	spec             state.Spec
}

// A calendar is the simulation's: a rule is a period, from the epoch on, and what
// becomes of ticks that were missed: "once", "skip" or "all". One that ends says
// when.
type calendar struct{ storms bool } // see shellMutant

const planRule = "%d %s %d"

func (c calendar) read(rule string) (period int64, missed string, end int64) {
	_, err := fmt.Sscanf(rule, planRule, &period, &missed, &end)
	if err != nil {
		panic(fmt.Sprintf("sim: rule %q: %v", rule, err))
	}
	return period, missed, end
}

// Next is the first multiple of the period after a time.
func (c calendar) Next(rule string, after int64) (int64, error) {
	if strings.HasPrefix(rule, "!") {
		return 0, errRule
	}
	period, _, end := c.read(rule)
	next := (after/period + 1) * period
	if end > 0 && next > end {
		next = 0
	}
	return next, nil
}

var errRule = fmt.Errorf("sim: a rule that nobody understands")

// Tick says what becomes of a tick that was due. One is missed when the next is due
// too.
func (c calendar) Tick(rule string, due, now int64) (tick, next int64, err error) {
	period, missed, _ := c.read(rule)
	tick = due
	if missed != "all" && due+period <= now && !c.storms {
		if tick += (now - due) / period * period; missed == "skip" {
			next, err = c.Next(rule, tick)
			return 0, next, err
		}
	}
	next, err = c.Next(rule, tick)
	return tick, next, err
}

func (m *model) plan(name string) *plan {
	for _, p := range m.plans {
		if p.name == name {
			return p
		}
	}
	return nil
}

// setPlan makes a schedule, or replaces one.
func (m *model) setPlan(t *transition) {
	p := m.plan(string(t.bytes))
	if p == nil {
		p = &plan{name: string(t.bytes)}
		m.plans = append(m.plans, p)
	}
	m.w.tally[plansMade]++
	m.ticked[p.name] = min(m.ticked[p.name], t.next-1) // somebody may want one again
	p.rule, p.next, p.spec, p.made = t.rule, t.next, t.specs[0], m.now
}

func (m *model) dropPlan(t *transition) {
	if m.plan(string(t.bytes)) == nil {
		m.w.breaks(asWritten, "record %d removes schedule %s, which there is not", m.seq, t.bytes)
	}
	m.plans = slices.DeleteFunc(m.plans, func(p *plan) bool { return p.name == string(t.bytes) })
}

// tick moves a schedule on: not before it is due, as its policy says, and for each
// time once.
func (m *model) tick(t *transition, e *effect) {
	p := m.plan(string(t.bytes))
	switch {
	case p == nil:
		m.w.breaks(onSchedule, "record %d moves schedule %s on, which there is not", m.seq, t.bytes)
		return
	case t.due != p.next:
		m.w.breaks(onSchedule, "record %d moves schedule %s on from %+d, and it is due at %+d", m.seq, p.name, t.due-base, p.next-base)
	case t.due > m.now || t.tick > m.now:
		m.w.breaks(onSchedule, "record %d moves schedule %s on %d µs before it is due", m.seq, p.name, max(t.due, t.tick)-m.now)
	}
	tick, next, _ := calendar{}.Tick(p.rule, t.due, m.now)
	if tick != t.tick || next != t.next {
		m.w.breaks(onSchedule, "record %d moves schedule %s (%q), due at %+d, on to %+d and %+d, should be to %+d and %+d", m.seq, p.name, p.rule, t.due-base, t.tick-base, t.next-base, tick-base, next-base)
	}
	p.next = t.next
	if next > t.due+2*(next-tick) || tick != t.due {
		m.w.tally[ticksMissed]++
	}
	if t.tick == 0 {
		return
	}
	if last := m.ticked[p.name]; t.tick <= last {
		m.w.breaks(onSchedule, "record %d enters the job of schedule %s for %+d, and there was one for %+d", m.seq, p.name, t.tick-base, last-base)
	}
	m.w.tally[ticks]++
	m.ticked[p.name], p.last = t.tick, t.tick
	spec := p.spec
	spec.Schedule, spec.Tick = p.name, t.tick
	p.job, _ = m.enter(&spec)
}
