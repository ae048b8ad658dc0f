package owner_test

import (
	"bytes"
	"testing"

	"github.com/hemgo/hem/job/internal/owner"
)

// Each mutant breaks one rule. Its scene is right while the rule holds and wrong
// when it does not: so the rule is needed, and its loss would be seen.
func TestEachMutantIsCaughtByTheSceneThatItsRuleKeepsRight(t *testing.T) {
	for _, m := range []struct {
		name  string
		set   owner.Switches
		right func(t *testing.T) bool
	}{
		{"ack before append", owner.Switches{AckBeforeAppend: true}, func(t *testing.T) bool {
			s := own(t, newDisk(), config())
			s.core.Add(enqueue("q", 1))
			s.core.Decide(s.now)
			return len(s.core.Answered()) == 0
		}},
		{"resend different", owner.Switches{ResendDifferent: true}, func(t *testing.T) bool {
			s := own(t, newDisk(), config())
			r := enqueue("q", 1)
			s.core.Add(r)
			next := s.core.Decide(s.now)
			s.disk.append(next.After, next.Rec)
			s.run(s.core.Appended(s.now, owner.ErrUnknown))
			return r.Err == nil
		}},
		{"ignore conflict", owner.Switches{IgnoreConflict: true}, func(t *testing.T) bool {
			s := own(t, newDisk(), config())
			own(t, s.disk, config())
			r := enqueue("q", 1)
			s.ask(r)
			return r.Err != nil
		}},
		{"early timers", owner.Switches{EarlyTimers: true}, func(t *testing.T) bool {
			s, c := waiting(t, 100)
			s.ask(enqueue("p", 1))
			s.ask(enqueue("p", 1))
			return len(c.Jobs) > 0 && s.recordNow() <= s.now.Wall
		}},
		{"trim early", owner.Switches{TrimEarly: true}, func(t *testing.T) bool {
			s := own(t, newDisk(), small())
			next := s.begin(5)
			for next.Trim == 0 {
				s.run(next)
				if s.disk.first > 1 {
					return true
				}
				next = s.core.Decide(s.now)
			}
			r := read(t, s.disk, config(), next.Trim)
			_, err := r.core.TakeOver(r.now)
			return err == nil
		}},
		{"barges", owner.Switches{Barges: true}, func(t *testing.T) bool {
			s := withQueues(t, 100, map[string]int64{"q": 2})
			small := enqueue("q", 1)
			s.ask(enqueue("q", 1), wait(enqueue("q", 2)), small)
			return small.Err != nil
		}},
		{"keeps claims", owner.Switches{KeepsClaims: true}, func(t *testing.T) bool {
			s := own(t, newDisk(), config())
			w := s.session()
			c := claim(w, 1)
			s.core.Add(c)
			s.core.Add(enqueue("q", 1))
			next := s.core.Decide(s.now)
			s.core.Drop(c)
			s.run(next)
			s.ask()
			return len(s.core.State().Running(w)) == 0
		}},
		{"skips begin", owner.Switches{SkipsBegin: true}, func(t *testing.T) bool {
			s := own(t, newDisk(), config())
			s.sleep(5)
			s.ask(&owner.Request{Op: owner.Cancel, Job: 9})
			r := read(t, s.disk, config(), 1)
			return bytes.Equal(s.canonical(), r.canonical())
		}},
	} {
		t.Run(m.name, func(t *testing.T) {
			if !m.right(t) {
				t.Error("wrong, though the rule holds")
			}
			owner.Mutant = m.set
			defer func() { owner.Mutant = owner.Switches{} }()
			if m.right(t) {
				t.Error("the mutant was not caught")
			}
		})
	}
}
