package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/pool"
	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/task"
)

// placements are the rungs that checks can run on. One more is one more line.
var placements = []struct {
	name string
	open func(proc.Limits) (task.Runner, error)
}{
	{"goroutine", func(proc.Limits) (task.Runner, error) { return task.Here, nil }},
	{"pool", func(proc.Limits) (task.Runner, error) {
		return pool.New(pool.Config{Name: "cpu", Overflow: pool.Reject})
	}},
	{"process", func(each proc.Limits) (task.Runner, error) { return openProcesses(each) }},
	{"job", func(each proc.Limits) (task.Runner, error) { return openDurable(each) }},
}

// limits are what one check may use, where that can be enforced. The largest
// package of the standard library takes a few seconds and 200 MB.
var limits = proc.Limits{Memory: 1 << 30, Wall: 30 * time.Second}

// openProcesses starts processes for checks.
func openProcesses(each proc.Limits) (explained, error) {
	p, err := proc.New(processes(each))
	return explained{p}, err
}

// processes says how checks run in processes of their own.
func processes(each proc.Limits) proc.Config {
	return proc.Config{
		Name:     "checks",
		Overflow: pool.Reject,
		Limits:   each,
		Grace:    time.Second, // a check has nothing to clean up

		// A check is one goroutine. With all processors for each worker their
		// garbage collectors fight for them: a tenth fewer checks, and pings that
		// wait four times as long at the 99th percentile.
		Env: []string{"GOMAXPROCS=1"},
	}
}

func placementNames() string {
	var names []string
	for _, p := range placements {
		names = append(names, p.name)
	}
	return strings.Join(names, ", ")
}

// openPlacement returns the runner called name, whose checks are held to each
// if anything can hold them.
func openPlacement(name string, each proc.Limits) (task.Runner, error) {
	for _, p := range placements {
		if p.name == name {
			return p.open(each)
		}
	}
	return nil, &fault.Error{Op: "checker: -on", Kind: fault.Invalid, Err: fmt.Errorf("no placement %q", name), Hint: "one of " + placementNames()}
}
