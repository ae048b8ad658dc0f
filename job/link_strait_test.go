package job_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/task"
)

// across connects to h over s, until the test has ended: then the weather is calm.
func across(t testing.TB, s *strait) *job.Remote {
	t.Helper()
	r, err := job.Connect(t.Context(), s.dial, job.ConnectConfig{Name: "tester", Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.turn(weather{})
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}

// notForEver panics if it is not undone in time: in virtual time nothing else would
// end a test that hangs.
func notForEver(d time.Duration) (undo func() bool) {
	return time.AfterFunc(d, func() { panic("it waits for ever") }).Stop
}

// A connection breaks behind each byte, of what is said in either direction while a
// job is enqueued, claimed and completed, and another one called. Whatever was said
// by then, it is asked again over the next connection and happens once.
func TestWhereverAConnectionBreaksNothingHappensTwice(t *testing.T) {
	step := 1
	if testing.Short() {
		step = 17
	}
	broke, at := 1, 0
	for broke > 0 {
		at += step
		bubble(t, func(t *testing.T) {
			defer notForEver(time.Hour)()
			o := open(t, jobtest.NewMemory(), job.Config{})
			h := &host{owner: o}
			t.Cleanup(h.busy.Wait)
			s := newStrait(h, rand.New(rand.NewPCG(uint64(at), 0)))
			broke = 0
			s.first(at, func() { broke++ })
			c := across(t, s).Client()
			worker := session(t, c)
			id := put(t, c, 1)
			l := claimed(t, worker, id)
			if err := l.Complete(t.Context(), []byte("2")); err != nil && fault.KindOf(err) != fault.Fenced {
				t.Errorf("Complete: %v", err)
			}
			call := later(func() int {
				n, err := resize.Do(t.Context(), c, 2)
				if err != nil {
					t.Errorf("the call: %v", err)
				}
				return n
			})
			if err := claimed(t, worker, id+1).Complete(t.Context(), []byte("4")); err != nil {
				t.Errorf("Complete: %v", err)
			}
			if n := call(); n != 4 {
				t.Errorf("the call returned %d", n)
			}
			for _, id := range []job.ID{id, id + 1} {
				if st := wantState(t, o.Client(), id, job.Done); st.Attempt != 1 {
					t.Errorf("job %v took %d attempts", id, st.Attempt)
				}
			}
			if n, err := o.Client().Counts(t.Context(), ""); err != nil || n != (job.Counts{Done: 2}) {
				t.Errorf("%+v, %v", n, err)
			}
		})
		if t.Failed() {
			t.Fatalf("when the connection broke behind byte %d", at)
		}
	}
	if at < 500 {
		t.Errorf("all was said in %d bytes", at)
	}
	t.Logf("%d bytes", at)
}

// One direction is stuck, the other is not. Who is back in time goes on with what it
// has; who is not has stopped before another begins.
func TestADirectionThatIsStuckFencesAWorkerBeforeItsJobsAreGivenAway(t *testing.T) {
	for name, way := range map[string]int{"to the owner": out, "from the owner": back} {
		for _, lasts := range []time.Duration{2 * time.Second, 4 * time.Second, 9 * time.Second, 15 * time.Second, 40 * time.Second} {
			t.Run(fmt.Sprint(name, " for ", lasts), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					defer notForEver(time.Hour)()
					o := open(t, jobtest.NewMemory(), job.Config{})
					h := &host{owner: o}
					t.Cleanup(h.busy.Wait)
					s := newStrait(h, rand.New(rand.NewPCG(1, 2)))
					running, begun := 0, make(chan error, 10)
					long := does("long", func(ctx context.Context, n int) (int, error) {
						if running++; running > 1 {
							t.Error("two are at it at the same time")
						}
						defer func() { running-- }()
						select {
						case <-ctx.Done():
							begun <- context.Cause(ctx)
							return 0, ctx.Err()
						case <-time.After(30 * time.Second):
							begun <- nil
							return n, nil
						}
					})
					working(t, across(t, s).Client(), job.WorkerConfig{Tasks: []task.Task{long}, Log: quiet})
					e, err := job.Enqueue(t.Context(), o.Client(), long, 5)
					if err != nil {
						t.Fatal(err)
					}
					time.Sleep(5 * time.Second)
					wantState(t, o.Client(), e.ID(), job.Running)
					calm := weather{}
					stuck := weather{}
					stuck.stuck[way] = true
					s.turn(stuck)
					time.Sleep(lasts)
					s.turn(calm)
					if lasts < 5*time.Second { // a session lasts 6 s, and its last beat is 2 s old at most
						// It is the same attempt that ends.
						if err := <-begun; err != nil {
							t.Errorf("it was told to end: %v", err)
						}
					} else if err := <-begun; fault.KindOf(err) != fault.Fenced {
						t.Errorf("its cause is %v", err)
					}
					if n, err := e.Wait(t.Context()); n != 5 || err != nil {
						t.Errorf("%d, %v", n, err)
					}
					synctest.Wait()
				})
			})
		}
	}
}
