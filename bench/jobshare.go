//go:build unix

package main

import (
	"context"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/hemgo/hem/job"
)

// Those among whom jobs are shared, one chosen at random for each job.
const (
	shareGroups = 1000
	shareKeys   = 10_000
)

// sharing compares Hem where groups share the workers, and where no key may have
// more than two of them, with Hem where neither is so.
func sharing(ctx context.Context, r *jobRun) (outcomes []jobOutcome, err error) {
	var o jobOutcome
	var mills []mill
	limits := map[string]job.LimitConfig{"bench": {Running: 2}}
	for _, way := range []struct {
		name    string
		config  hemConfig
		options func() []job.Option
	}{
		{"off", hemConfig{}, nil},
		{"fair-on", hemConfig{}, oneOf(shareGroups, job.Group)},
		{"limits-on", hemConfig{limits: limits}, oneOf(shareKeys, func(key string) job.Option { return job.Limit("bench", key) })},
	} {
		hem, err := openHem(ctx, r.fresh(way.name), way.config)
		if err != nil {
			return nil, err
		}
		defer finish(hem.close, &err)
		mills = append(mills, hem.mill(way.name, way.options))
	}
	entrants := o.enter(mills, func(ctx context.Context, m mill, lasting time.Duration) (score, error) {
		rate, err := m.grind(ctx, jobProducers, lasting)
		return score{Rate: rate}, err
	})
	p := r.plan.longer()
	p.rounds *= 2 // a fifth more is less than the disk's own ups and downs
	c, err := contend(ctx, p, entrants)
	if err != nil {
		return nil, err
	}
	for i, e := range entrants[1:] {
		pair := contest{rates: [][]float64{c.rates[i+1], c.rates[0]}, waits: make([][]float64, 2)}
		o := jobOutcome{outcome: pair.outcome(1, []string{e.name, "off"})}
		o.name, o.per = e.name, "job"
		o.charge(owed{"off", 1.2})
		outcomes = append(outcomes, o)
	}
	return outcomes, nil
}

// oneOf returns options for a job, one of n.
func oneOf(n int, option func(string) job.Option) func() []job.Option {
	all := make([][]job.Option, n)
	for i := range all {
		all[i] = []job.Option{option(strconv.Itoa(i))}
	}
	return func() []job.Option { return all[rand.IntN(n)] }
}
