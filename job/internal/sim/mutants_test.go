package sim_test

import (
	"slices"
	"testing"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// A mutant breaks something on purpose; rules are those of which at least one must
// be seen to break.
type mutant struct {
	name  string
	set   *bool // of package state or owner; nil: it is m
	m     mutation
	rules []rule
}

func mutants() []mutant {
	s, o := &state.Mutant, &owner.Mutant
	return []mutant{
		{"state.LosesJob", &s.LosesJob, mutation{}, []rule{kept}},
		{"state.SnapshotDropsJob", &s.SnapshotDropsJob, mutation{}, []rule{sameReplay}},
		{"state.SkipPreimage", &s.SkipPreimage, mutation{}, []rule{sameReplay}},
		{"state.AnyEpoch", &s.AnyEpoch, mutation{}, []rule{onceDone}},
		{"state.TwiceDone", &s.TwiceDone, mutation{}, []rule{onceDone}},
		{"state.CancelKeepsReady", &s.CancelKeepsReady, mutation{}, []rule{staysDead}},
		{"state.KeyTwice", &s.KeyTwice, mutation{}, []rule{oneKey}},
		{"state.KeyNotFreed", &s.KeyNotFreed, mutation{}, []rule{inLog, kept, asWritten}},
		{"state.TimersEarly", &s.TimersEarly, mutation{}, []rule{onTime}},
		{"state.DepthOff", &s.DepthOff, mutation{}, []rule{inDepth}},
		{"state.ForgetsRequest", &s.ForgetsRequest, mutation{}, []rule{onceAsked}},
		{"state.PriorityIgnored", &s.PriorityIgnored, mutation{}, []rule{inOrder}},
		{"state.SessionKeepsJobs", &s.SessionKeepsJobs, mutation{}, []rule{asWritten}},
		{"owner.AckBeforeAppend", &o.AckBeforeAppend, mutation{}, []rule{inLog}},
		{"owner.ResendDifferent", &o.ResendDifferent, mutation{}, []rule{inLog}},
		{"owner.IgnoreConflict", &o.IgnoreConflict, mutation{}, []rule{inLog, oneOwner}},
		{"owner.EarlyTimers", &o.EarlyTimers, mutation{}, []rule{onTime}},
		{"owner.TrimEarly", &o.TrimEarly, mutation{}, []rule{sameReplay}},
		{"owner.Barges", &o.Barges, mutation{}, []rule{inOrder}},
		{"owner.KeepsClaims", &o.KeepsClaims, mutation{}, []rule{progress}},
		{"owner.SkipsBegin", &o.SkipsBegin, mutation{}, []rule{sameReplay}},
		{"a log that loses what it acknowledged", nil, mutation{disk: diskMutant{losesAcked: true}}, []rule{inLog, sameReplay}},
		{"a log that compares no predecessor", nil, mutation{disk: diskMutant{noCompare: true}}, []rule{oneOwner}},
		{"a log that trims too much", nil, mutation{disk: diskMutant{trimsMore: true}}, []rule{sameReplay}},
		{"a shell that does not wake up", nil, mutation{deaf: true}, []rule{onTime, progress}},
	}
}

// TestSimulationCatchesEveryMutant says within how many seeds.
func TestSimulationCatchesEveryMutant(t *testing.T) {
	caught := make(map[rule]bool)
	for _, x := range mutants() {
		t.Run(x.name, func(t *testing.T) {
			if x.set != nil {
				*x.set = true
				defer func() { *x.set = false }()
			}
			for seed := uint64(1); seed <= 1000; seed++ {
				w := history(seed, nil, x.m, false)
				for _, b := range w.broken {
					if slices.Contains(x.rules, b.rule) {
						caught[b.rule] = true
						t.Logf("seed %d: %v: %.300s", seed, b.rule, b.text)
						return
					}
				}
				if len(w.broken) > 0 {
					t.Logf("seed %d, but %v: %.300s", seed, w.broken[0].rule, w.broken[0].text)
				}
			}
			t.Error("it was not caught")
		})
	}
	for r := rule(1); r < rules; r++ {
		if !caught[r] {
			t.Errorf("no mutant was caught by: %v", r)
		}
	}
}
