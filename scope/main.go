package scope

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/hemgo/hem/internal/graph"
)

// Main runs body as the root scope of the program, ends it on SIGINT and
// SIGTERM, and exits the process. It is meant to be all there is in func main.
//
// The first signal stops the scope in two phases (see [Scope.Stop]): hooks
// drain, then the context ends with a cause that names the signal. The second
// signal prints what still runs and exits at once.
//
//	exit status
//	0           body and tasks succeeded, or ended in good order after a signal
//	1           a failure, which Main prints on standard error
//	2           a panic, with the trace that Go prints
//	128+signal  the second signal came
//
// Main and proc.Serve are the only functions in Hem that exit the process.
func Main(body func(ctx context.Context, s *Scope) error, opts ...Option) {
	if body == nil {
		panic("scope: Main with a nil body")
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	returned := false
	defer func() {
		if returned {
			return
		}
		if p := recover(); p != nil {
			panic(p) // with the frames it came from still on the stack
		}
		fmt.Fprintln(os.Stderr, "hem: the main scope called runtime.Goexit")
		os.Exit(1)
	}()
	over := make(chan struct{})
	err := Run(context.Background(), func(ctx context.Context, s *Scope) error {
		go s.obey(signals, over)
		return body(ctx, s)
	}, append([]Option{Name("main")}, opts...)...)
	returned = true
	close(over)
	if err != nil && !errors.As(err, new(stopSignal)) {
		fmt.Fprintln(os.Stderr, "hem:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// stopSignal is the cause with which a signal stops the main scope.
type stopSignal struct{ os.Signal }

func (s stopSignal) Error() string { return "stopped by signal: " + s.String() }

// obey turns signals into the two ways of stopping, and keeps the coarse clock
// that ages are told by. It is Main's own goroutine and no task of s, so that a
// second signal is heard whatever the tasks do.
func (s *Scope) obey(signals <-chan os.Signal, over <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for asked := false; ; {
		select {
		case sig := <-signals:
			if asked {
				s.abandon(sig)
			}
			asked = true
			s.Stop(stopSignal{sig})
		case <-tick.C:
			graph.Tick()
		case <-over:
			return
		}
	}
}

// abandon prints what still runs and exits.
func (s *Scope) abandon(sig os.Signal) {
	fmt.Fprintf(os.Stderr, "hem: second signal (%v): exiting while these still run\n", sig)
	s.eachInside(func(inner *Scope) {
		inner.group.Tasks(func(t *graph.Task) bool {
			fmt.Fprintln(os.Stderr, " ", t.Path())
			return true
		})
	})
	status := 1
	if n, ok := sig.(syscall.Signal); ok {
		status = 128 + int(n)
	}
	os.Exit(status)
}
