package owner_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/hemgo/hem/job/internal/owner"
)

// What can happen to a record that is sent, step by step. In a script:
//
//	land      the append reaches the log
//	another   another owner's record comes to its place
//	ok, conflict, full, unknown, odd, large, closed, damaged
//	          what the append is answered
//	same, other, absent, trimmed, error, shut
//	          what looking finds
//	end       the shell gives up
//
// and what the Core asks for in between: Append and Look, with ~ for a pause.
func TestOutcomesOfARecord(t *testing.T) {
	for _, test := range []struct{ script, asks, answer string }{
		{"land ok", "Append Idle", "enqueue 1"},
		{"conflict", "Append Ended", "enqueue lost, may have happened: false"},
		{"unknown land ok", "Append ~Append Idle", "enqueue 1"},
		{"odd land ok", "Append ~Append Idle", "enqueue 1"},
		{"land unknown conflict same", "Append ~Append Look Idle", "enqueue 1"},
		{"unknown another conflict other", "Append ~Append Look Ended", "enqueue lost, may have happened: false"},
		{"unknown conflict absent land conflict same", "Append ~Append Look ~Append Look Idle", "enqueue 1"},
		{"unknown conflict absent land ok", "Append ~Append Look ~Append Idle", "enqueue 1"},
		{"unknown conflict error same", "Append ~Append Look ~Look Idle", "enqueue 1"},
		{"unknown conflict trimmed", "Append ~Append Look Ended", "enqueue lost, may have happened: true"},
		{"unknown conflict shut", "Append ~Append Look Ended", "enqueue lost, may have happened: true"},
		{"unknown conflict rotten", "Append ~Append Look Ended", "enqueue lost, may have happened: true"},
		{"full full land ok", "Append ~Append ~Append Idle", "enqueue 1"},
		{"full conflict", "Append ~Append Ended", "enqueue lost, may have happened: false"},
		{"unknown full conflict same", "Append ~Append ~Append Look Idle", "enqueue 1"},
		{"large", "Append Ended", "enqueue lost, may have happened: false"},
		{"unknown large", "Append ~Append Ended", "enqueue lost, may have happened: true"},
		{"closed", "Append Ended", "enqueue lost, may have happened: true"},
		{"damaged", "Append Ended", "enqueue lost, may have happened: true"},
		{"end", "Append Ended", "enqueue lost, may have happened: true"},
		{"unknown conflict end", "Append ~Append Look Ended", "enqueue lost, may have happened: true"},
	} {
		t.Run(test.script, func(t *testing.T) {
			asks, answer := play(t, test.script)
			if asks != test.asks {
				t.Errorf("asks %s\nwant %s", asks, test.asks)
			}
			if answer != test.answer {
				t.Errorf("answer %s\nwant   %s", answer, test.answer)
			}
		})
	}
}

func play(t *testing.T, script string) (asks, answer string) {
	s := own(t, newDisk(), config())
	r := enqueue("q", 1)
	s.core.Add(r)
	next := s.core.Decide(s.now)
	sent, after := bytes.Clone(next.Rec), next.After
	var all []string
	note := func() {
		pause := ""
		if next.Pause > 0 {
			pause = "~"
		}
		all = append(all, pause+map[owner.Do]string{owner.Idle: "Idle", owner.Append: "Append", owner.Look: "Look", owner.Ended: "Ended"}[next.Do])
		if next.Do == owner.Append && (next.After != after || !bytes.Equal(next.Rec, sent)) {
			t.Error("other bytes are sent again, or elsewhere")
		}
		if next.Do == owner.Look && next.After != after {
			t.Error("looks elsewhere")
		}
		if early := s.core.Answered(); next.Do != owner.Idle && next.Do != owner.Ended && len(early) > 0 {
			t.Errorf("told too early: %s", told(early))
		}
	}
	note()
	for step := range strings.FieldsSeq(script) {
		appended := func(err error) { next = s.core.Appended(s.now, err) }
		looked := func(rec []byte, err error) { next = s.core.Looked(s.now, rec, err) }
		switch step {
		case "land":
			s.disk.append(after, sent)
			continue
		case "another":
			s.disk.append(after, []byte("another's"))
			continue
		case "ok":
			appended(nil)
		case "conflict":
			appended(owner.ErrConflict)
		case "full":
			appended(owner.ErrFull)
		case "unknown":
			appended(owner.ErrUnknown)
		case "odd":
			appended(errors.New("whatever"))
		case "large":
			appended(owner.ErrTooLarge)
		case "closed":
			appended(owner.ErrClosed)
		case "damaged":
			appended(owner.ErrDamaged)
		case "same":
			looked(sent, nil)
		case "other":
			looked([]byte("another's"), nil)
		case "absent":
			looked(nil, nil)
		case "trimmed":
			looked(nil, owner.ErrTrimmed)
		case "error":
			looked(nil, owner.ErrUnknown)
		case "shut":
			looked(nil, owner.ErrClosed)
		case "rotten":
			looked(nil, owner.ErrDamaged)
		case "end":
			s.core.End(owner.ErrClosed)
			next = s.core.Decide(s.now)
		default:
			t.Fatalf("step %q", step)
		}
		note()
	}
	return strings.Join(all, " "), tell(r)
}

// Only what the record in flight carries is uncertain when it is.
func TestADeposedOwnerSaysOfEachRequestWhetherItMayHaveHappened(t *testing.T) {
	s := own(t, newDisk(), config())
	w := s.session()
	again := enqueue("q", 1)
	again.Request.Client, again.Request.N, again.Request.Low = s.client(), 1, 1
	s.ask(again)
	s.ask(wait(claim(w, 1)), claim(w, 1))
	waits := wait(&owner.Request{Op: owner.Claim, Session: w, Filter: stateFilter("nothing")})
	s.ask(waits)
	repeat := &owner.Request{Op: owner.Enqueue, Specs: again.Specs, Request: again.Request}
	flies, refused, read := enqueue("q", 1), &owner.Request{Op: owner.Cancel, Job: 99}, &owner.Request{Op: owner.Counts}
	for _, r := range []*owner.Request{repeat, flies, refused, read} {
		s.core.Add(r)
	}
	s.core.Decide(s.now)
	undecided := enqueue("q", 1)
	s.core.Add(undecided)
	s.core.Appended(s.now, owner.ErrUnknown)
	s.core.End(owner.ErrClosed)
	late := enqueue("q", 1)
	s.core.Add(late)
	for _, test := range []struct {
		r    *owner.Request
		want string
	}{
		{repeat, "enqueue lost, may have happened: true"},
		{flies, "enqueue lost, may have happened: true"},
		{refused, "cancel lost, may have happened: false"},
		{read, "counts lost, may have happened: false"},
		{waits, "claim lost, may have happened: false"},
		{undecided, "enqueue lost, may have happened: false"},
		{late, "enqueue lost, may have happened: false"},
	} {
		s.want(test.r, test.want)
		if !errors.Is(test.r.Err, owner.ErrClosed) {
			t.Errorf("%v", test.r.Err)
		}
	}
	if n := len(s.core.Answered()); n != 7 {
		t.Errorf("%d answered", n)
	}
	if next := s.core.Decide(s.now); next.Do != owner.Ended || next.Err != owner.ErrClosed {
		t.Errorf("%+v", next)
	}
	if next := s.core.Appended(s.now, nil); next.Do != owner.Ended {
		t.Errorf("%+v", next)
	}
}
