package owner_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/record"
	"github.com/hemgo/hem/job/internal/state"
)

// sameAsReplayed holds the state of an owner, which has nothing in flight, to
// what its log says: read from the beginning, and from where it is trimmed to.
func sameAsReplayed(t *testing.T, s *shell) {
	t.Helper()
	want := s.canonical()
	for _, first := range []uint64{1, s.disk.first} {
		r := read(t, s.disk, config(), first)
		if r.core.State() == nil {
			t.Fatalf("read from record %d of %d, the log opens with no complete snapshot", first, s.disk.last())
		}
		if got := r.canonical(); !bytes.Equal(got, want) {
			t.Fatalf("read from record %d of %d, the state is another than the owner's", first, s.disk.last())
		}
		if r.core.Last() != s.disk.last() {
			t.Fatalf("read to record %d of %d", r.core.Last(), s.disk.last())
		}
	}
}

func TestATakeoverTriesAgainAfterWhatOthersHaveWritten(t *testing.T) {
	d := newDisk()
	a, b := read(t, d, config(), 1), read(t, d, config(), 1)
	first, _ := a.core.TakeOver(a.now)
	a.run(first)
	a.ask(enqueue("q", 1))

	next, _ := b.core.TakeOver(b.now)
	next = b.core.Appended(b.now, d.append(next.After, next.Rec))
	if next.Do != owner.ReadOn || next.After != 0 {
		t.Fatalf("%v after %d", next.Do, next.After)
	}
	if next = b.run(next); next.Do != owner.Idle {
		t.Fatalf("%v %v", next.Do, next.Err)
	}
	b.decide()
	sameAsReplayed(t, b)

	r := enqueue("q", 1)
	a.ask(r)
	a.want(r, "enqueue lost, may have happened: false")
	if !errors.Is(r.Err, owner.ErrDeposed) {
		t.Errorf("%v", r.Err)
	}
}

func TestATakeoverInConflictWithAStaleReaderPauses(t *testing.T) {
	d := newDisk()
	own(t, d, config())
	s := &shell{t: t, disk: d, core: owner.New(config())}
	next, _ := s.core.TakeOver(s.now)
	if next.Pause != 0 {
		t.Error("pauses before the first")
	}
	s.core.Appended(s.now, d.append(next.After, next.Rec))
	if next, _ = s.core.TakeOver(s.now); next.Pause == 0 {
		t.Error("no pause although nothing was read")
	}
	s.core.Appended(s.now, owner.ErrConflict)
	s.readOn(1)
	if next, _ = s.core.TakeOver(s.now); next.Pause != 0 {
		t.Error("pauses although something was read")
	}
}

func TestATakeoverOfUnknownOutcomeIsLookedFor(t *testing.T) {
	for _, landed := range []bool{true, false} {
		d := newDisk()
		s := read(t, d, config(), 1)
		next, _ := s.core.TakeOver(s.now)
		sent := bytes.Clone(next.Rec)
		if landed {
			d.append(0, next.Rec)
		} else {
			own(t, d, config())
		}
		next = s.core.Appended(s.now, owner.ErrUnknown)
		if next.Do != owner.Append || !bytes.Equal(next.Rec, sent) || next.Pause == 0 {
			t.Fatalf("landed %v: %v", landed, next.Do)
		}
		next = s.core.Appended(s.now, d.append(next.After, next.Rec))
		if next.Do != owner.Look {
			t.Fatalf("landed %v: %v", landed, next.Do)
		}
		next = s.core.Looked(s.now, d.at(next.After+1), nil)
		if want := map[bool]owner.Do{true: owner.Idle, false: owner.ReadOn}[landed]; next.Do != want {
			t.Fatalf("landed %v: %v", landed, next.Do)
		}
		s.run(next)
		s.decide()
		sameAsReplayed(t, s)
	}
}

func TestATakeoverEndsTheSessionsBefore(t *testing.T) {
	d := newDisk()
	a := own(t, d, config())
	w := a.session()
	a.ask(enqueue("q", 1), claim(w, 1))
	b := own(t, d, config())
	b.wantAll(b.ask(claim(w, 1)), "claim: "+state.ErrNoSession.Error())
	w = b.session()
	b.wantAll(b.ask(claim(w, 1)), "claim 1/2")
}

func TestWhatConfigHasDifferentlyIsLoggedOnce(t *testing.T) {
	d := newDisk()
	c := config()
	c.Queues = map[string]state.Queue{"a": {Depth: 1}, "b": {Depth: 2}}
	own(t, d, c)
	c = config()
	c.Queues = map[string]state.Queue{"b": {Depth: 3}, "c": {Depth: 4}}
	c.Limits.Jobs = 50
	s := own(t, d, c)
	if got := s.core.State().Queues(); len(got) != 2 || got["b"].Depth != 3 || got["c"].Depth != 4 {
		t.Errorf("depths %v", got)
	}
	if s.core.State().Limits() != c.Limits {
		t.Errorf("limits %v", s.core.State().Limits())
	}
	before := d.last()
	c.Owner, c.Log = config().Owner, config().Log
	own(t, d, c)
	if n := d.last() - before; n != 1 {
		t.Errorf("%d records of a takeover that changes nothing", n)
	}
	sameAsReplayed(t, s)
}

// A record holds some five thousand queues with long names.
func TestSettingsThatNoRecordHoldsComeBeforeAnyRequest(t *testing.T) {
	c := config()
	c.Queues = map[string]state.Queue{}
	for i := range 10_000 {
		c.Queues[strings.Repeat(string(rune('a'+i%26)), 100)+string(rune('A'+i))] = state.Queue{Depth: 1}
	}
	c.Queues["q"] = state.Queue{Depth: 1}
	d := newDisk()
	s := read(t, d, c, 1)
	next, err := s.core.TakeOver(s.now)
	if err != nil {
		t.Fatal(err)
	}
	s.run(next)
	s.wantAll(s.ask(enqueue("q", 2)), `enqueue full: "q" 1 of 1`)
	if got := len(s.core.State().Queues()); got != len(c.Queues) {
		t.Errorf("%d depths of %d", got, len(c.Queues))
	}
	sameAsReplayed(t, s)
}

func TestAWrongConfigIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	for name, change := range map[string]func(*owner.Config){
		"limits": func(c *owner.Config) { c.Limits.Jobs = -1 },
		"depth":  func(c *owner.Config) { c.Queues = map[string]state.Queue{"q": {Depth: -1}} },
		"name":   func(c *owner.Config) { c.Queues = map[string]state.Queue{"": {Depth: 1}} },
	} {
		c := config()
		change(&c)
		if _, err := owner.New(c).TakeOver(owner.Time{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A forger writes records as no owner does.
type forger struct {
	d *disk
	h record.Header
	c record.Chain
}

func newForger() *forger {
	f := &forger{d: newDisk()}
	f.h = record.Header{Log: record.ID{1}, Owner: record.ID{2}, Term: 1, Now: 1e6}
	return f
}

func (f *forger) write(ts ...[]byte) *forger {
	last, _, sum := f.c.Last()
	f.h.Seq, f.h.Prev = last+1, sum
	rec := record.Begin(nil, f.h)
	for _, t := range ts {
		rec = record.Add(rec, t)
	}
	rec = record.Finish(rec)
	f.c.Stored(f.h, rec)
	f.d.records = append(f.d.records, rec)
	return f
}

func (f *forger) term(n uint64) *forger {
	f.h.Term, f.h.Owner = n, record.ID{2, byte(n)}
	return f
}

func TestWhatNoOwnerWritesIsDamage(t *testing.T) {
	takes, begins, advances := state.AppendTakeover(nil), state.AppendSnapBegin(nil), state.AppendAdvance(nil)
	page := func(begin, n uint64) []byte { return state.AppendSnapPage(nil, begin, n, []byte{1}) }
	ends := func(begin, n uint64) []byte { return state.AppendSnapEnd(nil, begin, n) }
	whole := wholeSnapshot(t)
	for _, test := range []struct {
		log   *forger
		first uint64
		want  string
	}{
		{newForger().write(advances), 1, "record 1, transition 1: it is the first of a new term, but no takeover"},
		{newForger().term(2).write(takes), 1, "record 1: its term is 2, and that before it 0"},
		{newForger().write(takes).term(2).write(advances), 1, "record 2, transition 1: it is the first of a new term"},
		{newForger().write(takes).term(3).write(takes), 1, "record 2: its term is 3, and that before it 1"},
		{newForger().write(takes).write(takes), 1, "record 2, transition 1: it is a takeover, but no new term"},
		{newForger().write(takes).write(advances, takes), 1, "record 2, transition 2: it is a takeover, but not the first"},
		{newForger().write(takes, state.AppendCancel(nil, 1, nil)), 1, "record 1, transition 2: it is refused: " + state.ErrNoJob.Error()},
		{newForger().write(takes, []byte{200}), 1, "record 1, transition 2: it is refused: " + state.ErrUnknown.Error() + "; update this program"},
		{newForger().write(takes, []byte{0}), 1, "record 1, transition 2: it is refused: " + state.ErrMalformed.Error()},
		{newForger().write(takes, begins), 1, "transition 2: it begins a snapshot, but is not the first"},
		{newForger().write(takes).write(begins).write(begins), 1, "record 3, transition 1: it begins a snapshot while that of record 2"},
		{newForger().write(takes).write(page(1, 0)), 1, "it is page 0 of the snapshot of record 1"},
		{newForger().write(takes).write(begins, page(2, 1)), 1, "it is page 1 of the snapshot of record 2, not page 0"},
		{newForger().write(takes).write(begins, page(2, 0), ends(2, 2)), 1, "it ends the snapshot of record 2 after 2 pages, not that of record 2 after 1"},
		{newForger().write(takes).write(begins, ends(2, 0)), 1, "it ends the snapshot of record 2 after 0 pages"},
		{newForger().write(takes).write(begins).term(2).write(takes).write(page(2, 0)), 1, "it is page 0 of the snapshot of record 2"},
		{newForger().write(takes).write(begins, page(2, 0)), 2, "record 2, transition 2: it is a page of a snapshot, which is refused"},
		{newForger().write(takes).write(begins, state.AppendSnapPage(nil, 2, 0, whole), ends(2, 1), state.AppendCancel(nil, 1, nil)), 2,
			"record 2, transition 4: it is refused: " + state.ErrNoJob.Error()},
		{newForger().write(takes).write(begins).write(advances, state.AppendSnapPage(nil, 2, 0, whole), state.AppendCancel(nil, 1, nil)).write(ends(2, 1)), 2,
			"record 3, transition 3: it is refused: " + state.ErrNoJob.Error()},
	} {
		c := owner.New(config())
		c.Start(test.first)
		err := error(nil)
		for seq := test.first; seq <= test.log.d.last() && err == nil; seq++ {
			err = c.Replay(seq, test.log.d.at(seq))
		}
		var d *owner.DamageError
		if !errors.As(err, &d) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v\nis not %s", err, test.want)
			continue
		}
		if d.Newer != strings.Contains(err.Error(), "update") || d.Newer == strings.Contains(err.Error(), "backup") {
			t.Errorf("what to do: %v", err)
		}
		if _, again := c.TakeOver(owner.Time{}); again != err {
			t.Errorf("it was taken over: %v", again)
		}
	}
}

// wholeSnapshot is that of the state that a forger has.
func wholeSnapshot(t *testing.T) []byte {
	s := state.New()
	s.Begin(1e6)
	b, _ := s.Snapshot().Next(nil, 1<<20)
	return b
}

func TestATrimmedLogWithoutACompleteSnapshotIsNotTakenOver(t *testing.T) {
	takes, begins := state.AppendTakeover(nil), state.AppendSnapBegin(nil)
	for _, f := range []*forger{
		newForger().write(takes).write(begins),
		newForger().write(takes).write(state.AppendAdvance(nil)),
		newForger().write(takes).write(begins).term(2).write(takes),
	} {
		s := read(t, f.d, config(), 2)
		var d *owner.DamageError
		if _, err := s.core.TakeOver(s.now); !errors.As(err, &d) || d.Seq != 2 {
			t.Errorf("%v", err)
		}
	}
}

// A trim goes in steps, and the log may end up with any number of them: records
// before the snapshot, pages and the end of the one before, a snapshot that a
// takeover abandoned.
func TestATrimThatWasInterruptedLeavesALogThatCanBeRead(t *testing.T) {
	d := newDisk()
	s := own(t, d, small())
	s.run(s.begin(20)) // a snapshot that is abandoned
	s.run(s.core.Decide(s.now))
	if d.first != 1 {
		t.Fatal("the snapshot is complete")
	}
	s = own(t, d, small())
	for range 2 {
		s.run(s.begin(20))
		s.decide()
	}
	if d.first == 1 {
		t.Fatal("no snapshot")
	}
	want := s.canonical()
	for first := uint64(1); first <= d.first; first++ {
		b := read(t, d, config(), first)
		if b.core.State() == nil || !bytes.Equal(b.canonical(), want) {
			t.Errorf("from record %d of %d: it gives another state", first, d.first)
		}
	}
}

func TestADamagedRecordIsNamed(t *testing.T) {
	s := own(t, newDisk(), config())
	s.ask(enqueue("q", 1))
	s.disk.records[1][20] ^= 1
	c := owner.New(config())
	var err error
	for seq := uint64(1); seq <= s.disk.last() && err == nil; seq++ {
		err = c.Replay(seq, s.disk.at(seq))
	}
	if want := "owner: record 2: its checksum is wrong; restore the directory of the log from a backup"; err == nil || err.Error() != want {
		t.Fatalf("%v", err)
	}
}

// Whatever transitions a record has, replaying it is an error at worst.
func FuzzReplay(f *testing.F) {
	f.Add(uint8(0), []byte{1, 1, 13, 1, 15})
	f.Add(uint8(1), []byte{1, 1, 0, 1, 15, 1, 13})
	f.Fuzz(func(t *testing.T, trimmed uint8, b []byte) {
		g := newForger()
		var ts [][]byte
		for len(b) > 0 {
			n := int(b[0])
			b = b[1:]
			if n == 0 || n > len(b) {
				if len(ts) > 0 {
					g.write(ts...)
				}
				ts = nil
				continue
			}
			ts = append(ts, b[:n])
			b = b[n:]
		}
		if len(ts) > 0 {
			g.write(ts...)
		}
		first := uint64(1 + trimmed%2)
		c := owner.New(config())
		c.Start(first)
		for seq := first; seq <= g.d.last(); seq++ {
			if c.Replay(seq, g.d.at(seq)) != nil {
				return
			}
		}
		c.TakeOver(owner.Time{})
	})
}
