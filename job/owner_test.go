package job_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
)

func TestASecondOwnerDeposesTheFirst(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := jobtest.NewMemory()
		first := open(t, m, job.Config{})
		s := session(t, first.Client())
		id := put(t, first.Client(), 1)
		l := claim(t, s)
		waiting := later(func() error { _, err := s.Claim(t.Context(), 1, job.Filter{}); return err })
		synctest.Wait()

		second := open(t, m, job.Config{})
		wantState(t, second.Client(), id, job.Ready) // the sessions of the first have ended
		if first.Err() != nil {
			t.Error("it cannot know yet")
		}
		stored := len(m.Records())
		wantFault(t, l.Complete(t.Context(), nil), fault.Lost, false, `job: complete "resize": another owner has taken over`)
		wantFault(t, waiting(), fault.Lost, false, "another owner has taken over")
		<-first.Done()
		err := first.Err()
		wantFault(t, err, fault.Lost, true, `job: own "jobs": another owner has taken over`)
		if !errors.Is(err, job.ErrConflict) {
			t.Errorf("%v is not ErrConflict", err)
		}
		_, err = job.Enqueue(t.Context(), first.Client(), resize, 2)
		wantFault(t, err, fault.Lost, false, "another owner has taken over")
		if got := len(m.Records()); got != stored {
			t.Errorf("the deposed owner wrote %d records", got-stored)
		}
		put(t, second.Client(), 2)
	})
}

func TestAnAcknowledgementThatIsLostIsFoundInTheLog(t *testing.T) {
	for name, lose := range map[string]jobtest.Lose{"never stored": jobtest.Never, "stored": jobtest.Stored, "stored soon": jobtest.Soon} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				m := jobtest.NewMemory()
				c := open(t, m, job.Config{}).Client()
				put(t, c, 0)
				stored := len(m.Records())
				m.Faults(jobtest.Script(jobtest.Append, jobtest.Fault{Lose: lose}, jobtest.Fault{Lose: jobtest.Never}))
				began := time.Now()
				put(t, c, 1)
				if took := time.Since(began); took > time.Second {
					t.Errorf("it took %v", took)
				}
				if got := len(m.Records()) - stored; got != 1 {
					t.Errorf("%d records were stored", got)
				}
			})
		})
	}
}

func TestAFullLogIsWaitedFor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := jobtest.NewMemory()
		o := open(t, m, job.Config{})
		c := o.Client()
		id := put(t, c, 0)
		m.SetCapacity(1, 0)
		put2 := later(func() job.ID { return put(t, c, 1) })
		time.Sleep(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.Status(ctx, id)
		wantFault(t, err, fault.Deadline, false)
		m.SetCapacity(0, 0)
		put2()
	})
}

func TestALogThatIsClosedEndsTheOwner(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := jobtest.NewMemory()
		o := open(t, m, job.Config{})
		put(t, o.Client(), 0)
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		_, err := job.Enqueue(t.Context(), o.Client(), resize, 1)
		wantFault(t, err, fault.Lost, true, "the log is closed")
		<-o.Done()
		if err := o.Err(); !errors.Is(err, job.ErrClosed) {
			t.Errorf("got %v", err)
		}
	})
}

// A hostile log does what no Log should.
type hostile struct {
	*jobtest.Memory
	act atomic.Pointer[func()]
}

func (h *hostile) Append(ctx context.Context, after uint64, rec []byte) error {
	if f := h.act.Load(); f != nil {
		(*f)()
	}
	return h.Memory.Append(ctx, after, rec)
}

func TestALogThatPanicsHangsNobody(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := &hostile{Memory: jobtest.NewMemory()}
		o := open(t, h, job.Config{Depth: 1})
		c := o.Client()
		put(t, c, 0)
		waiting := later(func() error { _, err := job.Enqueue(t.Context(), c, resize, 1); return err })
		synctest.Wait()
		panics := func() { panic("the disk is on fire") }
		h.act.Store(&panics)
		_, err := c.Session(t.Context(), job.SessionConfig{})
		wantFault(t, err, fault.Lost, true, "the owner has panicked")
		wantFault(t, waiting(), fault.Lost, false, "the owner has panicked")
		<-o.Done()
		wantFault(t, o.Err(), fault.Panicked, true, "the disk is on fire", "hostile")
		_, err = c.Counts(t.Context(), "")
		wantFault(t, err, fault.Lost, false, "the owner has panicked")
	})
}

// misled opens an owner whose wall clock is wrong: by so much to begin with.
func misled(t *testing.T, log job.Log, c job.Config, by time.Duration) (o *job.Owner, wrong *atomic.Int64) {
	t.Helper()
	c.Log = quiet
	wrong = new(atomic.Int64)
	wrong.Store(int64(by))
	start := time.Now()
	o, err := job.OpenAt(t.Context(), log, c, func() (time.Time, time.Duration) {
		return time.Now().Add(time.Duration(wrong.Load())), time.Since(start)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, o) })
	return o, wrong
}

func TestAClockThatJumpsNeitherStopsTimersNorMakesThemEarly(t *testing.T) {
	for name, jump := range map[string]time.Duration{"back an hour": -time.Hour, "forward a day": 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				o, wrong := misled(t, jobtest.NewMemory(), job.Config{}, 0)
				s := session(t, o.Client())
				put(t, o.Client(), 1, job.Delay(10*time.Minute))
				began := time.Now()
				time.Sleep(time.Minute)
				wrong.Store(int64(jump))
				claim(t, s)
				took := time.Since(began)
				// Back: the owner's time goes on at half the pace, from when it last
				// looked. Forward: it is due by the calendar, and that is noticed
				// within a minute.
				low, high := 19*time.Minute, 20*time.Minute+time.Second
				if jump > 0 {
					low, high = time.Minute, 2*time.Minute+time.Second
				}
				if took < low || took > high {
					t.Errorf("a job that was due in 10 minutes came after %v, want %v to %v", took, low, high)
				}
			})
		})
	}
}
