package job_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
)

// found are the ids of the jobs that q finds, the newest first.
func found(t testing.TB, c *job.Client, q job.Query) (ids []job.ID) {
	t.Helper()
	for s, err := range c.All(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, s.ID)
	}
	return ids
}

func TestJobsAreFoundByWhatIsSaidOfThem(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{}).Client()
		began := time.Now()
		put(t, c, 1, job.Queue("mail"), job.Group("acme"), job.Tags("red", "blue")) // 1
		put(t, c, 2, job.Queue("mail"), job.Tags("red"), job.Key("k"))              // 2
		put(t, c, 3, job.Delay(time.Hour))                                          // 3
		time.Sleep(time.Minute)
		if _, err := job.Enqueue(t.Context(), c, rotate, "x", job.Group("acme")); err != nil { // 4
			t.Fatal(err)
		}
		schedule(t, c, "minutely", job.Every(time.Minute))
		time.Sleep(time.Minute + time.Second) // 5
		claim(t, session(t, c))               // 2, for the group "" comes first
		for name, x := range map[string]struct {
			q    job.Query
			want []job.ID
		}{
			"all":          {job.Query{}, []job.ID{5, 4, 3, 2, 1}},
			"task":         {job.Query{Tasks: []string{"rotate", "other"}}, []job.ID{4}},
			"queue":        {job.Query{Queues: []string{"mail"}}, []job.ID{2, 1}},
			"group":        {job.Query{Groups: []string{"acme"}}, []job.ID{4, 1}},
			"no group":     {job.Query{Groups: []string{""}}, []job.ID{5, 3, 2}},
			"state":        {job.Query{States: []job.State{job.Running, job.Delayed}}, []job.ID{3, 2}},
			"tag":          {job.Query{Tag: "red"}, []job.ID{2, 1}},
			"tag and task": {job.Query{Tag: "red", Groups: []string{"acme"}}, []job.ID{1}},
			"key":          {job.Query{Key: "k"}, []job.ID{2}},
			"schedule":     {job.Query{Schedule: "minutely"}, []job.ID{5}},
			"parent":       {job.Query{Parent: 1}, nil},
			"after":        {job.Query{After: began.Add(time.Second)}, []job.ID{5, 4}},
			"before":       {job.Query{Before: began.Add(time.Second)}, []job.ID{3, 2, 1}},
			"at":           {job.Query{After: began, Before: began.Add(time.Nanosecond)}, []job.ID{3, 2, 1}},
			"just after":   {job.Query{After: began.Add(time.Nanosecond)}, []job.ID{5, 4}},
			"below":        {job.Query{Below: 3}, []job.ID{2, 1}},
		} {
			if got := found(t, c, x.q); !slices.Equal(got, x.want) {
				t.Errorf("%s: got %v, want %v", name, got, x.want)
			}
		}
	})
}

func TestASearchGoesOnWhereItHasStopped(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{}).Client()
		const n = 10_000
		batch := make([]job.Job, 1000)
		for i := range batch {
			tag := "common"
			if i%500 == 0 {
				tag = "rare"
			}
			j, err := job.New(resize, i, job.Tags(tag))
			if err != nil {
				t.Fatal(err)
			}
			batch[i] = j
		}
		for range n / len(batch) {
			if _, err := c.EnqueueMany(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
		}
		if got := found(t, c, job.Query{Tag: "rare"}); len(got) != n/500 {
			t.Errorf("%d were found, want %d", len(got), n/500)
		}
		q, pages := job.Query{}, 0
		last := job.ID(n + 1)
		for {
			page, err := c.Search(t.Context(), q, 3000)
			if err != nil {
				t.Fatal(err)
			}
			pages++
			for _, s := range page.Jobs {
				if s.ID != last-1 {
					t.Fatalf("job %v comes after %v", s.ID, last)
				}
				last = s.ID
			}
			put(t, c, 1) // what is new is on no page
			if q.Below = page.Next; q.Below == 0 {
				break
			}
		}
		if last != 1 || pages != 4 {
			t.Errorf("%d pages end with job %v", pages, last)
		}
	})
}

func TestWrongSearchesAreRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{}).Client()
		for _, most := range []int{-1, 0, 10_001} {
			_, err := c.Search(t.Context(), job.Query{}, most)
			wantFault(t, err, fault.Invalid, false, "job: search: at most", "it must be 1 to 10000")
		}
		_, err := c.Search(t.Context(), job.Query{States: []job.State{9}}, 1)
		wantFault(t, err, fault.Invalid, false, "state 9 is not a State")
		for _, q := range []job.Query{
			{Key: "k"}, {Schedule: "s"}, {Parent: 1}, {Below: 1}, {After: time.Now()}, {Before: time.Now()},
			{Tag: "t", Tasks: []string{"resize"}},
		} {
			_, err := c.Count(t.Context(), q)
			wantFault(t, err, fault.Invalid, false, "job: count: counts are kept by Tasks, Queues and Groups together", "use Search")
		}
		_, err = c.ReplayAll(t.Context(), job.Query{States: []job.State{job.Dead, job.Done}})
		wantFault(t, err, fault.Invalid, false, "job: replay all: it is for jobs that are [dead], and not done")
		_, err = c.CancelAll(t.Context(), job.Query{States: []job.State{job.Done}})
		wantFault(t, err, fault.Invalid, false, "job: cancel all: it is for jobs that are [delayed ready running], and not done")
	})
}

func TestJobsAreCountedAsTheyAreFound(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{}).Client()
		for i := range 60 {
			put(t, c, i, job.Queue([]string{"a", "b"}[i%2]), job.Group([]string{"", "x", "y"}[i%3]), job.Tags([]string{"p", "q"}[i%2]))
		}
		if _, err := c.CancelAll(t.Context(), job.Query{Below: 11}); err != nil {
			t.Fatal(err)
		}
		for _, q := range []job.Query{
			{}, {Queues: []string{"a"}}, {Queues: []string{"a", "b", "a"}}, {Groups: []string{""}}, {Tasks: []string{"resize"}, Groups: []string{"x", "y"}},
			{Tag: "p"}, {Tasks: []string{"other"}}, {States: []job.State{job.Cancelled}}, {States: []job.State{job.Ready}, Queues: []string{"b"}},
		} {
			n, err := c.Count(t.Context(), q)
			if err != nil {
				t.Error(err)
			}
			if got := n.Live() + n.Done + n.Dead + n.Cancelled; got != int64(len(found(t, c, q))) {
				t.Errorf("%+v: %d are counted, %d found", q, got, len(found(t, c, q)))
			}
		}
	})
}

func TestAllThatMatchAreReplayed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{}).Client()
		s := session(t, c)
		const n = 700
		for i := range n {
			opts := []job.Option{job.Attempts(1), job.Tags([]string{"odd", "even"}[i%2])}
			if i == 0 {
				opts = append(opts, job.Key("k"))
			}
			put(t, c, i, opts...)
		}
		for range n {
			if err := claim(t, s).Fail(t.Context(), errEnough); err != nil {
				t.Fatal(err)
			}
		}
		put(t, c, 0, job.Key("k"), job.Queue("other")) // so that job 1 cannot live again
		replayed, err := c.ReplayAll(t.Context(), job.Query{Tag: "odd"})
		if err != nil || replayed != n/2-1 {
			t.Errorf("%d were replayed, want %d, %v", replayed, n/2-1, err)
		}
		counts, err := c.Count(t.Context(), job.Query{Queues: []string{"default"}})
		if err != nil || counts.Ready != n/2-1 || counts.Dead != n/2+1 {
			t.Errorf("%+v, %v", counts, err)
		}
		if again, err := c.ReplayAll(t.Context(), job.Query{Tag: "odd"}); err != nil || again != 0 {
			t.Errorf("%d were replayed again, %v", again, err)
		}
	})
}

func TestReplayingStopsWhereThereIsNoRoom(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{Depth: 10}).Client()
		s := session(t, c)
		for i := range 20 {
			put(t, c, i, job.Attempts(1))
			if err := claim(t, s).Fail(t.Context(), errEnough); err != nil {
				t.Fatal(err)
			}
		}
		n, err := c.ReplayAll(t.Context(), job.Query{})
		wantFault(t, err, fault.Overloaded, false, "job: replay all", "there are 10 of at most 10 jobs")
		if n != 10 || live(t, c) != 10 {
			t.Errorf("%d were replayed, and %d live", n, live(t, c))
		}
	})
}

func TestAllThatMatchAreCancelled(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := jobtest.NewMemory()
		c := open(t, m, job.Config{}).Client()
		s := session(t, c)
		for i := range 500 {
			put(t, c, i, job.Group([]string{"acme", "other"}[i%2]))
		}
		running := claim(t, s)
		before := len(m.Records())
		n, err := c.CancelAll(t.Context(), job.Query{Groups: []string{"acme"}})
		if err != nil || n != 250 {
			t.Errorf("%d were cancelled, %v", n, err)
		}
		if took := len(m.Records()) - before; took > 240 { // they share records, if not always many
			t.Errorf("it took %d records", took)
		}
		if st := wantState(t, c, running.ID(), job.Running); !st.Cancelling {
			t.Error("the one that is running does not know")
		}
		if n, err := c.Count(t.Context(), job.Query{Groups: []string{"other"}}); err != nil || n.Ready != 250 {
			t.Errorf("%+v, %v", n, err)
		}
	})
}

// appending returns a channel that is closed when the next record is appended to m.
func appending(m *jobtest.Memory) <-chan struct{} {
	c := make(chan struct{})
	first := sync.OnceFunc(func() { close(c) })
	m.Faults(func(op jobtest.Op) (none jobtest.Fault) {
		if op.Verb == jobtest.Append {
			first()
		}
		return none
	})
	return c
}

// While somebody enqueues without end, CancelAll ends all the same, and leaves what was
// enqueued after it was called alone.
func TestCancellingAllEndsWhileOthersEnqueue(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := jobtest.NewMemory()
		c := open(t, m, job.Config{}).Client()
		for i := range 1000 {
			put(t, c, i)
		}
		ctx, stop := context.WithCancel(t.Context())
		called := appending(m)
		enqueued := later(func() (n int64) {
			for <-called; ; n++ {
				if _, err := job.Enqueue(ctx, c, resize, 1); err != nil {
					return n
				}
			}
		})
		if n, err := c.CancelAll(t.Context(), job.Query{}); err != nil || n != 1000 {
			t.Errorf("%d were cancelled, %v", n, err)
		}
		stop()
		n := enqueued()
		if live := live(t, c); n == 0 || live < n { // the last may be there, unheard of
			t.Errorf("%d were enqueued meanwhile, and %d live", n, live)
		}
	})
}

// While all that is replayed fails again, and others with it, ReplayAll ends all the
// same, and replays each job once.
func TestReplayingAllEndsWhileOthersDie(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := jobtest.NewMemory()
		c := open(t, m, job.Config{}).Client()
		s := session(t, c)
		for i := range 1000 {
			put(t, c, i, job.Attempts(1))
			if err := claim(t, s).Fail(t.Context(), errEnough); err != nil {
				t.Fatal(err)
			}
		}
		ctx, stop := context.WithCancel(t.Context())
		called := appending(m)
		died := later(func() (n int) {
			for <-called; ; {
				if _, err := job.Enqueue(ctx, c, resize, 1, job.Attempts(1)); err != nil {
					return n
				}
				leases, err := s.Claim(ctx, 128, job.Filter{})
				if err != nil {
					return n
				}
				for _, l := range leases {
					if err := l.Fail(ctx, errEnough); err != nil {
						return n
					}
					n++
				}
			}
		})
		if n, err := c.ReplayAll(t.Context(), job.Query{}); err != nil || n != 1000 {
			t.Errorf("%d were replayed, %v", n, err)
		}
		stop()
		if n := died(); n == 0 {
			t.Error("none died meanwhile")
		}
	})
}

func TestCancellingAllStopsWithItsContext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := jobtest.NewMemory()
		c := open(t, m, job.Config{}).Client()
		for i := range 1000 {
			put(t, c, i)
		}
		m.Faults(func(op jobtest.Op) jobtest.Fault { return jobtest.Fault{Lag: 10 * time.Millisecond} })
		ctx, cancel := context.WithTimeout(t.Context(), 45*time.Millisecond)
		defer cancel()
		n, err := c.CancelAll(ctx, job.Query{})
		if fault.KindOf(err) != fault.Deadline {
			t.Errorf("got %v", err)
		}
		m.Faults(nil)
		counts, err := c.Count(t.Context(), job.Query{})
		if err != nil || counts.Cancelled != int64(n) || n == 0 || n == 1000 {
			t.Errorf("it says that %d were cancelled, and %+v, %v", n, counts, err)
		}
	})
}
