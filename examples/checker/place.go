package main

import (
	"fmt"
	"strings"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/pool"
	"github.com/hemgo/hem/task"
)

// placements are the rungs that checks can run on. One more is one more line.
var placements = []struct {
	name string
	open func() (task.Runner, error)
}{
	{"goroutine", func() (task.Runner, error) { return task.Here, nil }},
	{"pool", func() (task.Runner, error) { return pool.New(pool.Config{Name: "cpu", Overflow: pool.Reject}) }},
}

func placementNames() string {
	var names []string
	for _, p := range placements {
		names = append(names, p.name)
	}
	return strings.Join(names, ", ")
}

// openPlacement returns the runner called name.
func openPlacement(name string) (task.Runner, error) {
	for _, p := range placements {
		if p.name == name {
			return p.open()
		}
	}
	return nil, &fault.Error{Op: "checker: -on", Kind: fault.Invalid, Err: fmt.Errorf("no placement %q", name), Hint: "one of " + placementNames()}
}
