package main

import (
	"context"
	"io"
	"os"
	"os/exec"

	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/task"
)

// Every process of the suites proc, rungs and nice is this program again: Hem's
// workers, and for everybody else childEnv says what to be.
const childEnv = "HEM_BENCH_CHILD"

// children are what childEnv can name.
var children = map[string]func(){}

// workerTasks are what Hem's workers know.
var workerTasks []task.Task

// becomeChild makes this process what it was started as, and returns if that is
// nothing in particular. It is the first thing in main.
func becomeChild() {
	proc.Serve(workerTasks...)
	if run, ok := children[os.Getenv(childEnv)]; ok {
		os.Unsetenv(childEnv)
		run()
		os.Exit(0)
	}
}

// childCommand returns the command that starts this program as a child, which is
// killed when ctx ends.
func childCommand(ctx context.Context, child string) *exec.Cmd {
	self, err := os.Executable()
	must(err)
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), childEnv+"="+child)
	return cmd
}

// A lifeline ends a child when its parent has gone, however it went: both have
// an end of a pipe, and the child's read returns.
type lifeline struct{ mine, childs *os.File }

// tie gives cmd a lifeline, as its descriptor 3.
func tie(cmd *exec.Cmd) *lifeline {
	r, w, err := os.Pipe()
	must(err)
	cmd.ExtraFiles = append([]*os.File{r}, cmd.ExtraFiles...)
	return &lifeline{mine: w, childs: r}
}

// started is to be called when the child has been.
func (l *lifeline) started() { l.childs.Close() }

func (l *lifeline) cut() { l.mine.Close() }

// holdOn is the child's part.
func holdOn() {
	go func() {
		_, _ = io.Copy(io.Discard, os.NewFile(3, "lifeline"))
		os.Exit(0)
	}()
}
