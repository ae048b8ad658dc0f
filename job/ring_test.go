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
