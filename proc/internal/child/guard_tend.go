package child

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"github.com/hemgo/hem/fault"
)

// watched is a guard as its host sees it.
type watched struct {
	process  *os.Process
	lifeline *os.File
	status   *os.File
	ready    bool // it has said so
}

// tellLocked writes to the guard, and reports whether it was there to be told.
// One that does not listen is of no use, and given up.
func (k *keeper) tellLocked(text string) bool {
	g := k.guard
	if g == nil {
		return false
	}
	g.lifeline.SetWriteDeadline(time.Now().Add(guardHears))
	if _, err := io.WriteString(g.lifeline, text); err != nil {
		k.guard = nil
		g.giveUp()
		return false
	}
	return true
}

// giveUp has the guard's watch end, whatever the guard does.
func (g *watched) giveUp() {
	g.process.Kill()
	g.status.Close()
}

// startLocked starts a guard, and tells it everything.
func (k *keeper) startLocked() error {
	if k.failed >= guardTries && time.Now().Before(k.retry) {
		return k.failure
	}
	process, lifeline, status, err := startGuard()
	if err != nil {
		k.failLocked(err)
		return k.failure
	}
	g := &watched{process: process, lifeline: lifeline, status: status}
	k.guard = g
	go k.watch(g)
	k.tellLocked(wordHost + " " + strconv.FormatUint(hostStart, 10) + "\n")
	for dir := range k.dirs {
		k.tellLocked(wordAdopt + " " + strconv.Quote(dir) + "\n")
	}
	for _, e := range k.enrolled {
		k.tellLocked(e.text())
	}
	return nil
}

// failLocked takes note of a guard that never was one.
func (k *keeper) failLocked(err error) {
	k.failed++
	k.retry = time.Now().Add(k.backOffLocked())
	k.failure = &fault.Error{Op: "child: start guard", Kind: fault.Failed, Err: err}
}

// backOffLocked is how long to wait before the next try.
func (k *keeper) backOffLocked() time.Duration {
	return min(guardBackOff<<min(k.failed, 16), guardRest)
}

// watch waits for a guard until it is dead and reaped.
func (k *keeper) watch(g *watched) {
	pprof.SetGoroutineLabels(context.Background()) // it is not of whoever needed a guard first
	said := k.listen(g)
	state, err := g.process.Wait()
	g.status.Close()
	g.lifeline.Close()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.guard == g {
		k.guard = nil
	}
	switch {
	case g.ready:
	case err != nil: // somebody has reaped it: os/exec would tell the same
		k.failLocked(fmt.Errorf("it ended before it was ready: %w", err))
	default:
		k.failLocked(fmt.Errorf("it ended before it was ready: %v%s", state, said))
	}
	k.settleLocked()
}

// listen reads what a guard says until it is dead, and returns the end of it,
// which is what its runtime said about its death.
func (k *keeper) listen(g *watched) (said string) {
	buf := make([]byte, 1<<10)
	for {
		n, err := g.status.Read(buf)
		said += string(buf[:n])
		if strings.Contains(said, guardReady) {
			k.mu.Lock()
			g.ready, k.failed = true, 0
			k.mu.Unlock()
		}
		said = said[max(0, len(said)-len(buf)):]
		if err != nil {
			break
		}
	}
	if said = strings.TrimSpace(said); said != "" {
		said = ": " + said
	}
	return said
}

// settleLocked restores K1 and K2.
func (k *keeper) settleLocked() {
	needed, there := len(k.enrolled) > 0, k.guard != nil
	if needed == there {
		if k.later != nil {
			k.later.Stop()
			k.later = nil
		}
		return
	}
	if k.later != nil {
		return
	}
	wait := guardLinger
	if needed {
		wait = k.backOffLocked()
	}
	var t *time.Timer
	t = time.AfterFunc(wait, func() { k.tend(&t) })
	k.later = t
}

// tend starts the guard that is missing, or ends the one that has nothing to
// do. It is what the timer t was for, unless that was stopped too late.
func (k *keeper) tend(t **time.Timer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.later != *t {
		return
	}
	k.later = nil
	defer k.settleLocked()
	if len(k.enrolled) > 0 && k.guard == nil {
		k.startLocked() // an error is told to whoever enrolls next
		return
	}
	if g := k.guard; g != nil && len(k.enrolled) == 0 {
		k.guard = nil
		g.lifeline.Close()
		time.AfterFunc(guardLeaves, g.giveUp)
	}
}
