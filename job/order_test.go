package job_test

import (
	"testing"
	"time"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
)

func TestPriorityCountsWithinItsGroupAndNotBetweenGroups(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{}).Client()
		for range 4 {
			put(t, c, 1, job.Group("loud"), job.Priority(100))
			put(t, c, 1, job.Group("quiet"), job.Priority(-100))
		}
		first := put(t, c, 1, job.Group("quiet"))
		s := session(t, c)
		groups := make(map[string]int)
		for i := range 8 {
			st := wantState(t, c, claim(t, s).ID(), job.Running)
			if groups[st.Group]++; st.Group == "quiet" && groups["quiet"] == 1 && st.ID != first {
				t.Errorf("claim %d is job %v, want %v", i, st.ID, first)
			}
		}
		if groups["loud"] != 4 || groups["quiet"] != 4 {
			t.Errorf("of eight claims the groups had %v", groups)
		}
	})
}

func TestBetweenQueuesTheJobThatHasWaitedLongestIsNext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{}).Client()
		var want []job.ID
		for _, queue := range []string{"a", "b", "a", "a", "b"} {
			want = append(want, put(t, c, 1, job.Queue(queue)))
			time.Sleep(time.Second)
		}
		s := session(t, c)
		for i, id := range want {
			if got := claim(t, s).ID(); got != id {
				t.Errorf("claim %d is job %v, want %v", i, got, id)
			}
		}
	})
}

func TestGroupsTakeTurnsByTheirWeight(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{Groups: map[string]int{"gold": 3}}).Client()
		for range 100 {
			put(t, c, 1, job.Group("noisy"))
		}
		for range 30 {
			put(t, c, 1, job.Group("gold"))
			put(t, c, 1)
		}
		s := session(t, c)
		given := make(map[string]int)
		for range 50 {
			l := claim(t, s)
			given[wantState(t, c, l.ID(), job.Running).Group]++
		}
		for group, want := range map[string]int{"gold": 30, "noisy": 10, "": 10} {
			if got := given[group]; got < want-1 || got > want+1 {
				t.Errorf("group %q was given %d of 50, want %d", group, got, want)
			}
		}
	})
}
