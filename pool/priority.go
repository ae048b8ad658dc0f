package pool

import (
	"fmt"
	"time"
)

// Lowest and Highest are the ends of the scale of [Priority].
const (
	Lowest  = -3
	Highest = 3
)

const levels = Highest - Lowest + 1

// Priority makes a view's work more urgent than other work if n is above zero,
// the default, and less if it is below.
//
// A piece of work gains one level for each Config.Age it has waited. So it is
// served before everything that comes (Highest - its n) × Age after it or
// later, whatever the priority of that; between two pieces of the same priority
// the older goes first. In other words, work of the lowest priority waits at
// most 6 × Age and the time it takes to run what is then in the queue: 600 ms
// by default. It is a bound and no more: an hour's worth of urgent work that
// was there before goes first.
//
// Priority orders who is served next. It does not interrupt what runs: see
// [Yield]. While [Shed] finds the pool overloaded, levels do not rise; work
// there is refused after Target instead of ageing.
//
// # Panics
//
// Priority panics if n is not between [Lowest] and [Highest].
func Priority(n int) Option {
	if n < Lowest || n > Highest {
		panic(fmt.Sprintf("pool: Priority %d is not between %d and %d", n, Lowest, Highest))
	}
	return Option{level: levelOf(n)}
}

func levelOf(n int) int8 { return int8(n - Lowest) }

// rank says who goes first: the smallest does. It is the moment at which work
// of the lowest level would have had to arrive to be as urgent, so ageing costs
// nothing: time does it.
func (r *room) rank(arrived time.Duration, level int8) time.Duration {
	return arrived - time.Duration(level)*r.age
}

// arrived is when e began to wait.
func (r *room) arrived(e *entry) time.Duration {
	return e.rank + time.Duration(e.level)*r.age
}
