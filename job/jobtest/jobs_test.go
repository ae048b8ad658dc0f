package jobtest_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/task"
)

type letter struct {
	To   string
	Text string
}

// A diary is what tasks say that they have done.
type diary struct{ lines []string }

func (d *diary) note(format string, args ...any) {
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

func (d *diary) want(t *testing.T, lines ...string) {
	t.Helper()
	if !slices.Equal(d.lines, lines) {
		t.Errorf("there was\n\t%s\nwanted was\n\t%s", strings.Join(d.lines, "\n\t"), strings.Join(lines, "\n\t"))
	}
}

// noting is a task that notes its input, and fails if it is negative.
func noting(d *diary, name string) *task.Def[int, int] {
	return task.Define(name, func(_ context.Context, n int) (int, error) {
		d.note("%s %d", name, n)
		if n < 0 {
			return 0, errors.New("it is negative")
		}
		return n, nil
	})
}

func enqueue[In, Out any](t *testing.T, j *jobtest.Jobs, def *task.Def[In, Out], in In, opts ...job.Option) *job.Handle[Out] {
	t.Helper()
	h, err := job.Enqueue(t.Context(), j.Client(), def, in, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func ran(t *testing.T, got, want int) {
	t.Helper()
	if got != want {
		t.Errorf("%d attempts ran, not %d", got, want)
	}
}

// both runs f in a bubble and outside.
func both(t *testing.T, f func(t *testing.T)) {
	t.Run("in a bubble", func(t *testing.T) { synctest.Test(t, f) })
	t.Run("outside", f)
}

func TestRunRunsWhatIsReadyInTheOrderOfClaims(t *testing.T) {
	both(t, func(t *testing.T) {
		var d diary
		a, b := noting(&d, "a"), noting(&d, "b")
		jobs := jobtest.New(t, job.Config{}, a, b)
		ran(t, jobs.Run(t.Context()), 0)
		for n := range 3 {
			enqueue(t, jobs, a, n)
			enqueue(t, jobs, b, n)
		}
		enqueue(t, jobs, b, 9, job.Priority(1))
		enqueue(t, jobs, a, 8, job.Delay(time.Hour))
		ran(t, jobs.Run(t.Context()), 7)
		d.want(t, "b 9", "a 0", "b 0", "a 1", "b 1", "a 2", "b 2")
		ran(t, jobs.Run(t.Context()), 0)
	})
}

func TestRunRunsWhatBecomesReadyThroughOthers(t *testing.T) {
	both(t, func(t *testing.T) {
		var d diary
		var jobs *jobtest.Jobs
		var down *task.Def[int, int]
		down = task.Define("down", func(ctx context.Context, n int) (int, error) {
			d.note("down %d", n)
			if n > 0 {
				_, err := job.Enqueue(ctx, jobs.Client(), down, n-1)
				return 0, err
			}
			return 0, nil
		})
		jobs = jobtest.New(t, job.Config{}, down)
		enqueue(t, jobs, down, 3)
		ran(t, jobs.Run(t.Context()), 4)
		d.want(t, "down 3", "down 2", "down 1", "down 0")
	})
}

func TestRunRunsWhatAHandlerWaitsForMeanwhile(t *testing.T) {
	both(t, func(t *testing.T) {
		var d diary
		child := noting(&d, "child")
		parent := task.Define("parent", func(ctx context.Context, n int) (int, error) {
			d.note("parent begins")
			sum := 0
			for i := range n {
				m, err := child.Do(ctx, job.Current(ctx), i)
				if err != nil {
					return 0, err
				}
				sum += m
			}
			d.note("parent ends")
			return sum, nil
		})
		jobs := jobtest.New(t, job.Config{}, parent, child)
		h := enqueue(t, jobs, parent, 3)
		ran(t, jobs.Run(t.Context()), 4)
		d.want(t, "parent begins", "child 0", "child 1", "child 2", "parent ends")
		if sum, err := h.Wait(t.Context()); sum != 3 || err != nil {
			t.Errorf("got %d, %v", sum, err)
		}
		enqueue(t, jobs, parent, 2)
		if s, ok := jobs.RunNext(t.Context()); !ok || s.State != job.Done || s.Task != "parent" {
			t.Errorf("the next is %+v, %v", s, ok)
		}
	})
}

func TestRunDoesNotWaitForWhatFailsNorForWhatIsNotItsOwn(t *testing.T) {
	both(t, func(t *testing.T) {
		var d diary
		a, b := noting(&d, "a"), noting(&d, "b")
		jobs := jobtest.New(t, job.Config{}, a)
		h := enqueue(t, jobs, a, -1)
		enqueue(t, jobs, b, 1)
		ran(t, jobs.Run(t.Context()), 1)
		s, err := h.Status(t.Context())
		if err != nil || s.State != job.Delayed || len(s.Failures) != 1 || s.Failures[0].Error != "it is negative" {
			t.Errorf("got %+v, %v", s, err)
		}
		if got := jobtest.Enqueued(t, jobs, b); !slices.Equal(got, []int{1}) {
			t.Errorf("of b there are %v", got)
		}

		// Nor for somebody else's, who is at it.
		other, err := jobs.Client().Session(t.Context(), job.SessionConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.Claim(t.Context(), 1, job.Filter{}); err != nil {
			t.Fatal(err)
		}
		enqueue(t, jobs, a, 2)
		ran(t, jobs.Run(t.Context()), 1)
		if err := other.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestRunNextRunsOneAttemptAndSaysWhatBecameOfIt(t *testing.T) {
	both(t, func(t *testing.T) {
		var d diary
		a := noting(&d, "a")
		jobs := jobtest.New(t, job.Config{}, a)
		enqueue(t, jobs, a, 1)
		enqueue(t, jobs, a, -2)
		enqueue(t, jobs, a, -3, job.Attempts(1))
		enqueue(t, jobs, a, 4, job.Keep(0))
		for i, want := range []job.State{job.Done, job.Delayed, job.Dead} {
			if s, ok := jobs.RunNext(t.Context()); !ok || s.State != want || int(s.ID) != i+1 {
				t.Errorf("the next is %+v, %v; not %v", s, ok, want)
			}
			if len(d.lines) != i+1 {
				t.Errorf("after %d of them there were %v", i+1, d.lines)
			}
		}
		if s, ok := jobs.RunNext(t.Context()); !ok || s.ID != 4 || s.Task != "a" {
			t.Errorf("the next is %+v, %v", s, ok)
		}
		if s, ok := jobs.RunNext(t.Context()); ok {
			t.Errorf("there is another: %+v", s)
		}
		d.want(t, "a 1", "a -2", "a -3", "a 4")
	})
}

func TestAHandlerSeesWhatItSeesWithWork(t *testing.T) {
	both(t, func(t *testing.T) {
		type key struct{}
		var d diary
		look := task.Define("look", func(ctx context.Context, _ task.Void) (task.Void, error) {
			token, ok := job.Token(ctx)
			d.note("attempt %d, job %d epoch %d %v, client %v, value %v", job.Attempt(ctx), token.Job, token.Epoch, ok, job.Current(ctx) != nil, ctx.Value(key{}))
			if job.Attempt(ctx) == 1 {
				panic("oh")
			}
			return task.Void{}, fault.Permanent(errors.New("no"))
		})
		jobs := jobtest.New(t, job.Config{}, look)
		h := enqueue(t, jobs, look, task.Void{})
		ctx := context.WithValue(t.Context(), key{}, "mine")
		ran(t, jobs.Run(ctx), 1)
		if err := jobs.Client().Replay(ctx, h.ID()); err != nil {
			t.Fatal(err)
		}
		ran(t, jobs.Run(ctx), 1)
		d.want(t, "attempt 1, job 1 epoch 1 true, client true, value mine", "attempt 1, job 1 epoch 2 true, client true, value mine")
	})
}

func TestRunForRunsWhatIsDueWhenItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		start := time.Now()
		at := task.Define("at", func(_ context.Context, name string) (task.Void, error) {
			d.note("%s %v", name, time.Since(start))
			return task.Void{}, nil
		})
		jobs := jobtest.New(t, job.Config{}, at)
		enqueue(t, jobs, at, "delayed", job.Delay(time.Minute))
		enqueue(t, jobs, at, "at", job.At(start.Add(time.Hour)))
		enqueue(t, jobs, at, "late", job.Delay(time.Hour+time.Microsecond))
		ran(t, jobs.Run(t.Context()), 0)
		ran(t, jobs.RunFor(t.Context(), time.Hour), 2)
		d.want(t, "delayed 1m0s", "at 1h0m0s")
		if got := time.Since(start); got != time.Hour {
			t.Errorf("%v have passed", got)
		}
		ran(t, jobs.RunFor(t.Context(), time.Second), 1)
	})
}

func TestRunForServesWhoWaitsForItsJobs(t *testing.T) {
	both(t, func(t *testing.T) {
		var d diary
		a := noting(&d, "a")
		jobs := jobtest.New(t, job.Config{}, a)
		ctx, enough := context.WithCancel(t.Context())
		done := make(chan int)
		go func() { done <- jobs.RunFor(ctx, time.Hour) }()
		if got, err := a.Do(t.Context(), jobs.Client(), 7); got != 7 || err != nil {
			t.Errorf("got %d, %v", got, err)
		}
		enough()
		ran(t, <-done, 1)
	})
}

func TestRunEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		long := task.Define("long", func(ctx context.Context, _ task.Void) (task.Void, error) {
			d.note("begins")
			<-ctx.Done()
			return task.Void{}, context.Cause(ctx)
		})
		jobs := jobtest.New(t, job.Config{}, long)
		enqueue(t, jobs, long, task.Void{})
		enqueue(t, jobs, long, task.Void{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		ran(t, jobs.Run(ctx), 1)
		d.want(t, "begins")
		if n := len(jobtest.Enqueued(t, jobs, long)); n != 2 {
			t.Errorf("%d jobs are left", n)
		}
	})
}

func TestEnqueuedSeesLiveJobsInOrder(t *testing.T) {
	both(t, func(t *testing.T) {
		send := task.Command("send", func(context.Context, letter) error { return nil })
		store := task.Command("store", func(context.Context, []byte) error { return nil })
		ping := task.Command("ping", func(context.Context, task.Void) error { return nil })
		jobs := jobtest.New(t, job.Config{}, send)
		want := []letter{{"a", "1"}, {"b", "2"}, {"c", "3"}}
		enqueue(t, jobs, send, want[0], job.Delay(time.Hour))
		enqueue(t, jobs, store, []byte("bytes"))
		enqueue(t, jobs, send, want[1], job.Priority(5))
		enqueue(t, jobs, ping, task.Void{})
		enqueue(t, jobs, send, want[2])
		if got := jobtest.Enqueued(t, jobs, send); !slices.Equal(got, want) {
			t.Errorf("got %v", got)
		}
		if got := jobtest.Enqueued(t, jobs, store); len(got) != 1 || string(got[0]) != "bytes" {
			t.Errorf("got %q", got)
		}
		if got := jobtest.Enqueued(t, jobs, ping); len(got) != 1 {
			t.Errorf("got %v", got)
		}
		ran(t, jobs.Run(t.Context()), 2)
		if got := jobtest.Enqueued(t, jobs, send); !slices.Equal(got, want[:1]) {
			t.Errorf("after that %v", got)
		}
		s := jobtest.Require(t, jobs, send, func(l letter) bool { return l.To == "a" })
		if s.ID != 1 || s.State != job.Delayed {
			t.Errorf("it is %+v", s)
		}
		jobtest.Require(t, jobs, store, nil)
	})
}

// A failing is a test that keeps how it failed.
type failing struct {
	testing.TB
	said string
}

func (f *failing) Helper() {}

func (f *failing) Fatalf(format string, args ...any) {
	f.said = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (f *failing) Errorf(format string, args ...any) { f.said = fmt.Sprintf(format, args...) }

// fails returns what f says when it fails a test.
func fails(t *testing.T, f func(tb testing.TB)) string {
	t.Helper()
	tb := &failing{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(tb)
	}()
	<-done
	if tb.said == "" {
		t.Error("it did not fail")
	}
	return tb.said
}

func TestWhatIsNotEnqueuedIsToldWithWhatIs(t *testing.T) {
	send := task.Command("send", func(context.Context, letter) error { return nil })
	other := task.Command("other", func(context.Context, string) error { return nil })
	jobs := jobtest.New(t, job.Config{}, send)
	never := func(letter) bool { return false }
	require := func(tb testing.TB) { jobtest.Require(tb, jobs, send, never) }
	want := func(f func(tb testing.TB), want string) {
		t.Helper()
		if got := fails(t, f); got != want {
			t.Errorf("it says\n%s\nnot\n%s", got, want)
		}
	}
	want(require, `jobtest: there is no live job of "send", nor of any other task`)
	enqueue(t, jobs, other, "one")
	enqueue(t, jobs, other, "two")
	want(require, "jobtest: there is no live job of \"send\"\nthere are others: 2 of \"other\"")
	enqueue(t, jobs, send, letter{"a", "1"})
	enqueue(t, jobs, send, letter{"b", strings.Repeat("ö", 200)}, job.Delay(time.Hour))
	want(require, "jobtest: no live job of \"send\" has the input that is wanted; there are:\n"+
		"\tjob 3, ready: {To:a Text:1}\n"+
		"\tjob 4, delayed: {To:b Text:"+strings.Repeat("ö", 94)+"…\n"+
		"there are others: 2 of \"other\"")

	numbers := task.Command("other", func(context.Context, int) error { return nil }) // of the wrong type
	if got := fails(t, func(tb testing.TB) { jobtest.Enqueued(tb, jobs, numbers) }); !strings.Contains(got, "the input of job 1") {
		t.Errorf("it says %s", got)
	}
}

func TestWhatNewAndRunCannotDoFailsTheTest(t *testing.T) {
	twice := task.Command("twice", func(context.Context, int) error { return nil })
	for _, c := range []struct {
		does, says string
		f          func(tb testing.TB)
	}{
		{"a wrong Config", "Config.Depth", func(tb testing.TB) { jobtest.New(tb, job.Config{Depth: -1}) }},
		{"no tasks", "give New the tasks", func(tb testing.TB) { jobtest.New(tb, job.Config{}).Run(t.Context()) }},
		{"two tasks of one name", `two tasks of the name "twice"`, func(tb testing.TB) { jobtest.New(tb, job.Config{}, twice, twice).Run(t.Context()) }},
	} {
		if got := fails(t, c.f); !strings.Contains(got, c.says) {
			t.Errorf("%s: it says %q", c.does, got)
		}
	}
}
