package job_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/task"
)

// socket serves o at a unix socket, as long as the test lasts, and returns how to
// connect.
func socket(t testing.TB, serve func(net.Conn)) func(context.Context) (io.ReadWriteCloser, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "jobs")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	var busy sync.WaitGroup
	busy.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			busy.Go(func() { serve(c) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); busy.Wait() })
	return func(ctx context.Context) (io.ReadWriteCloser, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
}

// A frail connection breaks after so many bytes, one way or the other, in the middle
// of whatever is said.
type frail struct {
	io.ReadWriteCloser
	left atomic.Int64
}

func (f *frail) spend(b []byte) ([]byte, bool) {
	left := f.left.Add(-int64(len(b)))
	if left >= 0 {
		return b, true
	}
	return b[:max(int64(len(b))+left, 0)], false
}

func (f *frail) Read(b []byte) (int, error) {
	n, err := f.ReadWriteCloser.Read(b)
	if got, ok := f.spend(b[:n]); !ok {
		_ = f.Close()
		return len(got), io.ErrUnexpectedEOF
	}
	return n, err
}

func (f *frail) Write(b []byte) (int, error) {
	if some, ok := f.spend(b); !ok {
		n, _ := f.ReadWriteCloser.Write(some)
		_ = f.Close()
		return n, io.ErrClosedPipe
	}
	return f.ReadWriteCloser.Write(b)
}

func breaking(dial func(context.Context) (io.ReadWriteCloser, error), most int64) func(context.Context) (io.ReadWriteCloser, error) {
	return func(ctx context.Context) (io.ReadWriteCloser, error) {
		c, err := dial(ctx)
		if err != nil {
			return nil, err
		}
		f := &frail{ReadWriteCloser: c}
		f.left.Store(200 + rand.Int64N(most))
		return f, nil
	}
}

// TestStormOfBrokenConnectionsLosesNothingAndRepeatsNothing lets producers, workers
// and callers go on over connections that break within kilobytes, while the owner is
// replaced now and then.
func TestStormOfBrokenConnectionsLosesNothingAndRepeatsNothing(t *testing.T) {
	m := jobtest.NewMemory()
	var at atomic.Pointer[job.Owner]
	at.Store(open(t, m, job.Config{}))
	dial := breaking(socket(t, func(c net.Conn) { _ = at.Load().Serve(context.Background(), c) }), 30_000)
	connect := func() *job.Remote {
		r, err := job.Connect(t.Context(), dial, job.ConnectConfig{Log: quiet})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	var ran sync.Map // how often the handler of each input has returned
	note := task.Define("note", func(_ context.Context, n int) (int, error) {
		times, _ := ran.LoadOrStore(n, new(atomic.Int64))
		times.(*atomic.Int64).Add(1)
		return 2 * n, nil
	})
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Second)
	defer stop()

	working, rest := context.WithCancel(t.Context())
	var workers, producers sync.WaitGroup
	var remotes []*job.Remote
	for range 2 {
		r := connect()
		remotes = append(remotes, r)
		workers.Go(func() {
			if err := job.Work(working, r.Client(), job.WorkerConfig{Name: "worker", Tasks: []task.Task{note}, Slots: 8, Log: quiet}); err != nil {
				t.Errorf("Work: %v", err)
			}
		})
	}
	var mu sync.Mutex
	accepted := make(map[job.ID]int)
	var calls atomic.Int64
	for p := range 4 {
		r := connect()
		remotes = append(remotes, r)
		producers.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				n := p<<32 | i
				if i%4 == 3 {
					if got, err := note.Do(t.Context(), r.Client().With(job.Attempts(5)), n); err != nil || got != 2*n {
						t.Errorf("the call of %d: %d, %v", n, got, err)
					}
					calls.Add(1)
					continue
				}
				h, err := job.Enqueue(t.Context(), r.Client(), note, n)
				if err != nil {
					t.Errorf("enqueue: %v", err)
					return
				}
				mu.Lock()
				if was, ok := accepted[h.ID()]; ok {
					t.Errorf("job %v is of %d and %d", h.ID(), was, n)
				}
				accepted[h.ID()] = n
				mu.Unlock()
			}
		})
	}
	for range 3 { // meanwhile
		time.Sleep(500 * time.Millisecond)
		old := at.Load()
		if err := old.Close(context.Background()); err != nil {
			t.Error(err)
		}
		at.Store(open(t, m, job.Config{}))
	}
	producers.Wait()

	c := at.Load().Client()
	var counts job.Counts
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		var err error
		if counts, err = c.Counts(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		if counts.Live() == 0 || time.Now().After(deadline) {
			break
		}
	}
	rest()
	workers.Wait()
	for _, r := range remotes {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
	total := int64(len(accepted)) + calls.Load()
	if counts.Done != total || counts.Live() != 0 || counts.Dead != 0 {
		t.Errorf("%d were accepted and %d called, and there are %+v", len(accepted), calls.Load(), counts)
	}
	again := 0
	for id, n := range accepted {
		times, ok := ran.Load(n)
		if !ok {
			t.Errorf("job %v never ran", id)
		} else if times.(*atomic.Int64).Load() > 1 {
			again++
		}
	}
	t.Logf("%d accepted, %d called, %d ran twice", len(accepted), calls.Load(), again)
}

func TestAPeerThatSaysNonsenseIsToldAndCutOff(t *testing.T) {
	o := open(t, jobtest.NewMemory(), job.Config{})
	for _, nonsense := range []string{"GET / HTTP/1.1\r\n\r\n", "Hj\x07\x00", "Hj\x01\x01" + string(make([]byte, 20))} {
		here, there := net.Pipe()
		served := later(func() error { return o.Serve(context.Background(), there) })
		go func() { _, _ = here.Write([]byte(nonsense)) }()
		said, err := io.ReadAll(here)
		if err != nil || len(said) < 24 || string(said[:2]) != "Hj" {
			t.Errorf("%q was answered %q, %v", nonsense, said, err)
		}
		err = served()
		if k := fault.KindOf(err); k != fault.Invalid && k != fault.Lost {
			t.Errorf("Serve: %v", err)
		}
	}
	put(t, o.Client(), 1)
}

func BenchmarkEnqueueOverASocket(b *testing.B) {
	o := open(b, jobtest.NewMemory(), job.Config{Depth: 1 << 30, Bytes: 1 << 40})
	r, err := job.Connect(b.Context(), socket(b, func(c net.Conn) { _ = o.Serve(context.Background(), c) }), job.ConnectConfig{Log: quiet})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close(context.Background())
	for name, c := range map[string]*job.Client{"here": o.Client(), "elsewhere": r.Client()} {
		b.Run(fmt.Sprint(name), func(b *testing.B) {
			var busy sync.WaitGroup
			var n atomic.Int64
			for range 64 {
				busy.Go(func() {
					for n.Add(1) <= int64(b.N) {
						if _, err := job.Enqueue(b.Context(), c, store, make([]byte, 256)); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			busy.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
		})
	}
}
