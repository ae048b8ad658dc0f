package child

import (
	"errors"
	"sync"
	"syscall"
	"time"

	"github.com/hemgo/hem/fault"
)

// A Child is a process that was started, with its tree.
//
//	runs ──the leader ends, by itself or killed──▶ zombie ──▶ Ended
//	                                               │ the rest of the tree is killed,
//	                                               │ the guard told, the output read,
//	                                               └ and then the leader reaped
type Child struct {
	nursery *Nursery
	process *process
	tree    tree
	guarded *enrolment
	printed [2]*stream // standard output, standard error
	floor   int64      // of what the system says about peak memory: see inheritedPeak

	ended chan struct{}
	exit  Exit // before ended is closed, of the goroutine of live

	mu      sync.Mutex
	over    bool // the leader has ended
	killing bool // a killer has been sent
	swept   bool // by the killer: it found nobody alive any more
	killers sync.WaitGroup
	verdict Exit // Killed, OverMemory, OverPids, Peak: as far as is known yet

	// Whenever mu is free:
	//   C1. A killer is sent only while over is false, and the leader is reaped
	//       only after it has returned. So the pid that it kills is the child's.
	//   C2. Once over, verdict does not change.
}

// Pid returns the child's process id.
func (c *Child) Pid() int { return c.process.pid }

// Ended is closed when the tree is gone, the child reaped and its output read.
func (c *Child) Ended() <-chan struct{} { return c.ended }

// Exit says how the child ended. It must have Ended.
func (c *Child) Exit() Exit {
	<-c.ended
	return c.exit
}

// Tail returns the end of what was printed to standard error so far.
func (c *Child) Tail() []byte { return c.printed[1].end() }

// Usage says what the tree uses now. After the end that is an error.
func (c *Child) Usage() (Usage, error) {
	c.mu.Lock()
	over := c.over
	c.mu.Unlock()
	if over {
		return Usage{}, &fault.Error{Op: "child: usage", Kind: fault.Invalid, Err: errOver}
	}
	return c.tree.usage()
}

var errOver = errors.New("the child has ended")

// Kill ends the whole tree, and returns at once: see Ended. It may be called
// more than once, and after the end.
func (c *Child) Kill() {
	c.note(true, func(v *Exit) { v.Killed = true })
}

// note enters what was seen into the verdict, and sends a killer, unless one is
// under way, if that is to be the end.
func (c *Child) note(fatal bool, enter func(*Exit)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	enter(&c.verdict)
	if !fatal || c.killing {
		return
	}
	c.killing = true
	c.killers.Go(func() { c.swept = c.tree.kill() == 0 })
}

// live sees the child through to its end.
func (c *Child) live() {
	errWait := c.process.wait()
	c.hold()
	c.sweep()
	c.guarded.dismiss()
	drain(c.printed[:])
	c.reap(errWait)
	if c.tree.leaf != nil {
		c.tree.leaf.remove()
	}
	c.nursery.leave(c)
	close(c.ended)
}

// hold lets no killer start any more, and waits for the one under way: C1.
func (c *Child) hold() {
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
	c.killers.Wait()
}

// sweep kills what the leader has left behind.
func (c *Child) sweep() {
	if c.swept {
		return
	}
	if left := c.tree.kill(); left > 0 {
		c.nursery.log.Error("child: processes of a tree cannot be killed",
			"nursery", c.nursery.name, "pid", c.Pid(), "left", left)
	}
}

// reap collects the child, by its own pid, and draws up how it ended.
func (c *Child) reap(errWait error) {
	end, err := ending{code: -1}, errWait
	if err == nil {
		end, err = c.process.reap()
	}
	if err != nil {
		c.nursery.log.Error("child: exit status lost: another part of this program waits for any child, or ignores SIGCHLD",
			"nursery", c.nursery.name, "pid", c.Pid(), "error", err)
	}
	c.process.release()
	c.exit = c.drawUp(end)
}

// drawUp puts together what the system says with what was seen.
func (c *Child) drawUp(end ending) Exit {
	e := c.verdict // which stands: C2
	e.Pid, e.Code, e.Signal, e.CPU = c.Pid(), end.code, end.signal, end.cpu
	if end.peak > c.floor {
		e.Peak = max(e.Peak, end.peak)
	}
	if c.tree.leaf != nil {
		memory, pids := c.tree.leaf.reached()
		e.OverMemory, e.OverPids = e.OverMemory || memory, e.OverPids || pids
	}
	limit := c.nursery.limits.Memory
	if died := !e.Killed && e.Code != 0; died && limit > 0 && e.Peak >= limit {
		e.OverMemory = true
	}
	if e.Tail = c.printed[1].end(); len(e.Tail) == 0 {
		e.Tail = c.printed[0].end()
	}
	return e
}

// An ending is what the system says of a process that has ended.
type ending struct {
	code   int // -1 if a signal ended it, or nobody knows
	signal syscall.Signal
	peak   int64 // resident bytes
	cpu    time.Duration
}

// beNice has the child's session heeded as nice by the scheduler. From those
// without privileges the system takes one such wish in 100 ms, so it may take
// some time, and is not waited for.
func (c *Child) beNice(nice int) {
	if c.triedNice(nice) {
		return
	}
	go func() {
		tick := time.NewTicker(137 * time.Millisecond)
		defer tick.Stop()
		for range 100 {
			select {
			case <-c.ended:
				return
			case <-tick.C:
			}
			if c.triedNice(nice) {
				return
			}
		}
	}()
}

// triedNice reports whether there is no use in trying again. It holds mu, so
// that the pid is the child's: C1.
func (c *Child) triedNice(nice int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.over || !errors.Is(niceSession(c.Pid(), nice), syscall.EAGAIN)
}
