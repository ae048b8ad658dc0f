package job_test

import (
	"context"
	"fmt"
	"net"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/wire"
	"github.com/hemgo/hem/job/jobtest"
)

func TestWhatIsReadElsewhereIsWhatIsReadHere(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o, _, r := reached(t, jobtest.NewMemory(), job.Config{
			Queues: map[string]job.QueueConfig{"mail": {Depth: 9, Running: 3, Rate: job.Rate{Every: time.Hour, Burst: 2}}},
			Groups: map[string]int{"acme": 3}, Limits: map[string]job.LimitConfig{"api": {Running: 1}},
		})
		here, there := o.Client(), r.Client()
		s := session(t, there)
		for i := range 5 {
			put(t, there, i, job.Queue("mail"), job.Group("acme"), job.Limit("api", "k"), job.Tags("b", "a"), job.Key(fmt.Sprint(i)), job.Timeout(time.Hour))
		}
		l := claim(t, s)
		put(t, there, 9, job.Delay(time.Hour), job.Priority(-3), job.Deadline(time.Now().Add(2*time.Hour)))
		if err := job.Schedule(t.Context(), there, "nightly", job.Every(time.Hour), resize, 3); err != nil {
			t.Fatal(err)
		}
		if err := there.Pause(t.Context(), "other"); err != nil {
			t.Fatal(err)
		}
		older := put(t, there, 1, job.Queue("older"))
		time.Sleep(time.Second)
		newer := put(t, there, 1, job.Queue("newer"))
		why(t, there, older, job.ReasonBusy, "1 worker knows it, and has no free slot")
		why(t, there, newer, job.ReasonBehind, "it is behind 1 other in other queues")
		for name, ask := range map[string]func(*job.Client) (any, error){
			"status":   func(c *job.Client) (any, error) { return c.Status(t.Context(), l.ID()) },
			"why":      func(c *job.Client) (any, error) { return c.Why(t.Context(), 3) },
			"busy":     func(c *job.Client) (any, error) { return c.Why(t.Context(), older) },
			"behind":   func(c *job.Client) (any, error) { return c.Why(t.Context(), newer) },
			"why none": func(c *job.Client) (any, error) { return c.Why(t.Context(), 99) },
			"search": func(c *job.Client) (any, error) {
				return c.Search(t.Context(), job.Query{Tag: "a", Queues: []string{"mail"}}, 100)
			},
			"count":     func(c *job.Client) (any, error) { return c.Count(t.Context(), job.Query{Groups: []string{"acme"}}) },
			"counts":    func(c *job.Client) (any, error) { return c.Counts(t.Context(), "mail") },
			"queues":    func(c *job.Client) (any, error) { return c.Queues(t.Context()) },
			"groups":    func(c *job.Client) (any, error) { return c.Groups(t.Context(), "mail") },
			"sessions":  func(c *job.Client) (any, error) { return c.Sessions(t.Context()) },
			"schedules": func(c *job.Client) (any, error) { return c.Schedules(t.Context()) },
			"progress":  func(c *job.Client) (any, error) { return c.Progress(t.Context(), l.ID()) },
		} {
			got, err := ask(there)
			want, wantErr := ask(here)
			if !reflect.DeepEqual(got, want) || fmt.Sprint(err) != fmt.Sprint(wantErr) {
				t.Errorf("%s: there it is %+v, %v; here %+v, %v", name, got, err, want, wantErr)
			}
		}
	})
}

// TestAPeerCannotAskForMoreThanItMay asks by hand, and reads no answer at first.
func TestAPeerCannotAskForMoreThanItMay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t, jobtest.NewMemory(), job.Config{})
		for i := range 300 {
			put(t, o.Client(), i)
		}
		here, there := net.Pipe()
		served := later(func() error { return o.Serve(context.Background(), there) })
		hello := wire.Put(nil)
		hello.Greeting(&wire.Greeting{Name: "greedy"})
		b := wire.Append(nil, wire.Hello, 0, hello.Bytes())
		const most = 1<<16 + 100
		for n := range uint64(most) {
			start := len(b)
			f := wire.Put(wire.Begin(b, wire.Ask, n+1))
			f.Request(&owner.Request{Op: owner.Await, Job: n%300 + 1})
			b = wire.Finish(f.Bytes(), start)
		}
		go func() { _, _ = here.Write(b) }()
		r := wire.NewReader(here)
		refused := 0
		for refused < 100 {
			f, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			if f.Kind == wire.Answer {
				refused++
			}
		}
		synctest.Wait()
		_ = here.Close()
		if err := served(); err != nil {
			t.Error(err)
		}
		put(t, o.Client(), 2)
	})
}

// FuzzServe lets a peer send whatever it likes in sound frames.
func FuzzServe(f *testing.F) {
	for op := owner.Enqueue; op <= owner.Drained; op++ {
		f.Add([]byte{byte(op), 0, 1, 1, 1, 1, 1}, []byte{byte(op), 1, 1, 1, 0, 0})
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		o := open(t, jobtest.NewMemory(), job.Config{})
		here, there := net.Pipe()
		served := later(func() error { return o.Serve(context.Background(), there) })
		b := wire.Append(nil, wire.Hello, 0, []byte{1, 'x'})
		for i, body := range [][]byte{{byte(owner.OpenSession), 0, 1, 's'}, {byte(owner.OpenClient)}, first, second, first} {
			b = wire.Append(b, wire.Ask, uint64(i+1), body[:min(len(body), wire.MaxBody)])
		}
		b = wire.Append(b, wire.Leave, 3, nil)
		b = wire.Append(b, wire.Ping, 0, nil)
		go func() { _, _ = here.Write(b) }()
		r := wire.NewReader(here)
		for {
			f, err := r.Next()
			if err != nil || f.Kind == wire.Pong || f.Kind == wire.Bye {
				break
			}
		}
		_ = here.Close()
		_ = served()
		put(t, o.Client(), 1)
	})
}
