package main

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
)

func staged(t *testing.T, fenced bool) outcome {
	t.Helper()
	r := &race{fenced: fenced, dir: t.TempDir(), tell: io.Discard}
	o, err := r.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return o
}

var (
	opened = entry{100_00, "opened"}
	paid   = entry{10_00, "interest"}
)

func TestAWorkerThatWasGivenUpIsRefusedByTheDatabase(t *testing.T) {
	o := staged(t, true)
	if fault.KindOf(o.late) != fault.Fenced || !strings.Contains(o.late.Error(), "job 1 was claimed again after epoch 1") {
		t.Errorf("worker 1 was told %v", o.late)
	}
	if !slices.Equal(o.entries, []entry{opened, paid}) || o.cents != 110_00 {
		t.Errorf("there are %v, which makes %d", o.entries, o.cents)
	}
}

// The control: the same race does harm where nothing fences.
func TestWithoutTheFenceInterestIsPaidTwice(t *testing.T) {
	o := staged(t, false)
	if o.late != nil {
		t.Errorf("worker 1 was told %v", o.late)
	}
	if !slices.Equal(o.entries, []entry{opened, paid, paid}) || o.cents != 120_00 {
		t.Errorf("there are %v, which makes %d", o.entries, o.cents)
	}
}

// emptied returns a ledger in which alice has what she opened it with.
func emptied(t *testing.T) *Ledger {
	t.Helper()
	l, err := openLedger(t.Context(), filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	err = l.write(t.Context(), func(tx *sql.Tx) error { return book(t.Context(), tx, "alice", opened.cents, opened.text) })
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// The fence does not keep out the attempt that follows: done does.
func TestWhatWasCommittedAndNotToldIsNotDoneAgain(t *testing.T) {
	for _, c := range []struct {
		name    string
		fenced  bool
		entries []entry
	}{
		{"by once", true, []entry{opened, paid}},
		{"by write, the control", false, []entry{opened, paid, paid}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := emptied(t)
			write, losses := l.write, 1
			if c.fenced {
				write = l.once
			}
			pay := interest(l, func(ctx context.Context, f func(*sql.Tx) error) error {
				if err := write(ctx, f); err != nil {
					return err
				}
				if losses--; losses == 0 {
					return errors.New("the worker is gone")
				}
				return nil
			}, func(int64) {})
			jobs := jobtest.New(t, job.Config{}, pay)
			if _, err := job.Enqueue(t.Context(), jobs.Client(), pay, "alice", job.Backoff(0, 0)); err != nil {
				t.Fatal(err)
			}
			if n := jobs.Run(t.Context()); n != 2 {
				t.Errorf("there were %d attempts", n)
			}
			all, err := l.entries(t.Context(), "alice")
			if err != nil {
				t.Fatal(err)
			}
			for i := range all {
				if i > 0 {
					all[i].cents = paid.cents // of a balance that has grown, where it was paid twice
				}
			}
			if !slices.Equal(all, c.entries) {
				t.Errorf("there are %v", all)
			}
		})
	}
}

func TestTheFenceLetsInWhatIsNotOlderOfEachJobOfEachLog(t *testing.T) {
	l := emptied(t)
	for i, c := range []struct {
		log   byte
		job   job.ID
		epoch uint32
		in    bool
	}{
		{1, 1, 2, true}, {1, 1, 2, true}, {1, 1, 1, false}, {1, 1, 4, true}, {1, 1, 3, false}, {1, 1, 4, true},
		{1, 2, 1, true}, {2, 1, 1, true}, {1, 1, 5, true}, {2, 1, 1, true},
	} {
		err := l.write(t.Context(), func(tx *sql.Tx) error {
			_, err := fence(t.Context(), tx, job.FencingToken{Log: [16]byte{c.log}, Job: c.job, Epoch: c.epoch})
			return err
		})
		if c.in && err != nil || !c.in && fault.KindOf(err) != fault.Fenced {
			t.Errorf("%d: epoch %d of job %v of log %d: got %v", i, c.epoch, c.job, c.log, err)
		}
	}
}

func TestOnceIsForHandlers(t *testing.T) {
	if err := emptied(t).once(t.Context(), func(*sql.Tx) error { return nil }); err != errNoJob {
		t.Errorf("got %v", err)
	}
}

func TestTheProgramShowsBothRacesAndEnds(t *testing.T) {
	for _, fenced := range []bool{false, true} {
		var out strings.Builder
		if err := show(t.Context(), &out, fenced); err != nil {
			t.Fatal(err)
		}
		if refused := strings.Contains(out.String(), "is refused"); refused != fenced {
			t.Errorf("fenced %v:\n%s", fenced, out.String())
		}
	}
}
