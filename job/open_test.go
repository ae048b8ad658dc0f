package job_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
)

func TestNothingAcknowledgedIsLostByACrash(t *testing.T) {
	for seed := range uint64(30) {
		bubble(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			m := jobtest.NewMemory()
			acknowledged := make(map[job.ID]bool)
			for range 5 {
				o := open(t, m, job.Config{SnapshotAfter: 512})
				for range 1 + r.IntN(10) {
					acknowledged[put(t, o.Client(), r.IntN(1000))] = true
				}
				m = m.Crash(r)
				if _, err := job.Enqueue(t.Context(), o.Client(), resize, 1); err == nil {
					t.Fatal("a log that has crashed took a job")
				}
				<-o.Done()
			}
			c := open(t, m, job.Config{}).Client()
			for id := range acknowledged {
				wantState(t, c, id, job.Ready)
			}
		})
	}
}

func TestOpenSaysWhichRecordIsDamagedAndWhatToDo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for name, hurt := range map[string]func(*jobtest.Memory){
			"flipped, and the log knows":    func(m *jobtest.Memory) { m.Flip(3, 700) },
			"flipped, and it does not know": func(m *jobtest.Memory) { m.SetSilent(true); m.Flip(3, 700) },
			"swapped":                       func(m *jobtest.Memory) { m.SetSilent(true); m.Swap(3, 4) },
			"doubled":                       func(m *jobtest.Memory) { m.SetSilent(true); m.Duplicate(4, 3) },
			"missing":                       func(m *jobtest.Memory) { m.Remove(3) },
			"cut off":                       func(m *jobtest.Memory) { m.Truncate(4) },
		} {
			t.Log(name)
			m := jobtest.NewMemory()
			o := open(t, m, job.Config{})
			for i := range 4 {
				put(t, o.Client(), i)
			}
			shut(t, o)
			stored := len(m.Records())
			hurt(m)
			_, err := job.Open(t.Context(), m, job.Config{Name: "mail", Log: quiet})
			wantFault(t, err, fault.Failed, true, `job: open "mail": `, "damaged", "record 3")
			if !errors.Is(err, job.ErrDamaged) || fault.Retryable(err) {
				t.Errorf("%v: is ErrDamaged %v, retryable %v", err, errors.Is(err, job.ErrDamaged), fault.Retryable(err))
			}
			if got := len(m.Records()); got > stored {
				t.Errorf("%d records were added to a damaged log", got-stored)
			}
		}
	})
}

func TestOpenOfALogThatANewerVersionWrote(t *testing.T) {
	m := jobtest.NewMemory()
	o := open(t, m, job.Config{})
	shut(t, o)
	newer := jobtest.NewMemory()
	rec := append([]byte(nil), m.Records()[0].Rec...)
	rec[7] = 99
	seal(rec)
	if err := newer.Append(t.Context(), 0, rec); err != nil {
		t.Fatal(err)
	}
	_, err := job.Open(t.Context(), newer, job.Config{Log: quiet})
	wantFault(t, err, fault.Invalid, true, "a newer version wrote the log", "record 1", "update this program")
	if errors.Is(err, job.ErrDamaged) {
		t.Error("it is said to be damaged")
	}
}

func TestOpenGivesUpWhenItsContextEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, v := range []jobtest.Verb{jobtest.Bounds, jobtest.Read, jobtest.Append} {
			m := jobtest.NewMemory()
			m.Faults(jobtest.Script(v, jobtest.Fault{Wait: time.Hour}))
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			_, err := job.Open(ctx, m, job.Config{Log: quiet})
			cancel()
			wantFault(t, err, fault.Deadline, true, "job: open", "context deadline exceeded")
		}
	})
}

func TestAnOwnerOutlivesTheContextThatItWasOpenedWith(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		o, err := job.Open(ctx, jobtest.NewMemory(), job.Config{Log: quiet})
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		put(t, o.Client(), 1)
		shut(t, o)
	})
}

func TestOpenReadsOnWhenTheOldestRecordsWereTrimmedMeanwhile(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := jobtest.NewMemory()
		o := open(t, m, job.Config{SnapshotAfter: 1})
		id := put(t, o.Client(), 0)
		for i := range 20 {
			put(t, o.Client(), i)
		}
		synctest.Wait() // trims go on beside everything
		shut(t, o)
		if !m.Records()[0].Trimmed {
			t.Fatal("nothing was trimmed")
		}
		n := 0
		m.Faults(func(op jobtest.Op) jobtest.Fault {
			if op.Verb == jobtest.Bounds && n < 3 {
				n++
				return jobtest.Fault{Stale: 100}
			}
			return jobtest.Fault{}
		})
		wantState(t, open(t, m, job.Config{}).Client(), id, job.Ready)
		if n != 3 {
			t.Errorf("Bounds was asked %d times", n)
		}
	})
}

func TestSnapshotsLetOldRecordsGoAndKeepEveryJob(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := jobtest.NewMemory()
		o := open(t, m, job.Config{SnapshotAfter: 4 << 10})
		c := o.Client()
		s := session(t, c)
		ids := make(map[job.ID]job.State)
		for i := range 500 {
			id := put(t, c, i, job.Keep(time.Hour))
			ids[id] = job.Ready
			if i%3 == 0 {
				l := claim(t, s)
				if err := l.Complete(t.Context(), nil); err != nil {
					t.Fatal(err)
				}
				ids[l.ID()] = job.Done
			}
		}
		shut(t, o)
		if m.Counts().Trims < 3 || !m.Records()[100].Trimmed {
			t.Errorf("%+v", m.Counts())
		}
		again := open(t, m, job.Config{}).Client()
		for id, want := range ids {
			wantState(t, again, id, want)
		}
	})
}

func TestATrimThatFailsHarmsNobody(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := jobtest.NewMemory()
		m.Faults(func(op jobtest.Op) jobtest.Fault {
			if op.Verb == jobtest.Trim {
				return jobtest.Fault{Wait: time.Second, Err: errEnough, Steps: 1}
			}
			return jobtest.Fault{}
		})
		c := open(t, m, job.Config{SnapshotAfter: 1}).Client()
		for i := range 100 {
			put(t, c, i)
			time.Sleep(100 * time.Millisecond)
		}
		if m.Counts().Trims < 2 {
			t.Errorf("%+v", m.Counts())
		}
	})
}
