package graph_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/scope"
)

// TestSoakOfCorrectProgramsGivesNoVerdict is the promise that there are no
// false alarms. HEM_SOAK says for how long to try.
func TestSoakOfCorrectProgramsGivesNoVerdict(t *testing.T) {
	lasts := soakTime(t)
	w := newWorld()
	parks, questions := seen.parks.Load(), seen.questions.Load()
	cancel := graph.Subscribe(func(f graph.Finding) {
		if f.Code == "graph.suspected-deadlock" {
			t.Error(f.Detail)
		}
	})
	defer cancel()
	// Who is stuck in a correct program shows as a run that has to be ended.
	ctx, release := context.WithCancelCause(context.Background())
	defer release(nil)
	defer time.AfterFunc(lasts+30*time.Second, func() {
		t.Logf("still there:\n%s", dump())
		release(errStuck)
	}).Stop()
	end := time.Now().Add(lasts)
	err := scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
		w.open(s)
		for i := range 16 {
			s.Go(func(ctx context.Context) error {
				for n := uint64(0); time.Now().Before(end); n++ {
					w.work(ctx, rand.New(rand.NewPCG(uint64(i), n)), 0, 6)
				}
				return nil
			}, scope.Name(fmt.Sprint("program", i)))
		}
		for _, share := range []func(*world, context.Context, time.Time) error{
			serveWithBaseContext, groupInsideTask, childrenUnderCapturedContext, plainGoroutines,
		} {
			s.Go(func(ctx context.Context) error { return share(w, ctx, end) })
		}
		return nil
	})
	if ctx.Err() != nil {
		err = errors.Join(err, context.Cause(ctx))
	}
	if err != nil {
		t.Errorf("after %v: %v", lasts, err)
	}
	if err := w.settled(); err != nil {
		t.Error(err)
	}
	t.Logf("%v: %d operations, %d grants of rungs, %d parks on resources, %d questions, %d waits expired, %d cancelled",
		lasts, w.ops.Load(), w.grants.Load(), seen.parks.Load()-parks, seen.questions.Load()-questions, w.expired.Load(), w.cancelled.Load())
}

var errStuck = errors.New("a correct program was stuck")

// dump draws who is there and what they wait for.
func dump() string {
	var b strings.Builder
	var draw func(g *graph.Group, depth int)
	draw = func(g *graph.Group, depth int) {
		g.Tasks(func(t *graph.Task) bool {
			fmt.Fprintf(&b, "%*s%v", 2*depth, "", t)
			if w := t.Wait(); w != nil {
				fmt.Fprintf(&b, " waits for %v (soft %v, context %v)", w.Resource().Label(), w.Soft(), t.Err())
				if m, ok := w.Resource().(*mutex); ok {
					fmt.Fprintf(&b, " of %v", m.owner)
				}
				if knot := w.Knot(); knot != nil {
					fmt.Fprintf(&b, " KNOT of %d", len(knot))
				}
			}
			b.WriteByte('\n')
			for g := t.Inner(); g != nil; g = g.Outer() {
				draw(g, depth+1)
			}
			return true
		})
	}
	draw(graph.Roots(), 0)
	buf := make([]byte, 4<<20)
	b.Write(buf[:runtime.Stack(buf, true)])
	return b.String()
}

// soakTime is HEM_SOAK, else what a normal run has time for.
func soakTime(t *testing.T) time.Duration {
	if text := os.Getenv("HEM_SOAK"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if testing.Short() {
		return time.Second
	}
	return 5 * time.Second
}

// The four ways in which goroutines come to share a task's context (G1). What
// they do is correct; seen as one task, it would be full of knots.

// serveWithBaseContext answers requests under the context of the task that
// opened the server.
func serveWithBaseContext(w *world, ctx context.Context, end time.Time) error {
	var n counter
	server := &http.Server{
		BaseContext: func(net.Listener) context.Context { return ctx },
		Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			w.work(r.Context(), n.rand(), 0, 4)
			w.climb(r.Context(), n.rand(), 0, 2)
		}),
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	err = inParallel(4, func() error {
		for time.Now().Before(end) {
			if err := get(client, "http://"+l.Addr().String()); err != nil {
				return err
			}
		}
		return nil
	})
	client.CloseIdleConnections()
	return errors.Join(err, server.Shutdown(context.WithoutCancel(ctx)), served2(<-served))
}

func served2(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func get(client *http.Client, url string) error {
	res, err := client.Get(url)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	if res.StatusCode != http.StatusOK {
		err = errors.New(res.Status)
	}
	return err
}

// group is errgroup as everybody knows it.
type group struct {
	wg   sync.WaitGroup
	once sync.Once
	err  error
	stop context.CancelCauseFunc
}

func groupWith(ctx context.Context) (*group, context.Context) {
	ctx, stop := context.WithCancelCause(ctx)
	return &group{stop: stop}, ctx
}

func (g *group) Go(f func() error) {
	g.wg.Go(func() {
		if err := f(); err != nil {
			g.once.Do(func() { g.err = err; g.stop(err) })
		}
	})
}

func (g *group) Wait() error {
	g.wg.Wait()
	g.stop(g.err)
	return g.err
}

// groupInsideTask runs an errgroup under a task's context, while the task
// itself goes on waiting under it.
func groupInsideTask(w *world, ctx context.Context, end time.Time) error {
	var n counter
	for time.Now().Before(end) {
		g, inner := groupWith(ctx)
		for range 3 {
			g.Go(func() error { w.work(inner, n.rand(), 0, 3); return nil })
			g.Go(func() error { w.climb(ctx, n.rand(), 0, 3); return nil })
		}
		w.climb(ctx, n.rand(), 0, 3)
		if err := g.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// childrenUnderCapturedContext starts tasks that use their parent's context
// instead of the one they are given, while the parent waits too.
func childrenUnderCapturedContext(w *world, outer context.Context, end time.Time) error {
	var n counter
	for time.Now().Before(end) {
		err := scope.Run(outer, func(body context.Context, s *scope.Scope) error {
			first := scope.Go(s, func(context.Context) (int, error) { w.climb(outer, n.rand(), 0, 3); return 0, nil })
			for range 3 {
				s.Go(func(own context.Context) error {
					w.work(outer, n.rand(), 0, 3)
					_, err := first.Await(outer)
					w.check(outer, "captured", err)
					w.climb(body, n.rand(), 0, 3)
					w.climb(own, n.rand(), 0, 2)
					return nil
				})
			}
			w.climb(outer, n.rand(), 0, 3)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// plainGoroutines start beside their task and may outlive its waits, and some
// the task itself.
func plainGoroutines(w *world, ctx context.Context, end time.Time) error {
	var n counter
	var strays sync.WaitGroup
	defer strays.Wait()
	for time.Now().Before(end) {
		err := scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
			s.Go(func(ctx context.Context) error {
				for range 3 {
					strays.Go(func() { w.climb(ctx, n.rand(), 0, 3) })
				}
				w.climb(ctx, n.rand(), 0, 3)
				return nil
			})
			return nil
		})
		w.check(ctx, "plain", err)
	}
	return nil
}

// inParallel runs n copies of f and returns their errors.
func inParallel(n int, f func() error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = f() })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// counter makes random numbers for goroutines that share it.
type counter struct {
	mu sync.Mutex
	n  uint64
}

func (c *counter) rand() *rand.Rand {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return rand.New(rand.NewPCG(c.n, 7))
}
