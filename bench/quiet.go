package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// delayed returns how long this process's threads have stood ready to run
// while somebody else had the processors: the kernel keeps count. Where it
// does not, it is always zero, and every sample is as good as the next.
func delayed() (total time.Duration) {
	tasks, _ := filepath.Glob("/proc/self/task/*/schedstat")
	for _, name := range tasks {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // the thread has ended meanwhile
		}
		// Time on a processor, time waiting for one, slices.
		if fields := strings.Fields(string(text)); len(fields) > 1 {
			wait, _ := strconv.ParseInt(fields[1], 10, 64)
			total += time.Duration(wait)
		}
	}
	return total
}
