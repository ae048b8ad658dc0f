package proc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"syscall"

	"github.com/hemgo/hem/proc/internal/child"
	"github.com/hemgo/hem/proc/internal/frame"
	"github.com/hemgo/hem/task"
)

// Serve makes the program its own worker. Call it first thing in main, before
// flags are parsed and files opened, with the tasks that workers are to know:
//
//	func main() {
//		proc.Serve(Resize, Index)
//		…
//	}
//
// and, for tests of what uses a [Pool], in the test binary's:
//
//	func TestMain(m *testing.M) {
//		proc.Serve(Resize, Index)
//		os.Exit(m.Run())
//	}
//
// In a process that a [Pool] started it serves calls until that pool lets it go,
// and never returns: deferred functions of main are not run. In any other it
// returns at once. It is needed for every [Pool], also where all workers are
// other commands, since the program starts a second one of itself as the guard
// that ends the workers if this process is killed.
//
// Package-level variables and init functions are run in workers and in the guard
// too, so they should not do what takes long.
//
// A worker ignores SIGINT, SIGTERM and SIGHUP, which a terminal or a service
// manager sends to all of a service's processes: it is its host that decides.
//
// # Panics
//
// Serve panics if a task is nil, or two have one name.
func Serve(tasks ...task.Task) {
	known := make(map[string]task.Task, len(tasks))
	for _, t := range tasks {
		if t == nil {
			panic("proc: Serve with a nil task")
		}
		if _, taken := known[t.Name()]; taken {
			panic(fmt.Sprintf("proc: Serve with two tasks called %q", t.Name()))
		}
		known[t.Name()] = t
	}
	child.Prepare()
	if os.Getenv(envRole) != roleWorker {
		return
	}
	os.Unsetenv(envRole) // or what a task starts would take itself for a worker
	err := serve(known)
	if err == nil {
		os.Exit(0)
	}
	fmt.Fprintln(os.Stderr, "proc: worker:", err)
	os.Exit(exitProtocol)
}

// exitProtocol is the exit status of a worker that cannot speak with its host.
const exitProtocol = 3

// descriptors of a worker.
const (
	fdIn  = 3
	fdOut = 4
)

var errNotStartedByPool = errors.New("descriptors 3 and 4 are not those of a pool: HEM_PROC=worker is set for workers alone")

// serve is a worker's main.
func serve(known map[string]task.Task) error {
	in, out, err := ownPipes()
	if err != nil {
		return err
	}
	signal.Notify(make(chan os.Signal, 1), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	names := make([]string, 0, len(known))
	for name := range known {
		names = append(names, name)
	}
	slices.Sort(names)
	hello, err := json.Marshal(frame.Greeting{Worker: "hem " + runtime.Version(), Tasks: names})
	if err != nil {
		return err
	}
	s := &servant{
		known: known,
		r:     frame.NewReader(openSpinner(in), maxGreeting),
		out:   out,
		w:     frame.NewWriter(out),
		ended: make(chan error, 1),
	}
	if err := s.write(frame.Hello, 0, hello); err != nil {
		return err
	}
	if err := s.agree(); err != nil {
		return hostGone(err)
	}
	go s.lead()
	return hostGone(<-s.ended)
}

// agree reads what the host says to the hello.
func (s *servant) agree() error {
	f, err := s.r.Next()
	if err != nil {
		return err
	}
	if f.Kind != frame.Welcome {
		return fmt.Errorf("the host's first message is no welcome but a %v", f.Kind)
	}
	var terms frame.Terms
	if err := json.Unmarshal(f.Body, &terms); err != nil {
		return fmt.Errorf("the host's welcome cannot be read: %w", err)
	}
	s.limit = terms.MaxPayload
	s.r.SetLimit(terms.MaxPayload + roomBeside)
	return nil
}

// hostGone is what the error of reading from the host means: nil if it let the
// worker go.
func hostGone(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
