package job_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
)

// A host is where an owner can be reached: whoever owns the log at the time.
type host struct {
	mu    sync.Mutex
	owner *job.Owner
	wrap  func(io.ReadWriteCloser) io.ReadWriteCloser // of the client's end
	conns []io.Closer
	busy  sync.WaitGroup
}

var errNobody = errors.New("nobody listens")

// dial connects to the owner.
func (h *host) dial(context.Context) (io.ReadWriteCloser, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.owner == nil {
		return nil, errNobody
	}
	here, there := net.Pipe()
	h.conns = append(h.conns, there)
	h.busy.Add(1)
	go func(o *job.Owner) {
		defer h.busy.Done()
		_ = o.Serve(context.Background(), there)
	}(h.owner)
	if h.wrap != nil {
		return h.wrap(here), nil
	}
	return here, nil
}

// move lets o be who is reached from now on.
func (h *host) move(o *job.Owner) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.owner = o
}

// cut ends the connections there are.
func (h *host) cut() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.conns {
		_ = c.Close()
	}
	h.conns = nil
}

// remote connects to h, until the test has ended.
func remote(t testing.TB, h *host) *job.Remote {
	t.Helper()
	r, err := job.Connect(t.Context(), h.dial, job.ConnectConfig{Name: "tester", Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
		h.busy.Wait()
	})
	return r
}

// reached opens an owner of log, and a way to it.
func reached(t testing.TB, log job.Log, c job.Config) (*job.Owner, *host, *job.Remote) {
	t.Helper()
	o := open(t, log, c)
	h := &host{owner: o}
	return o, h, remote(t, h)
}

func TestARemoteOutlivesConnectionsAndOwners(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := jobtest.NewMemory()
		o, h, r := reached(t, m, job.Config{})
		c := r.Client()
		s := session(t, c)
		first, second := put(t, c, 1), put(t, c, 2)
		l := claim(t, s)
		waiting := later(func() error { return claimed(t, s, second).Complete(t.Context(), nil) })
		if err := waiting(); err != nil {
			t.Fatal(err)
		}
		waiting = later(func() error { return claimed(t, s, 3).Complete(t.Context(), nil) })
		synctest.Wait()

		h.cut()
		synctest.Wait()
		h.move(nil)
		h.cut()
		shut(t, o)
		asked := later(func() job.ID { return put(t, c, 3) })
		time.Sleep(3 * time.Second) // nobody is there
		o = open(t, m, job.Config{})
		h.move(o)
		if id := asked(); id != 3 {
			t.Errorf("job %v", id)
		}
		if err := waiting(); err != nil {
			t.Error(err)
		}
		if err := l.Complete(t.Context(), []byte("2")); err != nil {
			t.Error(err)
		}
		if st := wantState(t, c, first, job.Done); st.Attempt != 1 {
			t.Errorf("attempt %d", st.Attempt)
		}
	})
}

// claimed claims a job that is there or comes.
func claimed(t testing.TB, s *job.Session, id job.ID) *job.Lease {
	t.Helper()
	l := claim(t, s)
	if l.ID() != id {
		t.Errorf("job %v was claimed, want %v", l.ID(), id)
	}
	return l
}

// A stalled is a connection that takes everything and says nothing from a time on.
type stalled struct {
	io.ReadWriteCloser
	stall <-chan struct{}
	ended chan struct{}
	once  sync.Once
}

func (s *stalled) Read(b []byte) (int, error) {
	n, err := s.ReadWriteCloser.Read(b)
	select {
	case <-s.stall:
		<-s.ended
		return 0, io.ErrClosedPipe
	default:
		return n, err
	}
}

func (s *stalled) Write(b []byte) (int, error) {
	select {
	case <-s.stall:
		return len(b), nil
	default:
		return s.ReadWriteCloser.Write(b)
	}
}

func (s *stalled) Close() error {
	s.once.Do(func() { close(s.ended) })
	return s.ReadWriteCloser.Close()
}

func TestASessionThatIsNotHeardIsFencedBeforeItsJobsAreOthers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := jobtest.NewMemory()
		o := open(t, m, job.Config{})
		stall := make(chan struct{})
		h := &host{owner: o, wrap: func(c io.ReadWriteCloser) io.ReadWriteCloser {
			return &stalled{ReadWriteCloser: c, stall: stall, ended: make(chan struct{})}
		}}
		c := remote(t, h).Client()
		s := session(t, c)
		id := put(t, c, 1)
		l := claim(t, s)
		time.Sleep(time.Minute)
		wantState(t, o.Client(), id, job.Running)

		close(stall)
		began := time.Now()
		waiting := later(func() error { _, err := s.Claim(t.Context(), 1, job.Filter{}); return err })
		telling := later(func() error { return l.Complete(t.Context(), nil) })
		<-job.Fenced(s)
		if took := time.Since(began); took < 4*time.Second || took > 6*time.Second {
			t.Errorf("it took %v", took)
		}
		wantState(t, o.Client(), id, job.Running)
		wantFault(t, waiting(), fault.Fenced, false, "answered nothing")
		wantFault(t, telling(), fault.Fenced, true, "answered nothing")
		wantFault(t, l.Return(t.Context()), fault.Fenced, false)
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		other := session(t, o.Client())
		claimed(t, other, id)
		if took := time.Since(began); took < 8*time.Second || took > 13*time.Second {
			t.Errorf("it was another's after %v", took)
		}
	})
}

func TestARemoteOfAnotherLogEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, h, r := reached(t, jobtest.NewMemory(), job.Config{})
		c := r.Client()
		s := session(t, c)
		id := put(t, c, 1)
		h.move(open(t, jobtest.NewMemory(), job.Config{}))
		waiting := later(func() error { _, err := job.Enqueue(t.Context(), c.With(job.Queue("x")), resize, 2); return err })
		h.cut()
		<-r.Done()
		if err := waiting(); err != nil { // it was answered by the first
			wantFault(t, err, fault.Lost, fault.Started(err), "the owner of another log now (connect anew")
		}
		wantFault(t, r.Err(), fault.Invalid, false, "the owner of another log", "connect anew")
		<-job.Fenced(s)
		_, err := c.Status(t.Context(), id)
		wantFault(t, err, fault.Invalid, false, "the owner of another log")
	})
}

func TestConnectSaysWhoAnswers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		answering := func(with string) error {
			_, err := job.Connect(t.Context(), func(context.Context) (io.ReadWriteCloser, error) {
				here, there := net.Pipe()
				go func() {
					_, _ = there.Read(make([]byte, 1000))
					_, _ = there.Write([]byte(with))
				}()
				return here, nil
			}, job.ConnectConfig{Name: "tester", Log: quiet})
			return err
		}
		wantFault(t, answering("220 mail ESMTP\r\n"), fault.Invalid, false, `job: connect "tester"`, `begins with "220 mail`, "is it the address of an owner?")
		wantFault(t, answering("Hj\x07"), fault.Invalid, false, "version 7", "both ends must be of one version")

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := job.Connect(ctx, (&host{}).dial, job.ConnectConfig{Log: quiet})
		wantFault(t, err, fault.Deadline, false, "deadline exceeded", "dial: nobody listens")
	})
}

func TestCloseOfARemoteLeavesNobodyWaiting(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o, h, r := reached(t, jobtest.NewMemory(), job.Config{})
		c := r.Client()
		s := session(t, c)
		claiming := later(func() error { _, err := s.Claim(t.Context(), 1, job.Filter{}); return err })
		synctest.Wait()
		h.move(nil)
		h.cut()
		shut(t, o)
		synctest.Wait()
		asking := later(func() error { _, err := job.Enqueue(t.Context(), c, resize, 1); return err })
		synctest.Wait()
		if err := r.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantFault(t, claiming(), fault.Fenced, false, "the connection was closed")
		wantFault(t, asking(), fault.Cancelled, false, "the connection was closed")
		_, err := c.Counts(t.Context(), "")
		wantFault(t, err, fault.Invalid, false, "the connection was closed")
		if r.Err() != nil {
			t.Error(r.Err())
		}
	})
}

func TestACallerThatLeavesWhileThereIsNoConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o, h, r := reached(t, jobtest.NewMemory(), job.Config{})
		c := r.Client()
		h.move(nil)
		h.cut()
		shut(t, o)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := job.Enqueue(ctx, c, resize, 1)
		wantFault(t, err, fault.Deadline, false)
	})
}

func TestAClientThatTheOwnerHasForgottenIsAnother(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var ahead atomic.Int64
		began := time.Now()
		o, err := job.OpenAt(t.Context(), jobtest.NewMemory(), job.Config{Log: quiet}, func() (time.Time, time.Duration) {
			now := time.Now()
			return now.Add(time.Duration(ahead.Load())), now.Sub(began)
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { shut(t, o) })
		c := remote(t, &host{owner: o}).Client()
		put(t, c, 1)
		ahead.Store(int64(24 * time.Hour)) // the owner's clock jumps
		time.Sleep(2 * time.Second)
		put(t, c, 2)
		time.Sleep(2 * time.Hour) // nothing is asked
		put(t, c, 3)
		if n, err := c.Counts(t.Context(), ""); err != nil || n.Ready != 3 {
			t.Errorf("%+v, %v", n, err)
		}
	})
}

func TestThoseWhoWaitKeepNobodyElse(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o, h, r := reached(t, jobtest.NewMemory(), job.Config{Queues: map[string]job.QueueConfig{"full": {Depth: 1}}})
		c := r.Client()
		put(t, c, 0, job.Queue("full"))
		const n = 3000 // more than a client may have open
		ctx, cancel := context.WithCancel(t.Context())
		var waits []func() error
		for i := range n {
			waits = append(waits, later(func() error {
				_, err := job.Enqueue(ctx, c.With(job.Queue("full")), resize, i)
				return err
			}))
		}
		synctest.Wait()
		if got := o.Stats().ForRoom; got != n {
			t.Errorf("%d wait for room", got)
		}
		put(t, c, 1)
		h.cut()
		time.Sleep(time.Second)
		if got := o.Stats().ForRoom; got != n {
			t.Errorf("%d wait for room after the connection broke", got)
		}
		put(t, c, 2)
		cancel()
		for _, wait := range waits {
			wantFault(t, wait(), fault.Cancelled, false)
		}
		if got := o.Stats(); got.ForRoom != 0 || got.Jobs.Ready != 3 {
			t.Errorf("%+v", got)
		}
	})
}
