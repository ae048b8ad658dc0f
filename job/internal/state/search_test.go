package state_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/hemgo/hem/job/internal/state"
)

// many is a state with n jobs of five tasks in four queues for three groups, of which
// every second has been claimed, and every fourth is done.
func many(t *testing.T, n int) *state.State {
	t.Helper()
	s := state.New()
	s.Begin(1000 * second)
	var out state.Outcome
	apply := func(b []byte) {
		t.Helper()
		if err := s.Apply(b, &out); err != nil {
			t.Fatal(err)
		}
	}
	apply(state.AppendLimits(nil, state.Limits{Jobs: 1 << 20, Bytes: 1 << 30, Kept: 1 << 20, Buried: 1 << 20, KeptBytes: 1 << 30}))
	apply(state.AppendSessionOpen(nil, "s", false))
	for i := range n {
		apply(state.AppendEnqueue(nil, state.Spec{
			Task: fmt.Sprint("t", i%5), Queue: fmt.Sprint("q", i%4), Group: []string{"", "a", "b"}[i%3],
			Attempts: 1, Keep: 1e12, Bury: 1e12, Input: []byte("input"), Tags: []string{fmt.Sprint("tag", i%10)},
		}))
		id := out.IDs[0]
		if i%2 == 0 {
			apply(state.AppendClaim(nil, 1, id))
		}
		if i%4 == 0 {
			apply(state.AppendComplete(nil, 1, id, 1, []byte("result")))
		}
	}
	return s
}

// Elsewhere a page with numbers on it costs a scan of all jobs, and with a million of
// them takes the database down.
func TestCountsLookAtNoJob(t *testing.T) {
	n := int64(200_000)
	if testing.Short() {
		n /= 10
	}
	s := many(t, int(n))
	s.Blind()
	if c := s.CountIn(nil, nil, nil); c.Live()+c.Done != n || c.Done != n/4 || c.Running != n/4 {
		t.Errorf("%+v", c)
	}
	if c := s.CountIn([]string{"t1"}, nil, nil); c.Live()+c.Done != n/5 {
		t.Errorf("%+v", c)
	}
	if c := s.CountIn(nil, []string{"q0", "q1"}, nil); c.Live()+c.Done != n/2 || c.Done != n/4 {
		t.Errorf("%+v", c)
	}
	if c := s.CountIn([]string{"t0", "t1"}, []string{"q2"}, []string{"a", "b", "c"}); c.Ready != 0 || c.Done != 0 || c.Running < n*2/5/4*2/3-2 || c.Running > n*2/5/4*2/3+2 {
		t.Errorf("%+v", c)
	}
	if c := s.CountTag("tag3"); c.Live()+c.Done != n/10 {
		t.Errorf("%+v", c)
	}
	queues := s.QueueInfos("", 10)
	if len(queues) != 4 || queues[1].Name != "q1" || queues[1].Counts.Live() != n/4 || queues[1].Groups != 3 {
		t.Errorf("%+v", queues)
	}
	groups := s.GroupInfos("q0", 10)
	if len(groups) != 3 || groups[0].Counts.Done < n/4/3-1 || groups[0].Weight != 1 {
		t.Errorf("%+v", groups)
	}
	if all := s.TaskCounts(); len(all) != 5 {
		t.Errorf("%+v", all)
	}
}

func TestASearchFindsWhatItSays(t *testing.T) {
	s := many(t, 1000)
	for name, q := range map[string]state.Query{
		"all":    {},
		"done":   {Statuses: []state.Status{state.Done}},
		"some":   {Statuses: []state.Status{state.Ready, state.Running}, Tasks: []string{"t1", "t2"}, Queues: []string{"q1", "q2"}},
		"groups": {Groups: []string{"", "b"}},
		"tag":    {Tag: "tag7"},
		"none":   {Tag: "tag"},
	} {
		var want []uint64
		for id := uint64(1000); id > 0; id-- {
			i, err := s.Job(id)
			if err != nil {
				t.Fatal(err)
			}
			in := func(list []string, v string) bool { return len(list) == 0 || slices.Contains(list, v) }
			if (len(q.Statuses) == 0 || slices.Contains(q.Statuses, i.Status)) && in(q.Tasks, i.Task) && in(q.Queues, i.Queue) &&
				in(q.Groups, i.Group) && (q.Tag == "" || slices.Contains(i.Tags, q.Tag)) {
				want = append(want, id)
			}
		}
		for _, page := range [][2]int{{1 << 30, 1 << 30}, {7, 1 << 30}, {1 << 30, 13}, {1, 1}} {
			var got []uint64
			for below := uint64(0); ; {
				found, next := s.Search(&q, below, page[0], page[1])
				for _, i := range found {
					got = append(got, i.ID)
					if i.Input != nil || i.Result != nil {
						t.Errorf("%s: job %d has its input or result", name, i.ID)
					}
				}
				if below = next; next == 0 {
					break
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s, page by page of %v: got %d jobs, want %d", name, page, len(got), len(want))
			}
		}
	}
}
