package sim_test

import (
	"fmt"
	"strings"
	"time"
)

// history runs a seed without some of its steps.
func history(seed uint64, skip []bool, m mutation, telling bool) *world {
	w := newWorld(seed, skip, m)
	w.telling = telling
	w.run()
	return w
}

func (w *world) broke(r rule) bool {
	for i := range w.broken {
		if w.broken[i].rule == r {
			return true
		}
	}
	return false
}

// shrink leaves out as many steps of a failing seed as it can, so that it breaks
// the same rule: halves, then quarters, and so on to single steps, again and
// again until nothing can go or the time is over.
func shrink(seed uint64, r rule, m mutation, within time.Duration) (skip []bool) {
	end := time.Now().Add(within)
	n := len(script(seed))
	skip = make([]bool, n)
	tries := func(from, to int) bool {
		try := append([]bool(nil), skip...)
		some := false
		for i := from; i < min(to, n); i++ {
			some = some || !try[i]
			try[i] = true
		}
		if !some || !history(seed, try, m, false).broke(r) {
			return false
		}
		skip = try
		return true
	}
	for progress := true; progress; {
		progress = false
		for size := (n + 1) / 2; size > 0; size /= 2 {
			for at := n - 1 - (n-1)%size; at >= 0; at -= size {
				if time.Now().After(end) {
					return skip
				}
				progress = tries(at, at+size) || progress
			}
		}
	}
	return skip
}

// report is a failing seed as a person reads it: what is broken, and the shortest
// history that still breaks it.
func report(seed uint64, broken []breach, m mutation, within time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d breaks a rule:\n", seed)
	for _, x := range broken {
		fmt.Fprintf(&b, "  %v: %s\n", x.rule, x.text)
	}
	skip := shrink(seed, broken[0].rule, m, within)
	w := history(seed, skip, m, true)
	left := 0
	for _, s := range skip {
		if !s {
			left++
		}
	}
	fmt.Fprintf(&b, "HEM_SIM_SEED=%d shows its whole history. With %d of its %d steps it still breaks the rule:\n", seed, left, len(skip))
	b.WriteString(strings.Join(w.lines, "\n"))
	return b.String()
}
