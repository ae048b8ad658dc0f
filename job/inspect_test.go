package job_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/inspect"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/scope"
)

// waitsOf returns what the named tasks wait for.
func waitsOf(names ...string) map[string]string {
	waits := make(map[string]string)
	for t := range inspect.Take().Tasks() {
		if slices.Contains(names, t.Name) && t.Wait != nil {
			waits[t.Name] = t.Wait.Kind + " " + t.Wait.Name
		}
	}
	return waits
}

func TestWaitsAreSeenByInspect(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := jobtest.NewMemory()
		o := open(t, m, job.Config{Name: "mailer", Queues: map[string]job.QueueConfig{"mail": {Depth: 1}}})
		c := o.Client()
		sess := session(t, c)
		first := put(t, c, 1, job.Queue("mail"))
		claim(t, sess)
		err := scope.Run(t.Context(), func(ctx context.Context, s *scope.Scope) error {
			s.Go(func(ctx context.Context) error {
				_, err := job.Enqueue(ctx, c, resize, 2, job.Queue("mail"))
				return err
			}, scope.Name("puts"))
			s.Go(func(ctx context.Context) error {
				_, err := sess.Claim(ctx, 1, job.Filter{Queues: []string{"other"}})
				return err
			}, scope.Name("claims"))
			synctest.Wait()
			m.Faults(jobtest.Script(jobtest.Append, jobtest.Fault{Lag: time.Minute}))
			s.Go(func(ctx context.Context) error {
				_, err := job.Enqueue(ctx, c, resize, 3, job.Queue("other"))
				return err
			}, scope.Name("appends"))
			synctest.Wait()
			want := map[string]string{"puts": "room in job queue mail", "claims": "ready job mailer", "appends": "job log mailer"}
			if got := waitsOf("puts", "claims", "appends"); !maps.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			s.Go(func(ctx context.Context) error { return o.Close(ctx) }, scope.Name("closes"))
			synctest.Wait()
			if got := waitsOf("closes")["closes"]; got != "end of jobs mailer" {
				t.Errorf("got %q", got)
			}
			_ = first
			return nil
		}, scope.Supervise(func(error) {}))
		if err != nil {
			t.Error(err)
		}
	})
}

func TestAnOwnerIsAPlaceWithItsFigures(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := jobtest.NewMemory()
		o := open(t, m, job.Config{Name: "mailer"})
		c := o.Client()
		s := session(t, c)
		put(t, c, 1)
		put(t, c, 2, job.Delay(time.Hour))
		put(t, c, 3)
		claim(t, s)
		figures := func() map[string]string {
			all := make(map[string]string)
			for _, p := range inspect.Take().Places {
				if p.Kind == "job" && p.Name == "mailer" {
					for _, f := range p.Figures {
						all[f.Name] = fmt.Sprint(f.Value)
					}
				}
			}
			return all
		}
		got := figures()
		for name, want := range map[string]string{
			"live": "3", "delayed": "1", "ready": "1", "running": "1", "done": "0", "dead": "0", "cancelled": "0",
			"bytes": "3", "for_room": "0", "for_jobs": "0", "last_record": fmt.Sprint(len(m.Records())), "snapshot": "false",
		} {
			if got[name] != want {
				t.Errorf("%s is %q, want %s", name, got[name], want)
			}
		}
		shut(t, o)
		if got := figures(); len(got) > 0 {
			t.Errorf("a closed owner is still a place: %v", got)
		}
	})
}
