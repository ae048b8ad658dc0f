package sim_test

import (
	"maps"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/record"
	"github.com/hemgo/hem/job/internal/state"
)

// Settings are what most owners of a history say, and all of them in the end.
type settings struct {
	limits  state.Limits
	queues  map[string]state.Queue
	caps    map[string]state.Limit
	weights map[string]uint16
}

// newSettings are those of a seed. The third queue has no depth of its own.
func newSettings(d *dice) settings {
	s := settings{
		limits:  state.Limits{Jobs: 14, Bytes: 1400, Kept: 6, Ageing: 1e6, Buried: 4, KeptBytes: 900},
		queues:  map[string]state.Queue{"a": {Depth: 2}, "b": {Depth: 4}},
		caps:    map[string]state.Limit{"k": {Running: 1}, "l": {Running: 2, Rate: state.Rate{Interval: 300e3, Burst: 2}}},
		weights: map[string]uint16{"h": 3},
	}
	if d.one(2) {
		s.queues["a"] = state.Queue{Depth: 2, Running: 1}
	}
	if d.one(2) {
		s.queues["b"] = state.Queue{Depth: 4, Running: d.between(1, 3), Rate: state.Rate{Interval: 200e3, Burst: d.between(1, 3)}}
	}
	if d.one(3) {
		s.queues["c"] = state.Queue{Rate: state.Rate{Interval: 100e3, Burst: 1}}
	}
	if d.one(3) {
		s.caps["k"] = state.Limit{Running: d.between(0, 2), Rate: state.Rate{Interval: 700e3, Burst: 1}}
	}
	if d.one(3) {
		s.weights["g"] = uint16(d.between(1, 5))
	}
	return s
}

// config is what an owner is made with: now and then others than most have.
func (s *shell) config() owner.Config {
	w := s.w
	c := owner.Config{
		Owner: record.ID{1, byte(s.n)}, Log: record.ID{2, byte(s.n)}, Limits: w.settings.limits, Queues: maps.Clone(w.settings.queues),
		Caps: maps.Clone(w.settings.caps), Weights: maps.Clone(w.settings.weights), Calendar: calendar{w.mutant.storms},
		SnapshotAfter: s.d.between(700, 2500), PageBytes: pick(s.d, 128, 256, 400),
	}
	if w.over {
		return c
	}
	if s.d.one(4) {
		c.Queues["b"] = state.Queue{Depth: s.d.between(1, 4)}
		c.Limits.Jobs = s.d.between(8, 14)
	}
	if s.d.one(6) {
		delete(c.Queues, "b")
		c.Limits.Kept = s.d.between(2, 8)
	}
	if s.d.one(6) {
		c.Queues["c"] = state.Queue{Running: s.d.between(1, 2)}
		c.Caps["l"] = state.Limit{Running: s.d.between(1, 2)}
	}
	if s.d.one(6) {
		delete(c.Caps, "k")
		c.Weights["g"] = uint16(s.d.between(1, 3))
		delete(c.Weights, "h")
	}
	return c
}
