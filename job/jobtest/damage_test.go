package jobtest_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
)

// damages are what can happen to a log of five records, what a Read shows
// before it finds out, and what a silent log shows; "" if it finds out as well.
var damages = []struct {
	name   string
	do     func(*jobtest.Memory)
	shown  string
	silent string
}{
	{"flip the first bit", func(m *jobtest.Memory) { m.Flip(3, 0) }, "a b", "a b b d e"},
	{"flip the last bit", func(m *jobtest.Memory) { m.Flip(5, 7) }, "a b c d", "a b c d \xe5"},
	{"swap", func(m *jobtest.Memory) { m.Swap(2, 4) }, "a", "a d c b e"},
	{"duplicate", func(m *jobtest.Memory) { m.Duplicate(3, 4) }, "a b c", "a b c c e"},
	{"remove the first", func(m *jobtest.Memory) { m.Remove(1) }, "", ""},
	{"remove one between", func(m *jobtest.Memory) { m.Remove(3) }, "a b", ""},
	{"remove the last", func(m *jobtest.Memory) { m.Remove(5) }, "a b c d", ""},
	{"truncate the last", func(m *jobtest.Memory) { m.Truncate(5) }, "", ""},
	{"truncate all", func(m *jobtest.Memory) { m.Truncate(1) }, "", ""},
}

func TestMemoryThatIsDamagedSaysSo(t *testing.T) {
	for _, d := range damages {
		m := holding(t, "a", "b", "c", "d", "e")
		d.do(m)
		got, err := read(m, 1)
		if got != d.shown || !errors.Is(err, job.ErrDamaged) {
			t.Errorf("%s: got %q, %v; want %q, then %q", d.name, got, err, d.shown, job.ErrDamaged)
		}
		_, err = read(m.Crash(nil), 1)
		answers(t, d.name+", after a crash", err, job.ErrDamaged)
	}
}

func TestSilentMemoryShowsDamageThatRecordsThemselvesCanShow(t *testing.T) {
	for _, d := range damages {
		m := holding(t, "a", "b", "c", "d", "e")
		m.SetSilent(true)
		d.do(m)
		got, err := read(m, 1)
		if d.silent == "" {
			answers(t, d.name, err, job.ErrDamaged)
		} else if got != d.silent || err != nil {
			t.Errorf("%s: got %q, %v; want %q", d.name, got, err, d.silent)
		}
	}
}

func TestMemoryWithALostTailTakesNoMore(t *testing.T) {
	m := holding(t, "a", "b", "c")
	m.Truncate(3)
	for after := range uint64(5) {
		answers(t, "append", m.Append(t.Context(), after, []byte("x")), job.ErrDamaged)
	}
	for from := uint64(1); from < 6; from++ {
		_, err := read(m, from)
		answers(t, "read", err, job.ErrDamaged)
	}
}

func TestTrimmingPastTheDamageLeavesAWholeLog(t *testing.T) {
	m := holding(t, "a", "b", "c", "d")
	m.Flip(2, 0)
	m.Remove(1)
	answers(t, "trim", m.Trim(t.Context(), 3), nil)
	if got, err := read(m, 3); got != "c d" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestCrashLeavesWhatWasPromised(t *testing.T) {
	left := map[string]bool{}
	for seed := range uint64(200) {
		m := holding(t, "a", "b")
		suffers(m, jobtest.Append, jobtest.Fault{Lose: jobtest.Stored}, jobtest.Fault{Lose: jobtest.Stored}, jobtest.Fault{Lose: jobtest.Later})
		for i, rec := range []string{"c", "d", "e"} {
			answers(t, "append", m.Append(t.Context(), uint64(2+i), []byte(rec)), job.ErrUnknown)
		}
		next := m.Crash(rand.New(rand.NewPCG(seed, 0)))
		left[disk(next)] = true
		reads(t, next, disk(next))
		answers(t, "append", next.Append(t.Context(), uint64(len(next.Records())), []byte("x")), nil)
		if next.Land() != 0 {
			t.Error("what was pending arrives after the crash")
		}
		answers(t, "the old log", m.Append(t.Context(), 4, []byte("x")), job.ErrClosed)
		_, err := read(m, 1)
		answers(t, "the old log", err, job.ErrClosed)
		answers(t, "the old log", m.Close(), nil)
	}
	for _, want := range []string{"a b", "a b c", "a b c d", "a b c d e"} {
		if !left[want] {
			t.Errorf("of 200 crashes none leaves %q", want)
		}
		delete(left, want)
	}
	if len(left) > 0 {
		t.Errorf("crashes leave %v", left)
	}
}

func TestCrashWithoutChanceLosesAllThatIsUnsure(t *testing.T) {
	stored := jobtest.Fault{Lose: jobtest.Stored}
	m := holding(t, "a")
	suffers(m, jobtest.Append, stored, stored)
	_ = m.Append(t.Context(), 1, []byte("b"))
	_ = m.Append(t.Context(), 2, []byte("c"))
	m = m.Crash(nil)
	reads(t, m, "a")

	suffers(m, jobtest.Append, stored, stored)
	_ = m.Append(t.Context(), 1, []byte("b"))
	reads(t, m, "a b") // so b must stay
	_ = m.Append(t.Context(), 2, []byte("c"))
	m = m.Crash(nil)
	reads(t, m, "a b")

	suffers(m, jobtest.Append, stored)
	_ = m.Append(t.Context(), 2, []byte("c"))
	answers(t, "append", m.Append(t.Context(), 3, []byte("d")), nil) // so must c before it
	reads(t, m.Crash(nil), "a b c d")
}

func TestReopenLosesNothingAndWhatIsPendingStays(t *testing.T) {
	m := holding(t, "a")
	suffers(m, jobtest.Append, jobtest.Fault{Lose: jobtest.Stored}, jobtest.Fault{Lose: jobtest.Later})
	_ = m.Append(t.Context(), 1, []byte("b"))
	_ = m.Append(t.Context(), 2, []byte("c"))
	next := m.Reopen()
	reads(t, next, "a b")
	if next.Land() != 1 {
		t.Error("nothing was pending")
	}
	reads(t, next, "a b c")
	answers(t, "the old log", m.Append(t.Context(), 2, []byte("x")), job.ErrClosed)
}
