package lock_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/inspect"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

// rooms numbers the locks of these tests: what waiting costs is counted by name
// for as long as the process lives.
var rooms atomic.Int64

// wait lets one task hold with take while another waits for it so long.
func wait(t *testing.T, take, want func(context.Context) (lock.Held, error), long time.Duration) {
	t.Helper()
	err := scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		s.Go(func(ctx context.Context) error {
			h, err := take(ctx)
			if err != nil {
				return err
			}
			time.Sleep(long)
			h.Unlock()
			return nil
		}, scope.Name("slow"))
		synctest.Wait()
		s.Go(func(ctx context.Context) error {
			h, err := want(ctx)
			h.Unlock()
			return err
		}, scope.Name("patient"))
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestLongWaitsAndLongHoldsAreFindingsOfWhoWaitedAndWhoHeld(t *testing.T) {
	for i := range 2 { // of a mutex, of a read-write lock
		synctest.Test(t, func(t *testing.T) {
			name := fmt.Sprintf("long %d", rooms.Add(1))
			m, l := lock.NewMutex(lock.Name(name)), lock.NewRWMutex(lock.Name(name))
			take, want := m.Lock, m.Lock
			if i == 1 {
				take, want = l.Lock, l.RLock
			}
			found := findings(func() { wait(t, take, want, 3*time.Second) })
			told := make(map[string]inspect.Finding)
			for _, f := range found {
				told[f.Code] = f
			}
			if f := told["lock.long-wait"]; !strings.HasPrefix(f.Task, "patient") || !strings.Contains(f.Detail, "waited 3s for ") || !strings.Contains(f.Detail, name) || len(f.Stack) == 0 || !strings.Contains(f.Stack[0].File, "contention_test.go") {
				t.Errorf("%d: long wait: %+v", i, f)
			}
			if f := told["lock.long-hold"]; !strings.HasPrefix(f.Task, "slow") || !strings.Contains(f.Detail, "for at least 3s while others waited") {
				t.Errorf("%d: long hold: %+v", i, f)
			}
			// One that is no longer than the last is not told again.
			if again := findings(func() { wait(t, take, want, 4*time.Second) }); len(again) > 0 {
				t.Errorf("%d: told again: %+v", i, again)
			}
			if again := findings(func() { wait(t, take, want, 7*time.Second) }); len(again) != 2 {
				t.Errorf("%d: of one that is twice as long, told: %+v", i, again)
			}
		})
	}
}

func TestShortWaitsAreNoFindings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := lock.NewMutex()
		if found := findings(func() { wait(t, m.Lock, m.Lock, 900*time.Millisecond) }); len(found) > 0 {
			t.Errorf("found %+v", found)
		}
	})
}

func TestContendedSitesAreShownWithWhatTheyCost(t *testing.T) {
	name := fmt.Sprintf("room %d", rooms.Add(1))
	synctest.Test(t, func(t *testing.T) {
		stock := lock.NewMutex(lock.Name(name))
		for range 5 {
			wait(t, stock.Lock, stock.Lock, 500*time.Hour) // so that it comes first
		}
	})
	for _, p := range inspect.Take().Places {
		if p.Name != "contended locks" {
			continue
		}
		for _, f := range p.Figures {
			if strings.HasPrefix(f.Name, "contention_test.go:") && strings.HasSuffix(f.Name, " for mutex "+name) && f.Value == "5 waits, 2500h0m0s in all, longest 500h0m0s" {
				return
			}
		}
		t.Fatalf("figures %+v", p.Figures)
	}
	t.Error("inspect does not show contended locks")
}
