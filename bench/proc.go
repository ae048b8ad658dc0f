package main

import (
	"context"
	"fmt"
	"os"

	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/task"
)

// What it costs that work runs in another process: payloads go there and come
// back as they were. All children are this program again, so all have the same
// weight. Hem's are as nice as the rivals', which is not at all (proc.AsHost):
// on a busy machine the figures would otherwise be about that.
func init() {
	workerTasks = append(workerTasks, echoTask, pidTask)
	register(suite{name: "proc", cases: []trial{
		{name: "roundtrip-1KiB", ops: 1, per: "call", sides: echoing(1 << 10), measure: oneByOne(1 << 10), owed: owed{"go-plugin", 0.2}, also: owed{"pipe", 2.5}},
		{name: "throughput-8-concurrent", per: "call", measure: concurrently(8, 1<<10, 2)},
		{name: "throughput-8-concurrent-8", per: "call", measure: concurrently(8, 1<<10, 8)},
		{name: "1MiB", ops: 1, per: "call", sides: echoing(1 << 20), measure: oneByOne(1 << 20), owed: owed{"go-plugin", 0.5}},
		{name: "spawn-to-first-result", per: "process", measure: spawning},
		{name: "idle-memory", per: "process", measure: weighing},
	}})
}

// echoTask gives back what it is given, and pidTask the worker's pid.
var (
	echoTask = task.Define("bench.echo", func(_ context.Context, in []byte) ([]byte, error) { return in, nil })
	pidTask  = task.Define("bench.pid", func(context.Context, task.Void) (int, error) { return os.Getpid(), nil })
)

// An echoer is children that echo.
type echoer struct {
	echo func(ctx context.Context, in []byte) ([]byte, error) // safe for concurrent use
	pid  func() int                                           // of one of them
	stop func()                                               // and wait until they have gone
}

// A place is somebody's way to have work done elsewhere.
type place struct {
	name  string
	start func(workers int) echoer
}

var (
	hemProc  = place{"hem", startHem}
	goPlugin = place{"go-plugin", startPlugin}
	barePipe = place{"pipe", startPipe}
)

var places = []place{hemProc, goPlugin, barePipe}

func startHem(workers int) echoer {
	pool, err := proc.New(proc.Config{Name: "bench", Workers: workers, Limits: proc.Limits{Nice: proc.AsHost}})
	must(err)
	return echoer{
		echo: func(ctx context.Context, in []byte) ([]byte, error) { return echoTask.Do(ctx, pool, in) },
		pid: func() int {
			pid, err := pidTask.Do(context.Background(), pool, task.Void{})
			must(err)
			return pid
		},
		stop: func() { must(pool.Close(context.Background())) },
	}
}

// payload returns so many bytes, of which no two stretches look alike.
func payload(size int) []byte {
	text := make([]byte, size)
	x := uint32(size)
	for i := range text {
		x = x*1664525 + 1013904223
		text[i] = byte(x >> 24)
	}
	return text
}

// try starts e's first call, and panics if its answer is not what was sent.
func (e echoer) try(ctx context.Context, in []byte) {
	out, err := e.echo(ctx, in)
	must(err)
	if string(in) != string(out) {
		panic(fmt.Sprintf("%d bytes came back as %d others", len(in), len(out)))
	}
}

// calls makes n calls, one after the other.
func (e echoer) calls(ctx context.Context, in []byte, n int) {
	for range n {
		out, err := e.echo(ctx, in)
		must(err)
		if len(out) != len(in) {
			panic(fmt.Sprintf("%d bytes came back as %d", len(in), len(out)))
		}
	}
}

// echoing is one caller with one worker, on all sides.
func echoing(size int) (sides []side) {
	for _, p := range places {
		sides = append(sides, side{p.name, func() (func(int), func()) {
			e, in := p.start(1), payload(size)
			inTask(func(ctx context.Context) { e.try(ctx, in) })
			return func(n int) {
				inTask(func(ctx context.Context) { e.calls(ctx, in, n) })
			}, e.stop
		}})
	}
	return sides
}
