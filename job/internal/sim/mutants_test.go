package sim_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// A mutant breaks something on purpose; rules are those of which at least one must
// be seen to break.
type mutant struct {
	name  string
	set   *bool // of package state or owner; nil: it is m
	also  *bool // with it
	m     mutation
	rules []rule
}

func mutants() []mutant {
	s, o := &state.Mutant, &owner.Mutant
	return []mutant{
		{"state.LosesJob", &s.LosesJob, nil, mutation{shell: shellMutant{childless: true}}, []rule{kept}},
		{"state.SnapshotDropsJob", &s.SnapshotDropsJob, nil, mutation{}, []rule{sameReplay}},
		{"state.SkipPreimage", &s.SkipPreimage, nil, mutation{}, []rule{sameReplay}},
		{"state.AnyEpoch", &s.AnyEpoch, nil, mutation{}, []rule{onceDone}},
		{"state.TwiceDone", &s.TwiceDone, nil, mutation{}, []rule{onceDone}},
		{"state.CancelKeepsReady", &s.CancelKeepsReady, nil, mutation{}, []rule{staysDead}},
		{"state.KeyTwice", &s.KeyTwice, nil, mutation{}, []rule{oneKey}},
		{"state.KeyNotFreed", &s.KeyNotFreed, nil, mutation{}, []rule{inLog, kept, asWritten}},
		{"state.TimersEarly", &s.TimersEarly, nil, mutation{}, []rule{onTime}},
		{"state.DepthOff", &s.DepthOff, nil, mutation{}, []rule{inDepth}},
		{"state.ForgetsRequest", &s.ForgetsRequest, nil, mutation{}, []rule{onceAsked}},
		{"state.PriorityIgnored", &s.PriorityIgnored, nil, mutation{}, []rule{inOrder}},
		{"state.SessionKeepsJobs", &s.SessionKeepsJobs, nil, mutation{}, []rule{asWritten}},
		{"owner.AckBeforeAppend", &o.AckBeforeAppend, nil, mutation{}, []rule{inLog}},
		{"owner.ResendDifferent", &o.ResendDifferent, nil, mutation{}, []rule{inLog}},
		{"owner.IgnoreConflict", &o.IgnoreConflict, nil, mutation{}, []rule{inLog, oneOwner}},
		{"owner.EarlyTimers", &o.EarlyTimers, nil, mutation{}, []rule{onTime}},
		{"owner.TrimEarly", &o.TrimEarly, nil, mutation{}, []rule{sameReplay}},
		{"owner.Barges", &o.Barges, nil, mutation{}, []rule{inOrder}},
		{"owner.KeepsClaims", &o.KeepsClaims, nil, mutation{}, []rule{progress}},
		{"owner.SkipsBegin", &o.SkipsBegin, nil, mutation{}, []rule{sameReplay}},
		{"state.LimitIgnored", &s.LimitIgnored, nil, mutation{}, []rule{inBounds}},
		{"state.RateIgnored", &s.RateIgnored, nil, mutation{}, []rule{inBounds}},
		{"state.PauseIgnored", &s.PauseIgnored, nil, mutation{}, []rule{inBounds}},
		{"state.FairOff", &s.FairOff, nil, mutation{}, []rule{fairly}},
		{"state.TurnSaved", &s.TurnSaved, nil, mutation{}, []rule{fairly}},
		{"state.TurnForgotten", &s.TurnForgotten, nil, mutation{}, []rule{fairly}},
		{"state.ScopeStaysOpen", &s.ScopeStaysOpen, nil, mutation{}, []rule{inScope}},
		{"state.AttachedLives", &s.AttachedLives, nil, mutation{}, []rule{inScope}},
		{"state.CancelStops", &s.CancelStops, nil, mutation{}, []rule{inScope}},
		{"state.ReviveAttached", &s.ReviveAttached, nil, mutation{}, []rule{inScope}},
		{"state.ChildForgotten", &s.ChildForgotten, nil, mutation{}, []rule{childOnce}},
		{"state.DeadlineIgnored", &s.DeadlineIgnored, nil, mutation{}, []rule{onTime}},
		{"state.TickStays", &s.TickStays, nil, mutation{}, []rule{onSchedule}},
		{"state.TakeoverEndsAll", &s.TakeoverEndsAll, nil, mutation{}, []rule{heard}},
		{"state.TicksEarly", &s.TicksEarly, &o.TicksEarly, mutation{}, []rule{onSchedule}},
		{"owner.AnyReport", &o.AnyReport, nil, mutation{}, []rule{told}},
		{"owner.NobodyDies", &o.NobodyDies, nil, mutation{}, []rule{heard}},
		{"owner.DiesAsleep", &o.DiesAsleep, nil, mutation{}, []rule{heard}},
		{"owner.BeatsUnsure", &o.BeatsUnsure, nil, mutation{}, []rule{alone}},
		{"owner.AttachKeeps", &o.AttachKeeps, nil, mutation{}, []rule{progress}},
		{"owner.ForgetsAwait", &o.ForgetsAwait, nil, mutation{}, []rule{told}},
		{"owner.CancelNotTold", &o.CancelNotTold, nil, mutation{}, []rule{told}},
		{"owner.JoinsEnding", &o.JoinsEnding, nil, mutation{}, []rule{told}},
		{"owner.LeaveAnyway", &o.LeaveAnyway, nil, mutation{}, []rule{told}},
		{"a worker that does not stop by itself", nil, nil, mutation{shell: shellMutant{stubborn: true}}, []rule{alone}},
		{"a calendar that makes up for every tick", nil, nil, mutation{shell: shellMutant{storms: true}}, []rule{onSchedule}},
		{"a log that loses what it acknowledged", nil, nil, mutation{disk: diskMutant{losesAcked: true}}, []rule{inLog, sameReplay}},
		{"a log that compares no predecessor", nil, nil, mutation{disk: diskMutant{noCompare: true}}, []rule{oneOwner}},
		{"a log that trims too much", nil, nil, mutation{disk: diskMutant{trimsMore: true}}, []rule{sameReplay}},
		{"a shell that does not wake up", nil, nil, mutation{shell: shellMutant{deaf: true}}, []rule{progress}},
		{"a shell that wakes up late", nil, nil, mutation{shell: shellMutant{drowsy: true}}, []rule{onTime}},
		{"a shell that hands on the newest claim first", nil, nil, mutation{shell: shellMutant{swaps: true}}, []rule{inOrder}},
		{"a shell that forgets an answer", nil, nil, mutation{shell: shellMutant{forgets: true}}, []rule{progress}},
		{"a shell that is never quiet", nil, nil, mutation{shell: shellMutant{restless: true}}, []rule{progress}},
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
			if x.also != nil {
				*x.also = true
				defer func() { *x.also = false }()
			}
			hunt := x.hunt
			if slices.Contains(x.rules, alone) {
				hunt = x.huntQuiet
			}
			seed, b := hunt(2000)
			if seed == 0 {
				t.Fatalf("it was not caught in 2000 seeds, by: %v", x.rules)
			}
			caught[b.rule] = true
			t.Logf("caught within %d seeds by %q: %.200s", seed, b.rule, b.text)
		})
	}
	for r := rule(1); r < rules; r++ {
		if !caught[r] {
			t.Errorf("no mutant was caught by: %v", r)
		}
	}
}

// huntQuiet is for what needs much quiet to be seen.
func (x *mutant) huntQuiet(n uint64) (seed uint64, b breach) {
	for seed = 1; seed <= n; seed++ {
		if len(script(seed)) > mostQuiet {
			continue
		}
		for _, b := range history(seed, nil, x.m, false).broken {
			if slices.Contains(x.rules, b.rule) {
				return seed, b
			}
		}
	}
	return 0, b
}

// hunt is the first of n seeds that breaks one of the rules that it should, or 0.
func (x *mutant) hunt(n uint64) (seed uint64, b breach) {
	for seed = 1; seed <= n; seed++ {
		for _, b := range history(seed, nil, x.m, false).broken {
			if slices.Contains(x.rules, b.rule) {
				return seed, b
			}
		}
	}
	return 0, b
}

func TestSimulationShrinksWhatFails(t *testing.T) {
	x := mutant{m: mutation{disk: diskMutant{losesAcked: true}}, rules: []rule{inLog, sameReplay}}
	seed, b := x.hunt(100)
	skip := shrink(seed, b.rule, x.m, 10*time.Second)
	left := 0
	for _, s := range skip {
		if !s {
			left++
		}
	}
	if left == 0 || left > 10 || !history(seed, skip, x.m, false).broke(b.rule) {
		t.Errorf("%d of %d steps of seed %d are left", left, len(skip), seed)
	}
	if text := report(seed, []breach{b}, x.m, time.Second); !strings.Contains(text, "the power fails") {
		t.Errorf("the report does not say what happened:\n%s", text)
	}
}
