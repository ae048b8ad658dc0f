package job_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/task"
)

// A ringing is n jobs without a common parent, of which each asks for something, one
// second after the other. Who is refused goes on.
type ringing struct {
	n    int
	asks func(ctx context.Context, i int, ids []job.ID) error
	errs []error // by job
}

// run returns when all have ended.
func (r *ringing) run(t *testing.T, c *job.Client) (ids []job.ID, took time.Duration) {
	t.Helper()
	r.errs = make([]error, r.n)
	ids = make([]job.ID, r.n)
	links := r.task(ids)
	var all []*job.Handle[int]
	for i := range r.n {
		all = append(all, entered(t, c, links, i, job.Key(fmt.Sprint(i)), job.Queue(fmt.Sprint("queue", i)), job.Attempts(1)))
		ids[i] = all[i].ID()
	}
	working(t, c, job.WorkerConfig{Tasks: []task.Task{links}, Slots: r.n, Log: quiet})
	began := time.Now()
	for _, h := range all {
		if _, err := h.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return ids, time.Since(began)
}

func (r *ringing) task(ids []job.ID) *task.Def[int, int] {
	return does("links", func(ctx context.Context, i int) (int, error) {
		if err := scope.Sleep(ctx, time.Duration(i+1)*time.Second); err != nil {
			return 0, err
		}
		r.errs[i] = r.asks(ctx, i, ids)
		return i, nil
	})
}

func TestJobsThatWouldWaitForEachOtherAreToldAtOnceAndEnd(t *testing.T) {
	ways := map[string]func(c *job.Client, ctx context.Context, next int, id job.ID, links *task.Def[int, int]) error{
		"Wait": func(c *job.Client, ctx context.Context, _ int, id job.ID, links *task.Def[int, int]) error {
			_, err := job.Find(c, links, id).Wait(ctx)
			return err
		},
		"Do": func(c *job.Client, ctx context.Context, next int, _ job.ID, links *task.Def[int, int]) error {
			_, err := links.Keyed(func(i int) string { return fmt.Sprint(i) }).Do(ctx, c, next)
			return err
		},
		"Drain": func(c *job.Client, ctx context.Context, next int, _ job.ID, _ *task.Def[int, int]) error {
			return c.Drain(ctx, fmt.Sprint("queue", next))
		},
	}
	for way, ask := range ways {
		for _, n := range []int{2, 3, 20} {
			t.Run(fmt.Sprint(way, n), func(t *testing.T) {
				each(t, job.Config{}, func(t *testing.T, c *job.Client) {
					r := &ringing{n: n}
					r.asks = func(ctx context.Context, i int, ids []job.ID) error {
						next := (i + 1) % n
						return ask(c, ctx, next, ids[next], r.task(ids))
					}
					ids, took := r.run(t, c.With(job.Queue("default")))
					if took > time.Duration(n)*time.Second+500*time.Millisecond {
						t.Errorf("it took %v", took)
					}
					for i, err := range r.errs[:n-1] {
						if err != nil {
							t.Errorf("job %d was told %v", i, err)
						}
					}
					last := r.errs[n-1]
					wantFault(t, last, fault.Deadlocked, false, fmt.Sprintf("jobs would wait for each other: job %v for ", ids[n-1]), ", which waits for job "+ids[min(1, n-1)].String())
					if hint := fault.HintOf(last); fault.Retryable(last) || (way == "Drain") != strings.Contains(hint, "was not paused") {
						t.Errorf("the hint is %q", hint)
					}
				})
			})
		}
	}
}

// A wait that has been told of progress closes a ring as well.
func TestRingIsSeenAfterProgressWasReported(t *testing.T) {
	for _, way := range []string{"Wait", "Do"} {
		t.Run(way, func(t *testing.T) {
			each(t, job.Config{}, func(t *testing.T, c *job.Client) {
				r := &ringing{n: 2}
				r.asks = func(ctx context.Context, i int, ids []job.ID) error {
					if i == 1 {
						task.Report(ctx, task.Progress{Done: 1, Total: 2})
						if err := scope.Sleep(ctx, 10*time.Second); err != nil {
							return err
						}
					}
					ctx, cancel := context.WithCancel(ctx)
					defer cancel()
					stop := time.AfterFunc(time.Hour, cancel) // so that the test ends
					defer stop.Stop()
					if way == "Do" {
						_, err := r.task(ids).Keyed(func(i int) string { return fmt.Sprint(i) }).Do(ctx, c.With(job.Queue("default")), 1-i)
						return err
					}
					_, err := job.Find(c, r.task(ids), ids[1-i]).Wait(ctx)
					return err
				}
				_, took := r.run(t, c)
				if r.errs[0] != nil || took > time.Minute {
					t.Errorf("the first was told %v, after %v", r.errs[0], took)
				}
				wantFault(t, r.errs[1], fault.Deadlocked, false, "jobs would wait for each other")
			})
		})
	}
}

// A wait that ends by itself closes no ring: who has a deadline gives up, and the others
// go on.
func TestRingInWhichOneGivesUpIsNotRefused(t *testing.T) {
	for patient := range 2 {
		each(t, job.Config{}, func(t *testing.T, c *job.Client) {
			r := &ringing{n: 2}
			r.asks = func(ctx context.Context, i int, ids []job.ID) error {
				if i != patient {
					within, cancel := context.WithTimeout(ctx, time.Hour)
					defer cancel()
					ctx = within
				}
				_, err := job.Find(c, r.task(ids), ids[1-i]).Wait(ctx)
				return err
			}
			_, took := r.run(t, c)
			wantFault(t, r.errs[1-patient], fault.Deadline, false)
			if r.errs[patient] != nil || took < time.Hour {
				t.Errorf("%v, after %v", r.errs[patient], took)
			}
		})
	}
}

func TestHandlerThatEnqueuesIntoItsOwnFullQueueIsRefused(t *testing.T) {
	conf := job.Config{Queues: map[string]job.QueueConfig{"one": {Depth: 1}, "three": {Depth: 3}}}
	each(t, conf, func(t *testing.T, c *job.Client) {
		s := &selfish{jobs: c}
		nested := s.task()
		working(t, c, job.WorkerConfig{Tasks: []task.Task{nested, resize}, Log: quiet})
		ask := func(queue string, n int) func(context.Context, job.ID) error {
			return func(ctx context.Context, _ job.ID) error {
				if n == 1 {
					_, err := job.Enqueue(ctx, c, resize, 1, job.Queue(queue))
					return err
				}
				var batch []job.Job
				for i := range n { // of which two are one
					batch = append(batch, must(job.New(resize, i, job.Queue(queue), job.Key(fmt.Sprint(max(i, 1))))))
				}
				_, err := c.EnqueueMany(ctx, batch)
				return err
			}
		}
		for _, x := range []struct {
			in, to  string
			n       int
			refused bool
		}{
			{"one", "one", 1, true}, {"other", "one", 1, false}, {"one", "three", 1, false},
			{"three", "three", 1, false}, {"three", "three", 3, false}, {"three", "three", 4, true},
		} {
			s.asks = ask(x.to, x.n)
			if _, err := entered(t, c, nested, 0, job.Queue(x.in)).Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			if x.refused {
				s.want(t, fmt.Sprintf("queue %q has room for", x.to), "give it another queue, or raise Depth")
			} else if s.err != nil {
				t.Errorf("%+v: %v", x, s.err)
			}
			time.Sleep(time.Second) // those that were enqueued end
		}
	})
}

// A call that has waited for room finds the job of its key there, which waits for the
// caller's by now.
func TestRingThatClosesWhenACallGetsItsRoomIsLeft(t *testing.T) {
	conf := job.Config{Queues: map[string]job.QueueConfig{"narrow": {Depth: 1}}}
	each(t, conf, func(t *testing.T, c *job.Client) {
		var caller job.ID
		var refused error
		var calls, joined *task.Def[int, int]
		joined = does("joined", func(ctx context.Context, n int) (int, error) {
			_, err := job.Find(c, calls, caller).Wait(ctx)
			return n, err
		}).Keyed(func(int) string { return "k" })
		calls = does("calls", func(ctx context.Context, n int) (int, error) {
			_, refused = joined.Do(ctx, c.With(job.Queue("narrow")), n)
			return n, nil
		})
		filler := entered(t, c, resize, 1, job.Queue("narrow"), job.Delay(time.Hour))
		working(t, c, job.WorkerConfig{Tasks: []task.Task{calls, joined}, Log: quiet})
		first := entered(t, c, calls, 1)
		caller = first.ID()
		time.Sleep(time.Second)
		second := entered(t, c, joined, 2)
		time.Sleep(time.Second)
		if _, err := filler.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for _, h := range []*job.Handle[int]{first, second} {
			if _, err := h.Wait(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %v", took)
		}
		wantFault(t, refused, fault.Deadlocked, true, "jobs would wait for each other")
	})
}
