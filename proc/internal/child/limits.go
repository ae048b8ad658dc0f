package child

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/hemgo/hem/fault"
)

// check refuses limits that cannot be meant.
func (l Limits) check() error {
	wrong := func(field string, value any, want string) error {
		return &fault.Error{Op: "child: open", Kind: fault.Invalid,
			Err: fmt.Errorf("value of Limits.%s is %v; %s", field, value, want)}
	}
	const notNegative = "it cannot be negative, and zero stands for no limit"
	switch {
	case l.Memory < 0:
		return wrong("Memory", l.Memory, notNegative)
	case l.CPUWeight < 0 || l.CPUWeight > 10000:
		return wrong("CPUWeight", l.CPUWeight, "it is from 1 to 10000, and zero stands for the system's 100")
	case l.Pids < 0:
		return wrong("Pids", l.Pids, notNegative)
	case l.OpenFiles < 0:
		return wrong("OpenFiles", l.OpenFiles, notNegative)
	case l.OpenFiles > 0 && l.OpenFiles < minFiles:
		return wrong("OpenFiles", l.OpenFiles, fmt.Sprintf("a process needs %d to come up", minFiles))
	case l.Nice < -20 || l.Nice > 19:
		return wrong("Nice", l.Nice, "it is from -20 to 19")
	}
	return nil
}

// minFiles is how many descriptors a Go worker needs: the three standard ones,
// two to speak by, the poller's two and a few for the program.
const minFiles = 16

// backstop is the limit of private writable memory, resident or not, that
// stands behind watching: the kernel refuses more even when the host has no
// time to look. It is loose, because what a program maps and never touches
// counts: thread stacks of 8 MiB, an allocator's reserve. A tight one would
// also turn what the host can tell as OverMemory into a crash that says little.
func (l Limits) backstop() int64 {
	if l.Memory > math.MaxInt64/2-256<<20 {
		return math.MaxInt64
	}
	return 2*l.Memory + 256<<20
}

// memoryEnv tells Go children how much memory there is, so that they collect
// garbage rather than die of it. It means nothing to others.
func (l Limits) memoryEnv(env []string) []string {
	if l.Memory == 0 {
		return env
	}
	for _, v := range env {
		if strings.HasPrefix(v, "GOMEMLIMIT=") {
			return env
		}
	}
	return append(env[:len(env):len(env)], "GOMEMLIMIT="+strconv.FormatInt(l.Memory/10*9, 10))
}
