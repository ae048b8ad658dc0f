package child

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/hemgo/hem/fault"
)

const (
	guardLinger  = 250 * time.Millisecond // how long one stays that has nobody to watch over
	guardHears   = time.Second            // how long it may be busy when it is told something
	guardLeaves  = 2 * time.Second        // how long it may take to end
	guardBackOff = 10 * time.Millisecond  // before the first restart, then twice as long each time
	guardRest    = 5 * time.Second        // before a restart at most
	guardTries   = 3                      // guards in a row that were never ready, before nobody is enrolled any more
)

// keep keeps this process's guard.
var keep keeper

// A keeper keeps one guard for as long as there is a tree: it starts it, tells
// it what is to be killed, and starts another if it dies. A guard of the tests
// is ready after 2.5 ms, and takes 6.5 MB, of which 1.1 MB are its own; the rest
// is the program's, and shared with it.
type keeper struct {
	mu       sync.Mutex
	guard    *watched // nil: there is none
	enrolled map[string]*enrolment
	dirs     map[string]bool // cgroups
	failed   int             // guards in a row that were never ready
	failure  error           // of the last of those
	retry    time.Time       // when there may be another one, after guardTries
	later    *time.Timer     // for tend; nil: none

	// Whenever mu is free:
	//   K1. If somebody is enrolled, there is a guard that was told so, or later
	//       will start one.
	//   K2. If nobody is, there is no guard, or later will end it.
}

// An enrolment is a tree that the guard will kill if the host dies.
type enrolment struct {
	keeper *keeper
	mark   string
	leader int
	start  uint64
}

// enroll has the guard know of a tree before it is started, so that nothing of
// it can survive the host, whenever that dies: what is written to the lifeline
// will be read.
//
// # Errors
//
// Of kind [fault.Invalid] if the program does not call [Prepare], and of kind
// [fault.Failed] if no guard can be started.
func enroll(mark string) (*enrolment, error) { return keep.enroll(mark) }

var errUnprepared = &fault.Error{
	Op:   "child: enroll",
	Kind: fault.Invalid,
	Err:  errors.New("this program's main does not call proc.Serve first thing"),
	Hint: "worker processes are watched over by the program itself, started again: " +
		"call proc.Serve at the beginning of main, and in tests at that of TestMain",
}

func (k *keeper) enroll(mark string) (*enrolment, error) {
	if !Prepared() {
		return nil, errUnprepared
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	e := &enrolment{keeper: k, mark: mark}
	if k.enrolled == nil {
		k.enrolled = make(map[string]*enrolment)
	}
	k.enrolled[mark] = e
	defer k.settleLocked()
	if k.tellLocked(e.text()) {
		return e, nil
	}
	if err := k.startLocked(); err != nil {
		delete(k.enrolled, mark)
		return nil, err
	}
	return e, nil
}

// text is all that the guard has to know of a tree.
func (e *enrolment) text() string {
	if e.leader == 0 {
		return wordEnrol + " " + e.mark + "\n"
	}
	return fmt.Sprintf("%s %s %d %d\n", wordBorn, e.mark, e.leader, e.start)
}

// born says which process the tree's leader is. It has not been reaped.
func (e *enrolment) born(pid int) {
	k := e.keeper
	k.mu.Lock()
	defer k.mu.Unlock()
	e.leader, e.start = pid, startOf(pid)
	k.tellLocked(e.text())
	k.settleLocked()
}

// dismiss says that the tree is gone. It comes before the leader is reaped, so
// that the guard never has the number of another process.
func (e *enrolment) dismiss() {
	k := e.keeper
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.enrolled[e.mark] != e {
		return
	}
	delete(k.enrolled, e.mark)
	k.tellLocked(wordDismiss + " " + e.mark + "\n")
	k.settleLocked()
}

// adopt says that everybody in a cgroup is to be killed, too.
func (k *keeper) adopt(dir string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.dirs == nil {
		k.dirs = make(map[string]bool)
	}
	k.dirs[dir] = true
	k.tellLocked(wordAdopt + " " + strconv.Quote(dir) + "\n")
	k.settleLocked()
}

// abandon takes adopt back.
func (k *keeper) abandon(dir string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.dirs, dir)
	k.tellLocked(wordAbandon + " " + strconv.Quote(dir) + "\n")
	k.settleLocked()
}
