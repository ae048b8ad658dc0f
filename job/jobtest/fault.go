package jobtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hemgo/hem/job"
)

// A Verb is a method of [job.Log].
type Verb uint8

// The methods that a fault can befall: all but Close.
const (
	Append Verb = iota + 1
	Read
	Bounds
	Trim
)

// An Op is a call of a Memory, which a fault may befall.
type Op struct {
	Verb  Verb
	N     int    // of calls with this Verb, this is the Nth; from 1
	Seq   uint64 // the record to append, to read from, or to trim before
	Bytes int    // of the record to append
}

// A Fault is what befalls a call. The zero value is nothing.
type Fault struct {
	// Wait is how long the call waits before it does anything, and Lag how long
	// before it answers what it did. If its context ends first, an Append is
	// ErrUnknown: without effect in the one case, and stored in the other.
	Wait time.Duration
	Lag  time.Duration

	// Err is the answer to the call, which has no effect, save that a Read
	// shows Steps records first and a Trim forgets Steps.
	Err   error
	Steps uint64

	// Lose makes the answer to an Append ErrUnknown, and says what becomes of
	// the record.
	Lose Lose

	// Stale is how many of the newest records Bounds and Read do not know of
	// yet, as on a replica that lags; first lags as far. Read never ends before
	// the record it was to begin with for it. That is more than a Log may do:
	// it is for owners, who must not trust what they read until an Append of
	// theirs after it was acknowledged.
	Stale uint64
}

// A Lose says what becomes of a record whose Append is answered ErrUnknown.
type Lose uint8

// What becomes of the record. The zero value is that the answer is not lost.
const (
	Never  Lose = iota + 1 // it was lost: it is not stored and never will be
	Stored                 // it is stored, and only the answer was lost
	Soon                   // it arrives just before the next Append does
	Later                  // it arrives when Land is called
)

var errLost = errors.New("the answer was lost")

// Faults makes f decide what befalls each call from now on; nil is nothing. One
// goroutine at a time calls f, before the call has had any effect, so a source
// of random numbers needs no lock. f may use all of the Memory but the methods
// of job.Log: it may Land what is pending, in any order, damage records, or
// Crash the Memory, which the call then finds crashed.
func (m *Memory) Faults(f func(Op) Fault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = f
}

func (m *Memory) ask(faults func(Op) Fault, op Op) Fault {
	asked := false
	defer func() {
		if !asked { // it panicked, or failed its test: Close must not wait for this call
			m.leave()
		}
	}()
	m.consult.Lock()
	defer m.consult.Unlock()
	f := faults(op)
	if f.Lose != 0 && (op.Verb != Append || f.Err != nil || f.Lose > Later) {
		panic(fmt.Sprintf("jobtest: a Fault with Lose is for Append, without Err: %+v for %+v", f, op))
	}
	asked = true
	return f
}

// Script returns a function for [Memory.Faults]: the first call with the verb
// suffers the first fault, the second the second, until there are no more.
func Script(v Verb, faults ...Fault) func(Op) Fault {
	return func(op Op) Fault {
		if op.Verb != v || len(faults) == 0 {
			return Fault{}
		}
		f := faults[0]
		faults = faults[1:]
		return f
	}
}

// Random returns a function for [Memory.Faults]: one call of every one, on
// average, suffers something that a disk or a network does, of up to 2 s.
func Random(r *rand.Rand, every int) func(Op) Fault {
	return func(op Op) Fault {
		if r.IntN(every) > 0 {
			return Fault{}
		}
		slow := time.Duration(1 + r.Int64N(int64(time.Second)))
		faults := []Fault{{Wait: slow}, {Lag: slow}, {Wait: slow, Lag: slow}, {Err: errMedium, Steps: r.Uint64N(4)}}
		switch op.Verb {
		case Append:
			faults = append(faults, Fault{Lose: Never}, Fault{Lose: Stored}, Fault{Lose: Soon}, Fault{Lose: Later})
		case Read, Bounds:
			faults = append(faults, Fault{Stale: 1 + r.Uint64N(3)})
		}
		return faults[r.IntN(len(faults))]
	}
}

var errMedium = errors.New("the medium is not reached")

// unknown counts and returns an answer that nobody can trust.
func (m *Memory) unknown(err error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.unknownLocked(err)
}

func (m *Memory) unknownLocked(err error) error {
	m.counts.Unknown++
	return fmt.Errorf("%w: %w", job.ErrUnknown, err)
}
