package lock

import (
	"fmt"
	"time"
)

// Lowest and Highest are the ends of the scale of [Priority].
const (
	Lowest  = -3
	Highest = 3
)

const (
	levels = Highest - Lowest + 1
	age    = 100 * time.Millisecond // the wait that is worth a level
)

// Priority makes a request of [Semaphore.Acquire] or [Semaphore.With] more
// urgent than others if n is above zero, the default, and less if it is below.
//
// A request gains one level for each 100 ms it has waited. So it is served
// before everything that comes (Highest - n) × 100 ms after it or later,
// whatever the priority of that; of two with the same priority the older goes
// first. In other words, a request of the lowest priority waits at most 600 ms
// and the time that those need who are before it then: what is held, and what
// had been asked for by then. It is a bound and no more: an hour's worth of
// urgent requests that came before goes first.
//
// Priority orders who is served next. It takes nothing from those who hold.
//
// # Panics
//
// Priority panics if n is not between [Lowest] and [Highest].
func Priority(n int) Option {
	if n < Lowest || n > Highest {
		panic(fmt.Sprintf("lock: Priority %d is not between %d and %d", n, Lowest, Highest))
	}
	return Option{level: int8(n), priority: true}
}

// rankOf says when a request of level 0 would have had to come to be as urgent
// as one of the level that came at start: the earliest goes first. So ageing
// costs nothing: time does it.
func rankOf(start time.Time, level int8) time.Time {
	return start.Add(-time.Duration(level) * age)
}
