//go:build linux

package chaos_test

import (
	"path/filepath"
	"testing"
)

// kills are how many there are at least.
var kills = map[string]int{"records": 12, "jobs": 50}

func TestKillsLoseNothingThatWasAcknowledged(t *testing.T) {
	for name := range loads {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := newTrial(t, name, filepath.Join(t.TempDir(), "log"))
			e := effort(kills[name])
			for e.more() {
				tr.kill()
			}
			tr.finish()
			tr.judge()
			t.Logf("%v", e)
		})
	}
}

// The control: whoever reports before it has been promised anything is caught.
func TestKillsCatchALifeThatReportsTooEarly(t *testing.T) {
	for name := range loads {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := newTrial(t, name, filepath.Join(t.TempDir(), "log"))
			tr.order.Early = true
			for n := range 100 {
				lf := tr.begin(1 + tr.rand.IntN(100))
				lf.wait(t)
				lf.kill()
				lf.mourn(t)
				if complaints, _ := tr.ledger.wrong(); len(complaints) > 0 {
					t.Logf("after %d kills: %s", n, complaints[0])
					return
				}
			}
			t.Error("nothing was missing after 100 kills")
		})
	}
}
