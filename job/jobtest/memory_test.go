package jobtest_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
)

var errTest = errors.New("as the test says")

// holding returns a Memory in which each of recs has been acknowledged.
func holding(t *testing.T, recs ...string) *jobtest.Memory {
	t.Helper()
	m := jobtest.NewMemory()
	for i, rec := range recs {
		if err := m.Append(t.Context(), uint64(i), []byte(rec)); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// read is what a Read from from shows, and what it returns.
func read(m *jobtest.Memory, from uint64) (recs string, err error) {
	var all []string
	err = m.Read(context.Background(), from, func(_ uint64, rec []byte) error {
		all = append(all, string(rec))
		return nil
	})
	return strings.Join(all, " "), err
}

// reads checks what a Read from the first record shows.
func reads(t *testing.T, m *jobtest.Memory, want string) {
	t.Helper()
	if got, err := read(m, 1); got != want || err != nil {
		t.Errorf("read: got %q, %v; want %q", got, err, want)
	}
}

// disk is what there is, seen past all faults.
func disk(m *jobtest.Memory) string {
	var all []string
	for _, r := range m.Records() {
		all = append(all, string(r.Rec))
	}
	return strings.Join(all, " ")
}

// answers checks an error; nil wants none.
func answers(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

func ExampleMemory() {
	ctx, log := context.Background(), jobtest.NewMemory()
	log.Faults(jobtest.Script(jobtest.Append, jobtest.Fault{}, jobtest.Fault{Lose: jobtest.Stored}))

	fmt.Println(log.Append(ctx, 0, []byte("one")))
	fmt.Println(log.Append(ctx, 1, []byte("two")))
	fmt.Println(log.Append(ctx, 1, []byte("two")))
	fmt.Println(read(log, 1))

	log.Flip(1, 0)
	_, err := read(log, 1)
	fmt.Println(err)
	// Output:
	// <nil>
	// jobtest: append after record 1: job: record may or may not have been stored: the answer was lost
	// jobtest: append after record 1: job: the log goes on elsewhere: its last record is 2
	// one two <nil>
	// jobtest: read from record 1: job: the log is damaged: record 1 has another checksum than when it was stored
}

func TestMemoryThatIsFullRefusesAndKeepsNothing(t *testing.T) {
	m := holding(t, "1234")
	m.SetCapacity(10, 6)
	answers(t, "low", m.Low(), nil)
	answers(t, "append of 7", m.Append(t.Context(), 1, []byte("1234567")), job.ErrFull)
	answers(t, "append of 6", m.Append(t.Context(), 1, []byte("123456")), nil)
	answers(t, "append of 1", m.Append(t.Context(), 2, []byte("1")), job.ErrFull)
	reads(t, m, "1234 123456")
	if err := m.Low(); err == nil || !strings.Contains(err.Error(), "0 of 10 bytes are left") {
		t.Errorf("low: %v", err)
	}
	answers(t, "trim", m.Trim(t.Context(), 2), nil)
	answers(t, "low after the trim", m.Low(), nil)
	answers(t, "append after the trim", m.Append(t.Context(), 2, []byte("1234")), nil)
	answers(t, "append", m.Append(t.Context(), 3, []byte("1")), job.ErrFull)
	m.SetCapacity(0, 0)
	answers(t, "append without a limit", m.Append(t.Context(), 3, make([]byte, 1000)), nil)
}

func TestMemoryShowsItsReaderBytesThatDoNotLast(t *testing.T) {
	m, kept := holding(t, "one", "two"), [][]byte(nil)
	answers(t, "read", m.Read(t.Context(), 1, func(_ uint64, rec []byte) error {
		kept = append(kept, rec)
		return nil
	}), nil)
	if string(kept[0]) == "one" || string(kept[1]) == "two" {
		t.Errorf("a reader that keeps its record still has %q", kept)
	}
	reads(t, m, "one two")
}

func TestMemoryRecordsAreAllThatWereEverStored(t *testing.T) {
	m := holding(t, "one", "two", "three")
	answers(t, "trim", m.Trim(t.Context(), 3), nil)
	want := []jobtest.Record{{Seq: 1, Rec: []byte("one"), Trimmed: true}, {Seq: 2, Rec: []byte("two"), Trimmed: true}, {Seq: 3, Rec: []byte("three")}}
	if got := m.Records(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestMemoryCountsWhatItDoes(t *testing.T) {
	m := holding(t, "one", "two")
	m.Faults(jobtest.Script(jobtest.Append, jobtest.Fault{Lose: jobtest.Never}, jobtest.Fault{Lose: jobtest.Stored}, jobtest.Fault{}))
	for range 3 {
		_ = m.Append(t.Context(), 2, []byte("three"))
	}
	_, _ = read(m, 1)
	_, _, _ = m.Bounds(t.Context())
	_ = m.Trim(t.Context(), 2)
	want := jobtest.Counts{Appends: 5, Reads: 1, Bounds: 1, Trims: 1, Stored: 3, Refused: 1, Acknowledged: 2, Unknown: 2}
	if got := m.Counts(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := m.Crash(nil).Counts(); got != want {
		t.Errorf("after a crash: got %+v, want %+v", got, want)
	}
}

// TestMemoryWithTheSameFaultsEndsTheSame also finds that it does not end the
// same with others, or it would prove nothing.
func TestMemoryWithTheSameFaultsEndsTheSame(t *testing.T) {
	one, same, other := history(t, 1), history(t, 1), history(t, 2)
	if one != same {
		t.Errorf("two histories of one seed:\n%s\n%s", one, same)
	}
	if one == other {
		t.Errorf("two seeds have the same history:\n%s", one)
	}
	for _, err := range []error{job.ErrConflict, job.ErrUnknown} {
		if !strings.Contains(one, err.Error()) {
			t.Errorf("500 calls with faults, and none answers %q", err)
		}
	}
}

func TestMisuseOfAMemoryPanics(t *testing.T) {
	crashed := jobtest.NewMemory()
	crashed.Crash(nil)
	lost := holding(t)
	lost.Faults(func(jobtest.Op) jobtest.Fault { return jobtest.Fault{Lose: jobtest.Stored, Err: job.ErrFull} })
	for want, f := range map[string]func(){
		"jobtest: Flip of record 2 of a log that has 1 to 1":                   func() { holding(t, "one").Flip(2, 0) },
		"jobtest: Swap of record 0 of a log that has 1 to 1":                   func() { holding(t, "one").Swap(1, 0) },
		"jobtest: Flip of bit 24 of a record of 3 bytes":                       func() { holding(t, "one").Flip(1, 24) },
		"jobtest: SetCapacity of 0 bytes, with a watermark at 5":               func() { holding(t).SetCapacity(0, 5) },
		"jobtest: Crash of a Memory that is closed: job: the log is closed":    func() { crashed.Crash(nil) },
		"jobtest: Reopen of a Memory that has crashed: Crash returned what":    func() { crashed.Reopen() },
		"jobtest: a Fault with Lose is for Append, without Err: {Wait:0s Lag:": func() { _ = lost.Append(t.Context(), 0, []byte("one")) },
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.HasPrefix(got, want) {
					t.Errorf("got %q, want %q", got, want)
				}
			}()
			f()
		}()
	}
}

// history is what a log answers to 500 calls.
func history(t *testing.T, seed uint64) string {
	return inBubble(t, func(t *testing.T) string {
		var b strings.Builder
		r := rand.New(rand.NewPCG(seed, seed))
		m := jobtest.NewMemory()
		m.Faults(jobtest.Random(r, 3))
		for i := range 500 {
			_, last, err := m.Bounds(t.Context())
			fmt.Fprintln(&b, last, err)
			switch r.IntN(8) {
			case 0:
				fmt.Fprintln(&b, m.Trim(t.Context(), last))
			case 1:
				fmt.Fprintln(&b, m.Land())
			case 2:
				m = m.Crash(r)
			default:
				fmt.Fprintln(&b, m.Append(t.Context(), last, fmt.Append(nil, i)))
			}
		}
		fmt.Fprint(&b, disk(m), m.Counts())
		return b.String()
	})
}
