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

func small() owner.Config {
	c := config()
	c.SnapshotAfter, c.PageBytes = 2000, 200
	return c
}

// kinds writes what a record has of snapshots: b, p, e, and . for the rest.
func kinds(t *testing.T, rec []byte) (s string) {
	t.Helper()
	_, body, err := record.Open(rec)
	if err != nil {
		t.Fatal(err)
	}
	for {
		tr, ok := body.Next()
		if !ok {
			return s
		}
		l, _ := state.Look(tr)
		s += map[state.Kind]string{state.KindSnapBegin: "b", state.KindSnapPage: "p", state.KindSnapEnd: "e"}[l.Kind]
		if l.Kind == state.KindOther || l.Kind == state.KindTakeover {
			s += "."
		}
	}
}

// begin lets jobs come and go until the record that is to be appended begins a
// snapshot: of so many jobs, and a few.
func (s *shell) begin(jobs int) owner.Next {
	s.t.Helper()
	s.ask(enqueue("q", jobs))
	var r *owner.Request
	for i := range 1000 {
		if i%2 == 0 {
			r = enqueue("q", 5)
			for i := range r.Specs {
				r.Specs[i].Keep = 0
			}
			s.core.Add(r)
		} else {
			for _, id := range r.IDs {
				s.core.Add(&owner.Request{Op: owner.Cancel, Job: id})
			}
		}
		next := s.core.Decide(s.now)
		if kinds(s.t, next.Rec)[0] == 'b' {
			return next
		}
		s.run(next)
		s.core.Answered()
	}
	s.t.Fatal("no snapshot begins")
	return owner.Next{}
}

func TestASnapshotIsWrittenAndTheLogTrimmedBehindIt(t *testing.T) {
	s := own(t, newDisk(), small())
	for s.disk.first == 1 {
		s.ask(enqueue("q", 1))
		if s.disk.last() > 100 {
			t.Fatal("never trimmed")
		}
	}
	if got := kinds(t, s.disk.at(s.disk.first)); got[0] != 'b' {
		t.Errorf("the log opens with %s", got)
	}
	if got := kinds(t, s.disk.at(s.disk.last())); got[len(got)-1] != 'e' {
		t.Errorf("it was trimmed after %s", got)
	}
	sameAsReplayed(t, s)
	before := s.disk.last()
	s.sleep(1e6)
	s.decide()
	if s.disk.last() != before {
		t.Error("the next snapshot begins though nothing was logged since")
	}
	b := own(t, s.disk, small())
	b.ask(enqueue("q", 1))
	sameAsReplayed(t, b)
}

// Deciding goes on between the pages, and what it changes was saved before.
func TestPagesShareRecordsWithRequests(t *testing.T) {
	s := own(t, newDisk(), small())
	w := s.session()
	c := claim(w, 20)
	s.ask(c, enqueue("q", 20))
	next := s.begin(20)
	for i := 0; s.disk.first == 1; i++ {
		s.run(next)
		s.core.Add(about(owner.Complete, c, i))
		next = s.core.Decide(s.now)
		if s.disk.first == 1 && len(kinds(t, next.Rec)) < 2 {
			t.Errorf("a record has %s", kinds(t, next.Rec))
		}
		if i < 18 && i%5 == 0 {
			s.run(next)
			s.core.Add(enqueue("q", 1))
			next = s.core.Decide(s.now)
		}
	}
	s.run(next)
	sameAsReplayed(t, s)
}

// A record is trimmed only when the end of its snapshot is known to be stored.
func TestTheLogIsTrimmedWhenTheEndHasLandedAndNoSooner(t *testing.T) {
	s := own(t, newDisk(), small())
	for next := s.begin(30); ; next = s.core.Decide(s.now) {
		if next.Trim != 0 {
			t.Fatal("trims before the append")
		}
		ends := kinds(t, next.Rec)
		next = s.core.Appended(s.now, owner.ErrUnknown)
		if next.Trim != 0 {
			t.Fatal("trims though the outcome is unknown")
		}
		if next = s.core.Appended(s.now, s.disk.append(next.After, next.Rec)); next.Trim != 0 {
			if ends[len(ends)-1] != 'e' || kinds(t, s.disk.at(next.Trim))[0] != 'b' {
				t.Fatalf("trims to %d after %s", next.Trim, ends)
			}
			return
		}
	}
}

func TestATakeoverAbandonsTheSnapshotAndBeginsAnother(t *testing.T) {
	d := newDisk()
	s := own(t, d, small())
	s.run(s.begin(30))
	s.run(s.core.Decide(s.now))
	if d.first != 1 {
		t.Fatal("the snapshot is complete")
	}
	b := own(t, d, small())
	b.decide()
	if d.first == 1 {
		t.Fatal("no other snapshot")
	}
	sameAsReplayed(t, b)
}

func TestATakeoverTrimsWhatTheOwnerBeforeDidNot(t *testing.T) {
	d := newDisk()
	s := own(t, d, small())
	s.run(s.begin(30))
	s.decide()
	want := d.first
	if want == 1 {
		t.Fatal("no snapshot")
	}
	d.first = 1 // the owner crashed before it could
	b := own(t, d, small())
	if d.first != want {
		t.Errorf("trimmed to %d, not %d", d.first, want)
	}
	sameAsReplayed(t, b)
}

func TestALogThatIsLowIsMadeShorterOnce(t *testing.T) {
	for name, low := range map[string]func(s *shell){
		"low": func(s *shell) { s.core.Low(errors.New("little")) },
		"full": func(s *shell) {
			s.core.Add(enqueue("q", 1))
			s.core.Decide(s.now)
			s.run(s.core.Appended(s.now, owner.ErrFull))
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := small()
			c.SnapshotAfter = 0
			s := own(t, newDisk(), c)
			s.ask(enqueue("q", 10))
			low(s)
			s.decide()
			if s.disk.first == 1 {
				t.Fatal("no snapshot")
			}
			sameAsReplayed(t, s)
			before := s.disk.last()
			s.decide()
			s.sleep(1e6)
			s.decide()
			if s.disk.last() != before {
				t.Error("another, though nothing was logged since")
			}
		})
	}
}

// Pages must not keep large requests out of records, nor these them.
func TestNeitherPagesNorLargeRequestsStarve(t *testing.T) {
	c := small()
	c.Limits.Bytes = 1 << 30
	s := own(t, newDisk(), c)
	next := s.begin(30)
	for range 30 {
		r := enqueue("large", 2)
		r.Specs[0].Input = bytes.Repeat([]byte("x"), 255<<10)
		r.Specs[1].Input = r.Specs[0].Input
		s.core.Add(r)
	}
	var log []string
	for records := 0; s.disk.first == 1; records++ {
		if records == 60 {
			t.Fatalf("no snapshot in %d records: %q", records, log)
		}
		s.run(next)
		for range s.core.Answered() {
			log = append(log, "large")
		}
		next = s.core.Decide(s.now)
		log = append(log, kinds(t, next.Rec))
	}
	s.run(next)
	if got := strings.Count(strings.Join(log, " "), "large"); got < 15 {
		t.Errorf("%d large requests in %q", got, log)
	}
	s.decide()
	sameAsReplayed(t, s)
}

// What transitions touch is saved in memory until it is in a page: so it must
// not pile up.
func TestARecordHasMorePagesWhenMuchWaits(t *testing.T) {
	s := own(t, newDisk(), small())
	next := s.begin(90)
	for id := uint64(1); id <= 90; id++ {
		s.core.Add(&owner.Request{Op: owner.Cancel, Job: id})
	}
	s.run(next)
	next = s.core.Decide(s.now)
	if got := strings.Count(kinds(t, next.Rec), "p"); got < 10 {
		t.Errorf("%d pages", got)
	}
	s.run(next)
	s.decide()
	sameAsReplayed(t, s)
}

// What cannot be written must not be begun, and what must be written later needs
// its room kept.
func TestALogWithoutRoomForASnapshotTakesNoJobsAndBeginsNone(t *testing.T) {
	s := own(t, newDisk(), small())
	s.ask(enqueue("q", 10))
	waits := wait(enqueue("small", 1))
	s.core.Left(1 << 20)
	s.core.Add(waits)
	s.decide()
	s.want(waits, "enqueue: room is low: the log takes 1048576 bytes more, and "+numberIn(waits.Err)+" are kept for a snapshot of the jobs that are there")
	s.core.Answered()
	s.wantAll(s.ask(cancel(1)...), "cancel")
	s.core.Low(errors.New("little"))
	s.decide()
	if s.disk.first != 1 || strings.Contains(kinds(t, s.disk.at(s.disk.last())), "b") {
		t.Fatal("a snapshot has begun, for which there is no room")
	}
	s.core.Low(nil)
	s.core.Left(10 << 20)
	s.wantAll(s.ask(enqueue("q", 1)), "enqueue 11")
	s.core.Left(-1)
	s.run(s.begin(30))
	s.decide()
	if s.disk.first == 1 {
		t.Fatal("no snapshot, although there is room")
	}
	sameAsReplayed(t, s)
}

// numberIn is the second number in an error's text.
func numberIn(err error) string {
	words := strings.Fields(err.Error())
	for i, w := range words {
		if w == "and" {
			return words[i+1]
		}
	}
	return "?"
}
