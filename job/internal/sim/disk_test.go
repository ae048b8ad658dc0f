package sim_test

import (
	"bytes"
	"slices"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/record"
)

// A disk is a log with the contract of job.Log, in steps: what is sent arrives
// at some time and is answered at another. It throws nothing away: first says
// what a reader still sees.
//
//	D1. durable is at most last, and never less than a record whose append was
//	    answered well, or that anybody has read.
//	D2. A cut of the power takes away records after durable only.
type disk struct {
	w       *world
	all     []entry // record n is all[n-1]
	first   uint64
	before  uint64 // an older first, for stale bounds
	durable uint64
	age     int // cuts so far; what was sent before one never arrives

	fault  logFault
	until  int64
	d      *dice // of the fault
	room   int64 // while low, the bytes that are left; negative: it is said in words
	sent   int   // appends so far
	broken diskMutant
}

// A diskMutant is a way in which a log breaks its contract.
type diskMutant struct {
	losesAcked bool // a cut of the power takes what was acknowledged
	noCompare  bool // it appends whatever the predecessor
	trimsMore  bool // one record more is forgotten
}

type entry struct {
	rec  []byte
	term uint64
}

func (l *disk) last() uint64 { return uint64(len(l.all)) }

// faulty reports whether a fault is on, and befalls this call.
func (l *disk) faulty(f logFault) bool {
	return l.w.now < l.until && (l.fault == f || l.fault == wild && logFault(l.d.below(int64(wild))) == f) && l.d.percent(60)
}

// append stores rec as the record after+1. answer is called when the sender
// learns of the outcome, and never if it has died.
func (l *disk) append(s *shell, after uint64, rec []byte, answer func(error)) {
	l.sent++
	f := l.fate()
	age := l.age
	if f.arrives >= 0 {
		l.w.at(f.arrives, func() { l.arrive(s, age, after, rec, &f, 0) })
	}
	l.w.at(f.answers, func() {
		if age != l.age || f.err == nil && !f.stored {
			f.err = owner.ErrUnknown
		}
		if f.err == nil {
			l.durable = max(l.durable, after+1)
		}
		s.hear(func() { answer(f.err) })
	})
}

// arrive is when what was sent comes to the disk, unless the power was cut, or
// its sender is asleep and had not really sent it, or has died before it could.
func (l *disk) arrive(s *shell, age int, after uint64, rec []byte, f *fate, waits int) {
	switch {
	case age != l.age:
		return
	case s.dead && s.buried:
		return
	case s.paused && f.forced && waits < 100:
		l.w.after(50e3, func() { l.arrive(s, age, after, rec, f, waits+1) })
		return
	case after != l.last() && !l.broken.noCompare:
		if !f.forced {
			f.err = owner.ErrConflict
		}
		if l.w.telling {
			l.w.tell("log: record %d of %v is in conflict, the last is %d", after+1, s, l.last())
		}
		return
	}
	l.store(s, rec)
	f.stored = true
	if f.forced {
		l.w.tally[lateLanded]++
	}
}

func (l *disk) store(s *shell, rec []byte) {
	h, body, err := record.Open(rec)
	if err != nil {
		l.w.breaks(oneOwner, "%v appends what is no record: %v", s, err)
	}
	if n := len(l.all); n > 0 && h.Term < l.all[n-1].term {
		l.w.breaks(oneOwner, "%v appends to term %d as record %d, after one of term %d", s, h.Term, n+1, l.all[n-1].term)
	}
	l.all = append(l.all, entry{rec, h.Term})
	l.w.tally[records]++
	if l.w.telling {
		l.w.tell("log: record %d of %v: %s", l.last(), s, describe(h, body))
	}
}

// look gives the record seq, nil if there is none that this reader sees.
func (l *disk) look(s *shell, seq uint64, answer func([]byte, error)) {
	l.w.tally[looks]++
	l.w.after(l.w.common.between(50, 3000), func() {
		var rec []byte
		var err error
		switch {
		case l.faulty(failing):
			err = owner.ErrUnknown
		case seq < l.first:
			err = owner.ErrTrimmed
		case seq > l.last():
		case l.faulty(stale):
			l.w.tally[staleLooks]++
		default:
			rec = l.all[seq-1].rec
			l.durable = max(l.durable, seq)
		}
		s.hear(func() { answer(rec, err) })
	})
}

// read returns the last record that a reader from from on sees. What it has seen
// stays.
func (l *disk) read(from uint64) (last uint64, err error) {
	switch {
	case l.faulty(failing):
		return 0, owner.ErrUnknown
	case from < l.first:
		return 0, owner.ErrTrimmed
	case from > l.last()+1:
		return 0, owner.ErrDamaged
	}
	last = l.last()
	if l.faulty(stale) {
		l.w.tally[staleReads]++
		last = max(last-min(last, uint64(l.d.between(1, 3))), from-1)
	}
	l.durable = max(l.durable, last)
	return last, nil
}

// bounds returns the first record there is, or was.
func (l *disk) bounds() (first uint64, err error) {
	switch {
	case l.faulty(failing):
		return 0, owner.ErrUnknown
	case l.faulty(stale) && l.before > 0:
		return l.before, nil
	}
	return l.first, nil
}

// low is why there is little room, if the log says so.
func (l *disk) low() error {
	if l.w.now < l.until && l.fault == low && l.room < 0 {
		return errLow
	}
	return nil
}

// left is how many bytes there is room for, negative if that is not known.
func (l *disk) left() int64 {
	if l.w.now < l.until && l.fault == low {
		return l.room
	}
	return -1
}

// trim forgets the records before before, some at a time.
func (l *disk) trim(before uint64) {
	if before > l.last() {
		return // conflict
	}
	if l.broken.trimsMore {
		before++
	}
	l.w.after(l.w.common.between(100, 20e3), func() { l.trimStep(before) })
}

func (l *disk) trimStep(before uint64) {
	if before <= l.first {
		return
	}
	if l.w.telling {
		l.w.tell("log: records before %d are trimmed", before)
	}
	step := before
	if partialTrims {
		step = min(before, l.first+uint64(l.w.common.between(1, 8)))
	}
	if !l.w.over && l.w.common.one(12) {
		l.w.tally[trimsCut]++
		if !partialTrims {
			return
		}
	} else if step < before {
		l.w.after(l.w.common.between(100, 5e3), func() { l.trimStep(before) })
	}
	l.before, l.first = l.first, step
	l.w.tally[trims]++
}

// cut takes the power away: records that nobody was told of may be gone.
func (l *disk) cut(d *dice) {
	l.age++
	keep := l.durable + uint64(d.below(int64(l.last()-l.durable)+1))
	if l.broken.losesAcked {
		keep = max(l.durable-min(l.durable, uint64(d.between(1, 2))), l.first)
		l.durable = min(l.durable, keep)
	}
	l.w.tally[powerCuts]++
	l.w.tally[recordsCut] += int64(l.last() - keep)
	if l.w.telling {
		l.w.tell("log: the power fails; records after %d are gone, of %d", keep, l.last())
	}
	l.all = slices.Delete(l.all, int(keep), len(l.all))
}

// clone returns rec's bytes, those that were sent last if they are the same.
func (s *shell) clone(rec []byte) []byte {
	if !bytes.Equal(rec, s.sent) {
		s.sent = bytes.Clone(rec)
	}
	return s.sent
}
