package job_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/task"
)

// away is what a caller may be kept waiting by an owner that cannot be reached: the
// time after which a session is fenced, and some to find out.
const away = 7500 * time.Millisecond

// An outage is a caller whose connection breaks for ever.
type outage struct {
	t      *testing.T
	log    *jobtest.Memory
	owner  *job.Owner
	host   *host
	remote *job.Remote
	long   *task.Def[int, int] // runs for an hour, unless it is told to end
	keyed  *task.Def[int, int]
	begun  chan context.Context // of long and keyed
	broke  time.Time
}

// outages runs f with a worker in the owner's process, whose connection is its own.
func outages(t *testing.T, f func(t *testing.T, o *outage)) {
	t.Helper()
	bubble(t, func(t *testing.T) {
		o := &outage{t: t, log: jobtest.NewMemory(), begun: make(chan context.Context, 10)}
		o.owner, o.host, o.remote = reached(t, o.log, job.Config{})
		lasts := func(ctx context.Context, n int) (int, error) {
			o.begun <- ctx
			select {
			case <-ctx.Done():
				return 0, context.Cause(ctx)
			case <-time.After(time.Hour):
				return n, nil
			}
		}
		o.long = does("long", lasts)
		o.keyed = does("keyed", lasts).Keyed(func(n int) string { return fmt.Sprint(n) })
		working(t, o.owner.Client(), job.WorkerConfig{Tasks: []task.Task{o.long, o.keyed}, Log: quiet})
		time.Sleep(5 * time.Second)
		f(t, o)
	})
}

// fall breaks the connection, and nobody is there from now on.
func (o *outage) fall() {
	o.host.move(nil)
	o.host.cut()
	o.broke = time.Now()
	synctest.Wait()
}

// soon fails the test if it is later than it may be.
func (o *outage) soon(what string) {
	o.t.Helper()
	if took := time.Since(o.broke); took > away {
		o.t.Errorf("%s: it took %v", what, took)
	}
}

// ends checks that what began ends by the owner's decision.
func (o *outage) ends(handler context.Context) {
	o.t.Helper()
	<-handler.Done()
	if took := time.Since(o.broke); took > 12*time.Second {
		o.t.Errorf("what belonged to a caller who is away ended after %v", took)
	}
}

// in gives up a test that would wait for ever, in virtual time.
func in[T any](t testing.TB, wait func() T) T {
	t.Helper()
	got := make(chan T, 1)
	go func() { got <- wait() }()
	select {
	case v := <-got:
		return v
	case <-time.After(30 * time.Minute):
		t.Fatal("it waits for ever")
		panic("not reached")
	}
}

func TestACallWhoseOwnerIsNeverReachedAgainIsLost(t *testing.T) {
	outages(t, func(t *testing.T, o *outage) {
		call := later(func() error { _, err := o.long.Do(t.Context(), o.remote.Client(), 1); return err })
		handler := <-o.begun
		o.fall()
		err := in(t, call)
		o.soon("the call")
		wantFault(t, err, fault.Lost, true, `job: run "long"`, "could not be reached")
		o.ends(handler)
	})
}

func TestACallerWhoLeavesAnOwnerThatIsNeverReachedAgainIsNotKept(t *testing.T) {
	outages(t, func(t *testing.T, o *outage) {
		ctx, leave := context.WithCancelCause(t.Context())
		attached := later(func() error { _, err := o.long.Do(ctx, o.remote.Client(), 1); return err })
		handler := <-o.begun
		keyed := later(func() error { _, err := o.keyed.Do(ctx, o.remote.Client(), 1); return err })
		goesOn := <-o.begun
		o.fall()
		time.Sleep(time.Second)
		leave(errEnough)
		for name, call := range map[string]func() error{"attached": attached, "keyed": keyed} {
			err := in(t, call)
			o.soon(name)
			wantFault(t, err, fault.Lost, true, "could not be reached")
			if !errors.Is(err, errEnough) {
				t.Errorf("%s: %v is not why its caller left", name, err)
			}
		}
		o.ends(handler)
		if goesOn.Err() != nil {
			t.Error("what has a key was cancelled by nobody's decision")
		}
	})
}

func TestACallWithAKeyIsLostToAnOwnerThatIsNeverReachedAgain(t *testing.T) {
	outages(t, func(t *testing.T, o *outage) {
		call := later(func() error { _, err := o.keyed.Do(t.Context(), o.remote.Client(), 1); return err })
		handler := <-o.begun
		o.fall()
		err := in(t, call)
		o.soon("the call")
		wantFault(t, err, fault.Lost, true, "could not be reached")
		time.Sleep(time.Minute)
		if handler.Err() != nil {
			t.Errorf("the job was cancelled: %v", context.Cause(handler))
		}
	})
}

// A call that nobody could be told of has not begun, so it may be made elsewhere.
func TestACallThatCouldNotBeMadeHasNotStarted(t *testing.T) {
	outages(t, func(t *testing.T, o *outage) {
		o.fall()
		time.Sleep(time.Hour)
		for name, def := range map[string]*task.Def[int, int]{"attached": o.long, "keyed": o.keyed} {
			o.broke = time.Now()
			err := in(t, later(func() error { _, err := def.Do(t.Context(), o.remote.Client(), 1); return err }))
			o.soon(name)
			wantFault(t, err, fault.Lost, false, "could not be reached")
		}
		o.host.move(o.owner)
		time.Sleep(5 * time.Second)
		if n, err := o.owner.Client().Counts(t.Context(), ""); err != nil || n != (job.Counts{}) {
			t.Errorf("%+v, %v", n, err)
		}
	})
}

// What was asked last got no answer, so nobody can say whether the job is there.
func TestACallOfWhichNobodyHasHeardIsLostAndMayHaveStarted(t *testing.T) {
	outages(t, func(t *testing.T, o *outage) {
		stall := make(chan struct{})
		there := &host{owner: o.owner, wrap: func(c io.ReadWriteCloser) io.ReadWriteCloser {
			return &stalled{ReadWriteCloser: c, stall: stall, ended: make(chan struct{})}
		}}
		c := remote(t, there).Client()
		h, err := job.Enqueue(t.Context(), c, resize, 1) // so there are numbers to ask under
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		close(stall)
		o.broke = time.Now()
		there.move(nil)
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		err = in(t, later(func() error { _, err := o.keyed.Do(ctx, c, 1); return err }))
		wantFault(t, err, fault.Lost, true, "could not be reached")
		if took := time.Since(o.broke); took > away+3*time.Second { // until the silence is noticed
			t.Errorf("it took %v", took)
		}
	})
}

// A mute says hello to each connection, and nothing else.
type mute struct {
	stalled
	greeted bool
}

func (m *mute) Read(b []byte) (int, error) {
	if m.greeted {
		<-m.ended
		return 0, io.ErrClosedPipe
	}
	m.greeted = true
	return m.ReadWriteCloser.Read(b)
}

// Who greets is not yet somebody who answers.
func TestACallToWhoGreetsAndSaysNothingElseIsLost(t *testing.T) {
	outages(t, func(t *testing.T, o *outage) {
		there := &host{owner: o.owner}
		c := remote(t, there).Client()
		call := later(func() error { _, err := o.keyed.Do(t.Context(), c, 1); return err })
		<-o.begun
		there.mu.Lock()
		there.wrap = func(c io.ReadWriteCloser) io.ReadWriteCloser {
			return &mute{stalled: stalled{ReadWriteCloser: c, ended: make(chan struct{})}}
		}
		there.mu.Unlock()
		there.cut()
		o.broke = time.Now()
		wantFault(t, in(t, call), fault.Lost, true, "could not be reached")
		if took := time.Since(o.broke); took > away+3*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// The log of an owner that answers still is stuck: nothing can be said of what was
// asked, nor of the session.
func TestACallThatTheLogKeepsWaitingIsLostWithItsSession(t *testing.T) {
	outages(t, func(t *testing.T, o *outage) {
		ctx, leave := context.WithCancel(t.Context())
		call := later(func() error { _, err := o.long.Do(ctx, o.remote.Client(), 1); return err })
		<-o.begun
		o.log.Faults(func(op jobtest.Op) jobtest.Fault {
			if op.Verb == jobtest.Append {
				return jobtest.Fault{Wait: time.Hour}
			}
			return jobtest.Fault{}
		})
		o.broke = time.Now()
		time.Sleep(time.Second)
		leave()
		wantFault(t, in(t, call), fault.Lost, true, "could not be reached")
		o.soon("the call")
	})
}

// An outage that is over in time is noticed by nobody.
func TestACallSurvivesAnOutageThatIsShorterThanItsSession(t *testing.T) {
	outages(t, func(t *testing.T, o *outage) {
		ctx, leave := context.WithCancelCause(t.Context())
		attached := later(func() error { _, err := o.long.Do(ctx, o.remote.Client(), 1); return err })
		<-o.begun
		keyed := later(func() error { _, err := o.keyed.Do(ctx, o.remote.Client(), 1); return err })
		<-o.begun
		o.fall()
		time.Sleep(3 * time.Second)
		o.host.move(o.owner)
		time.Sleep(time.Minute)
		leave(errEnough)
		wantFault(t, attached(), fault.Cancelled, true)
		wantFault(t, keyed(), fault.Cancelled, true)
	})
}

// A handler whose worker is cut off does not wait for children that nobody can tell
// it of.
func TestAHandlerThatIsCutOffIsNotKeptByItsChildren(t *testing.T) {
	outages(t, func(t *testing.T, o *outage) {
		for _, child := range []*task.Def[int, int]{o.long, o.keyed} {
			ended := make(chan error, 1)
			parent := does("parent-"+child.Name(), func(ctx context.Context, n int) (int, error) {
				_, err := child.Do(ctx, job.Current(ctx), n)
				ended <- err
				return 0, err
			})
			ctx, stop := context.WithCancel(context.Background())
			o.host.move(o.owner)
			elsewhere := remote(t, o.host)
			work := later(func() error {
				return job.Work(ctx, elsewhere.Client(), job.WorkerConfig{Tasks: []task.Task{parent}, Log: quiet})
			})
			h, err := job.Enqueue(t.Context(), o.owner.Client(), parent, 1)
			if err != nil {
				t.Fatal(err)
			}
			handler := <-o.begun
			o.fall()
			err = in(t, later(func() error { return <-ended }))
			o.soon(child.Name())
			if !fault.Started(err) {
				t.Errorf("%s: %v", child.Name(), err)
			}
			stop()
			if err := in(t, work); err != nil && fault.KindOf(err) != fault.Fenced {
				t.Error(err)
			}
			o.soon("Work")
			if child == o.long {
				o.ends(handler)
			}
			if _, err := h.Cancel(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}
