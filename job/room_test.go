package job_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/task"
)

// A factory has handlers that enqueue parts, and what was done.
type factory struct {
	c            *job.Client
	makes, parts *task.Def[int, int]
	made, done   atomic.Int64
	refused      atomic.Int64
	text         atomic.Value
}

// newFactory has makers who enqueue n parts each, with opts.
func newFactory(c *job.Client, name string, n int, opts ...job.Option) *factory {
	f := &factory{c: c}
	f.parts = does("parts."+name, func(ctx context.Context, n int) (int, error) {
		f.done.Add(1)
		return n, scope.Sleep(ctx, time.Second)
	})
	f.makes = does("makes."+name, func(ctx context.Context, of int) (int, error) {
		for i := range n {
			key := fmt.Sprint(of, ".", i)
			_, err := job.Enqueue(ctx, f.c, f.parts, i, append(opts, job.Key(key), job.Unique(job.Done), job.Keep(48*time.Hour))...)
			if err != nil {
				f.refused.Add(1)
				f.text.Store(err.Error())
				return 0, err
			}
		}
		f.made.Add(1)
		return 0, nil
	})
	return f
}

// start enqueues so many makers.
func (f *factory) start(t *testing.T, n int, opts ...job.Option) {
	t.Helper()
	for i := range n {
		entered(t, f.c, f.makes, i, opts...)
	}
}

// await returns when so many are made and done, or a day later.
func (f *factory) await(made, done int64) {
	for i := 0; i < 24*60 && (f.made.Load() < made || f.done.Load() < done); i++ {
		time.Sleep(time.Minute)
	}
}

// Workers whose slots are full of handlers that wait for room in the queue that they
// work on would wait for ever.
func TestHandlersThatWouldAllWaitForRoomGoOn(t *testing.T) {
	confs := map[string]job.Config{
		"Queue": {Queues: map[string]job.QueueConfig{"default": {Depth: 8}}},
		"Shard": {Depth: 8},
	}
	for name, conf := range confs {
		for _, workers := range []int{1, 3} {
			t.Run(fmt.Sprint(name, workers), func(t *testing.T) {
				each(t, conf, func(t *testing.T, c *job.Client) {
					f := newFactory(c, "p", 2)
					f.start(t, 6)
					for range 2 {
						entered(t, c, f.parts, 0)
					}
					for range workers {
						working(t, c, job.WorkerConfig{Tasks: []task.Task{f.makes, f.parts}, Slots: 2, Log: quiet})
					}
					f.await(6, 14)
					if f.made.Load() != 6 || f.done.Load() != 14 || f.refused.Load() == 0 {
						t.Errorf("%d of 6 are made and %d of 14 done, %d refused", f.made.Load(), f.done.Load(), f.refused.Load())
					}
					if text := fmt.Sprint(f.text.Load()); !strings.Contains(text, "every handler that could make room waits for some") {
						t.Errorf("told %q", text)
					}
				})
			})
		}
	}
}

// Two kinds of work fill each other's queues.
func TestHandlersThatWaitForRoomInEachOthersQueuesGoOn(t *testing.T) {
	conf := job.Config{Queues: map[string]job.QueueConfig{"a": {Depth: 4}, "b": {Depth: 4}}}
	each(t, conf, func(t *testing.T, c *job.Client) {
		a, b := newFactory(c, "b", 2, job.Queue("b")), newFactory(c, "a", 2, job.Queue("a"))
		for queue, f := range map[string]*factory{"a": a, "b": b} {
			f.start(t, 3, job.Queue(queue))
		}
		entered(t, c, a.parts, 0, job.Queue("b"))
		entered(t, c, b.parts, 0, job.Queue("a"))
		for _, queue := range []string{"a", "b"} {
			working(t, c, job.WorkerConfig{Tasks: []task.Task{a.makes, a.parts, b.makes, b.parts}, Queues: []string{queue}, Slots: 2, Log: quiet})
		}
		a.await(3, 7)
		b.await(3, 7)
		if a.made.Load() != 3 || b.made.Load() != 3 || a.done.Load() != 7 || b.done.Load() != 7 {
			t.Errorf("%d and %d are made, %d and %d done", a.made.Load(), b.made.Load(), a.done.Load(), b.done.Load())
		}
	})
}

// Where others make room nobody is refused, however long that takes: by workers of the
// queue, by a worker of another kind that comes later, and where the wait ends by itself.
func TestHandlersWaitForRoomThatOthersMake(t *testing.T) {
	conf := job.Config{Queues: map[string]job.QueueConfig{"parts": {Depth: 1}}}
	for _, late := range []time.Duration{0, time.Hour} {
		each(t, conf, func(t *testing.T, c *job.Client) {
			f := newFactory(c, "p", 4, job.Queue("parts"))
			f.start(t, 8)
			working(t, c, job.WorkerConfig{Tasks: []task.Task{f.makes}, Queues: []string{"default"}, Slots: 8, Log: quiet})
			time.Sleep(late)
			working(t, c, job.WorkerConfig{Tasks: []task.Task{f.parts}, Queues: []string{"parts"}, Slots: 1, Log: quiet})
			time.Sleep(time.Hour)
			if f.made.Load() != 8 || f.done.Load() != 32 || f.refused.Load() > 0 {
				t.Errorf("%d of 8 are made and %d of 32 done; told %v", f.made.Load(), f.done.Load(), f.text.Load())
			}
		})
	}
	each(t, conf, func(t *testing.T, c *job.Client) { // by one of their own worker's free slots, when it may
		f := newFactory(c, "p", 4, job.Queue("parts"))
		if err := c.Pause(t.Context(), "parts"); err != nil {
			t.Fatal(err)
		}
		f.start(t, 8)
		working(t, c, job.WorkerConfig{Tasks: []task.Task{f.makes, f.parts}, Slots: 9, Log: quiet})
		time.Sleep(time.Hour)
		if err := c.Resume(t.Context(), "parts"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if f.made.Load() != 8 || f.done.Load() != 32 || f.refused.Load() > 0 {
			t.Errorf("%d of 8 are made and %d of 32 done; told %v", f.made.Load(), f.done.Load(), f.text.Load())
		}
	})
	t.Run("Deadline", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			c := open(t, jobtest.NewMemory(), job.Config{Depth: 2}).Client()
			f := newFactory(c, "p", 1)
			f.start(t, 2, job.Timeout(time.Minute), job.Attempts(1))
			working(t, c, job.WorkerConfig{Tasks: []task.Task{f.makes, f.parts}, Slots: 2, Log: quiet})
			time.Sleep(59 * time.Second)
			if f.refused.Load() > 0 {
				t.Errorf("told %v", f.text.Load())
			}
			time.Sleep(2 * time.Second)
			if text := fmt.Sprint(f.text.Load()); f.refused.Load() == 0 || !strings.Contains(text, "deadline exceeded") {
				t.Errorf("%d gave up; told %q", f.refused.Load(), text)
			}
		})
	})
}
