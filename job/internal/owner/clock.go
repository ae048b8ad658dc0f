package owner

import (
	"time"

	"github.com/hemgo/hem/job/internal/state"
)

// A Time is what a shell's clocks say, in microseconds.
type Time struct {
	Wall int64 // since 1970; may jump either way
	Mono int64 // since anything; never jumps
}

// A Clock makes the Core's time of a shell's. That is what records say and what
// timers go by:
//
//	K1. It never decreases.
//	K2. It is the wall's whenever the wall is ahead of it.
//	K3. While the wall is behind, because it was set back or because the owner
//	    before had one that was ahead, it goes on at half the speed of Mono.
//
// So after an hour back timers take twice as long for two hours at most, where
// stopping would have stopped them for one; and after a day forward those of the
// day are due.
type Clock struct {
	now     int64
	mono    int64 // the Mono that now accounts for
	started bool
}

// Follow moves the clock to t and returns the time.
func (k *Clock) Follow(t Time) int64 {
	wall := min(max(t.Wall, 0), state.MaxTime)
	switch half := (t.Mono - k.mono) / 2; {
	case !k.started || wall >= k.now:
		k.now, k.mono, k.started = max(k.now, wall), t.Mono, true
	case half > 0:
		k.now, k.mono = min(k.now+half, state.MaxTime), k.mono+2*half
	}
	return k.now
}

// raise makes the time at least now, which a record says.
func (k *Clock) raise(now int64) { k.now = max(k.now, now) }

// Clock returns the core's clock, which whoever has it can Follow by himself.
func (c *Core) Clock() Clock { return c.clock }

// mostWait bounds WakeIn: a wall that is set forward makes timers due which the
// shell does not know to be.
const mostWait = time.Minute

// Sleeps reports whether the shell need not Decide before something arrives.
func (n Next) Sleeps() bool { return n.Wake == 0 && !n.soon }

// WakeIn is how long after t the shell is to Decide at the latest: at Wake, or
// within a minute, since calling too early does no harm.
func (n Next) WakeIn(t Time) time.Duration {
	if n.soon {
		k := n
		k.soon = false
		return min(k.WakeIn(t), mostNap*time.Microsecond)
	}
	if n.Wake == 0 {
		return mostWait
	}
	k := n.clock
	wait := n.Wake - k.Follow(t)
	if behind := k.now - min(t.Wall, k.now); behind > 0 { // K3
		wait = min(2*wait, wait+behind)
	}
	return time.Duration(min(max(wait, 0), mostWait.Microseconds())) * time.Microsecond
}
