package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/hemgo/hem/task"
)

// What a crash takes down is tried, not claimed: a process is started that has
// the rung's work crash while other work goes on, and says what was left.
func init() {
	workerTasks = append(workerTasks, crashTask)
	children["crash"] = crashingMain
}

// A crash is a way in which code ends that nobody wrote it to end in.
type crash struct {
	name string
	do   func()
}

var crashes = []crash{
	{"a panic", func() { panic("a bug") }},
	{"a panic in a goroutine that it started", func() { go panic("a bug"); forever() }},
	{"a stack overflow", func() { debug.SetMaxStack(1 << 20); keep(deeper(0)) }},
	{"a SIGSEGV", func() { must(signalSelf(syscall.SIGSEGV)); forever() }},
	{"os.Exit(0)", func() { os.Exit(0) }},
	{"a kill", func() { must(signalSelf(syscall.SIGKILL)); forever() }},
}

// crashTask crashes in the way of that index.
var crashTask = task.Define("bench.crash", func(_ context.Context, i int) (task.Void, error) {
	crashes[i].do()
	return task.Void{}, nil
})

// forever is longer than a crash takes.
func forever() { time.Sleep(time.Minute) }

// deeper calls itself until n is negative, which takes more stack than there is.
func deeper(n int) int {
	if n < 0 {
		return 0
	}
	return deeper(n+1) + n
}

func signalSelf(s os.Signal) error {
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		return err
	}
	return self.Signal(s)
}

// A fall is a crash and what it took down.
type fall struct {
	crash string
	took  string
}

// What a crash can take down.
const (
	onlyItsCall  = "its call"
	otherCalls   = "other calls too"
	wholeProgram = "the program"
)

// fall tries every crash on r.
func (r rung) fall() (falls []fall, err error) {
	for i, c := range crashes {
		took, err := r.crash(i)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		falls = append(falls, fall{c.name, took})
	}
	return falls, nil
}

// A crashPart is what the child is asked to do.
type crashPart struct {
	Rung  string
	Crash int
}

// A survival is what the child tells when it is still there.
type survival struct {
	Error  string // of the call that crashed
	Others int    // calls beside it that failed
	After  string // error of the next call; empty: it was answered
}

const crashEnv = "HEM_BENCH_CRASH"

// crash has r's work crash in a process of its own, and tells what was left.
func (r rung) crash(i int) (took string, err error) {
	part, err := json.Marshal(crashPart{r.key, i})
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	cmd := childCommand(ctx, "crash")
	cmd.WaitDelay = time.Second
	cmd.Env = append(cmd.Env, crashEnv+"="+string(part))
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return "", errors.New("the crashing program has not ended")
	}
	var left survival
	if json.Unmarshal(out, &left) != nil {
		return wholeProgram, diedOf(err, i)
	}
	switch {
	case err != nil:
		return "", err
	case left.Error == "":
		return "", errors.New("the call did not crash")
	case left.Others > 0 || left.After != "":
		return otherCalls, nil
	}
	return onlyItsCall, nil
}

// diedOf returns an error if a program without a last word did not end as the
// crash would have it.
func diedOf(err error, i int) error {
	exit := (*exec.ExitError)(nil)
	if err == nil && crashes[i].name == "os.Exit(0)" || errors.As(err, &exit) {
		return nil
	}
	return fmt.Errorf("the crashing program ended without a word, and with error %v", err)
}

// crashingMain is the child: it has one call crash, and two callers call on
// meanwhile.
func crashingMain() {
	var part crashPart
	must(json.Unmarshal([]byte(os.Getenv(crashEnv)), &part))
	r := rungs[slices.IndexFunc(rungs, func(r rung) bool { return r.key == part.Rung })]
	runner, shut := r.open(3)
	var left survival
	inTask(func(ctx context.Context) {
		others := beside(ctx, runner)
		_, err := crashTask.Do(ctx, runner, part.Crash)
		left.Error = fmt.Sprint(err)
		left.Others = others()
		if _, err := echoTask.Do(ctx, runner, []byte("next")); err != nil {
			left.After = err.Error()
		}
	})
	shut()
	must(json.NewEncoder(os.Stdout).Encode(left))
}

// beside has two callers make calls until failed is called, which returns how
// many calls were not answered.
func beside(ctx context.Context, r task.Runner) (failed func() int) {
	end := make(chan struct{})
	counts := make(chan int)
	answered := make(chan struct{}, 2)
	for range 2 {
		go func() {
			count := 0
			for first := true; ; first = false {
				if _, err := echoTask.Do(ctx, r, []byte("beside")); err != nil {
					count++
				}
				if first {
					answered <- struct{}{}
				}
				select {
				case <-end:
					counts <- count
					return
				default:
				}
			}
		}()
	}
	<-answered
	<-answered
	return func() int {
		close(end)
		return <-counts + <-counts
	}
}

// tellFalls groups crashes by what they took down.
func tellFalls(falls []fall) string {
	var parts []string
	for _, took := range []string{onlyItsCall, otherCalls, wholeProgram} {
		var names []string
		for _, f := range falls {
			if f.took == took {
				names = append(names, f.crash)
			}
		}
		switch len(names) {
		case 0:
		case len(falls):
			return took + ", whatever crash"
		default:
			parts = append(parts, strings.Join(names, ", ")+": "+took)
		}
	}
	return strings.Join(parts, "; ")
}
