package sim_test

import (
	"errors"

	"github.com/hemgo/hem/job/internal/owner"
)

// A logFault is what befalls the log for a while.
type logFault uint8

const (
	failing logFault = iota // calls fail, and have no effect
	losing                  // appends are stored, and the answer is lost
	late                    // appends are unknown, and arrive afterwards, or never
	slow                    // everything takes long
	stale                   // readers do not see the newest records
	full                    // nothing can be appended
	wild                    // any of these
	low                     // there is little room
	logFaults
)

var logFaultNames = [logFaults]string{"failing", "losing answers", "late", "slow", "stale", "full", "wild", "low"}

var errLow = errors.New("sim: the log has little room")

// partialTrims lets a trim that is interrupted leave a log that begins between
// snapshots.
const partialTrims = true

// A fate is when an append arrives and is answered, and with what if that does
// not follow.
type fate struct {
	arrives int64 // negative is never
	answers int64
	err     error
	forced  bool // err is not what comes of the arrival
	stored  bool
}

func (l *disk) fate() fate {
	w := l.w
	c := w.common
	f := fate{arrives: w.now + c.between(80, 400)}
	f.answers = f.arrives + c.between(30, 200)
	switch {
	case w.now >= l.until:
	case l.faulty(slow):
		f.arrives += l.d.below(2e6)
		f.answers = f.arrives + l.d.below(1e6)
	case l.faulty(failing):
		w.tally[failedAppends]++
		f = fate{arrives: -1, answers: w.now + l.d.below(1e6), err: owner.ErrUnknown, forced: true}
	case l.faulty(losing):
		w.tally[lostAcks]++
		f.err, f.forced = owner.ErrUnknown, true
		f.answers += l.d.below(300e3)
	case l.faulty(late):
		w.tally[lateAppends]++
		f = fate{answers: w.now + l.d.between(100, 50e3), err: owner.ErrUnknown, forced: true}
		f.arrives = f.answers + l.d.below(900e3)
	case l.fault == full || l.faulty(full):
		w.tally[fullLogs]++
		f = fate{arrives: -1, answers: w.now + 200, err: owner.ErrFull, forced: true}
	}
	return f
}
