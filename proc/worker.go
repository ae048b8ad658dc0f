package proc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/proc/internal/child"
	"github.com/hemgo/hem/proc/internal/frame"
)

type state uint8

const (
	starting state = iota
	idle
	busy
	leaving // it was told to, or is being killed
	ended
)

// String is the state's name.
func (s state) String() string {
	return [...]string{"starting", "idle", "busy", "leaving", "ended"}[s]
}

// A worker is one process, from its start to its end. Its live is a goroutine of
// its own, which waits for that end. While the worker is idle nobody reads.
//
//	W1. in is written to, and exchange set, by the one whose call it is.
//	W2. After the process has ended no exchange is left unsettled.
type worker struct {
	house *house

	// Guarded by house.mu.
	state     state
	since     time.Time // when it came into its state
	calls     int
	due       bool // it is to be replaced
	callLimit int  // of calls; zero: none
	born      time.Time
	expires   time.Time // zero: never
	greeted   bool      // it has been ready
	early     bool      // it ended before it had been of use

	// Written by live before the worker is ready, never again.
	child *child.Child
	in    *pipe    // to the process
	out   *os.File // from it
	tasks map[string]struct{}

	send sync.Mutex // a whole frame is written at a time
	w    *frame.Writer

	// talk is held from before a request is written until no more is read for
	// it. Who buries the worker waits for it, so that what arrived before the
	// end is heard.
	talk    sync.Mutex
	r       *frame.Reader
	broken  chan error  // of capacity one: why nothing more is to be read
	spoiled atomic.Bool // something is in broken: no call is given to w

	mu       sync.Mutex
	exchange *exchange // nil: no call
	buried   bool      // the process has ended, and nobody settles an exchange any more
	doomed   bool      // it is to be killed
	reason   string    // why; the first counts

	lastCall uint64 // the number of the newest; that caller's own
}

// Blocked is false: what the process waits for is not known here.
func (w *worker) Blocked(*graph.Task, func(*graph.Task) bool) bool { return false }

// Label names the process.
func (w *worker) Label() graph.Label {
	return graph.Label{Kind: "process", Name: fmt.Sprintf("%s pid %d", w.house.Name, w.child.Pid())}
}

// spent reports whether the worker has begun its last call.
func (w *worker) spent() bool { return w.callLimit > 0 && w.calls >= w.callLimit }

// live starts the process, waits until it ends or breaks the protocol, and sees
// to what it leaves.
func (w *worker) live() {
	h := w.house
	heard := w.start()
	if heard == nil {
		heard = w.greet()
	}
	if heard == nil {
		h.ready(w)
		select {
		case heard = <-w.broken:
		case <-w.child.Ended():
			heard = io.EOF
		}
	}
	h.gone(w, w.bury(heard))
}

// breaks says that nothing more is to be read from w, and why.
func (w *worker) breaks(why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.breakLocked(why)
}

func (w *worker) breakLocked(why error) {
	w.spoiled.Store(true)
	select {
	case w.broken <- why:
	default: // the first counts
	}
}

// start starts the process.
func (w *worker) start() error {
	theirIn, in, err := os.Pipe()
	if err != nil {
		return err
	}
	defer theirIn.Close()
	out, theirOut, err := os.Pipe()
	if err != nil {
		in.Close()
		return err
	}
	defer theirOut.Close()
	h := w.house
	widen(in)
	widen(out)
	w.in, w.out = &pipe{File: in}, out
	w.w = frame.NewWriter(w.in)
	c, err := h.nursery.Start(child.Spec{
		Path:   h.path,
		Args:   h.Command,
		Env:    h.environ(),
		Dir:    h.Dir,
		Files:  []*os.File{theirIn, theirOut},
		Output: w.print,
	})
	if err != nil {
		w.in.Close()
		w.out.Close()
		return err
	}
	w.mu.Lock()
	w.child = c
	doomed := w.doomed
	w.mu.Unlock()
	if doomed {
		c.Kill()
	}
	go w.closeBehind()
	return nil
}

// lateOutput is how long what a process has sent is waited for after its end.
const lateOutput = 200 * time.Millisecond

// closeBehind sees to it that nobody waits for a process that has ended, also
// where another holds its descriptors.
func (w *worker) closeBehind() {
	<-w.child.Ended()
	w.out.SetReadDeadline(time.Now().Add(lateOutput))
	w.in.SetWriteDeadline(time.Now())
}

// greet reads the worker's first frame, and answers it.
func (w *worker) greet() error {
	h := w.house
	w.out.SetReadDeadline(time.Now().Add(h.StartTimeout))
	w.r = frame.NewReader(openSpinner(w.out), maxGreeting)
	f, err := w.r.Next()
	if err != nil {
		return w.wrongStart(err)
	}
	if f.Kind != frame.Hello {
		return &violation{"its first message is not a hello but a " + f.Kind.String(), nil}
	}
	var g frame.Greeting
	if err := json.Unmarshal(f.Body, &g); err != nil {
		return &violation{"its hello cannot be read", err}
	}
	w.tasks = make(map[string]struct{}, len(g.Tasks))
	for _, name := range g.Tasks {
		w.tasks[name] = struct{}{}
	}
	w.out.SetReadDeadline(time.Time{})
	w.r.SetLimit(h.MaxPayload + roomBeside)
	terms, err := json.Marshal(frame.Terms{MaxPayload: h.MaxPayload, Pool: h.Name})
	if err != nil {
		return err
	}
	return w.write(frame.Welcome, 0, nil, terms)
}

const (
	maxGreeting = 1 << 20

	// roomBeside is for errors, which have a limit of their own, where payloads
	// have a small one.
	roomBeside = 4 << 20
)

// wrongStart says what err, of reading the first frame, means.
func (w *worker) wrongStart(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &violation{"it has not said hello within " + w.house.StartTimeout.String(), nil}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return err // it has ended; bury says how
	}
	return &violation{"it does not speak the worker protocol", err}
}

var errUnasked = &violation{"it sent something while it had no call", nil}

// strays reports whether w, which has no call, has sent something.
func (w *worker) strays() bool { return w.r.Buffered() > 0 || unread(w.out) > 0 }

// write writes one frame.
func (w *worker) write(k frame.Kind, call uint64, head, body []byte) error {
	w.send.Lock()
	defer w.send.Unlock()
	return w.w.Write(k, call, head, body)
}

// leave tells the process to leave. It has no call, so that its end of the pipe
// is empty.
func (w *worker) leave() { w.in.Close() }

// kill ends the process with all that it has started. The first reason counts.
func (w *worker) kill(reason string) {
	w.mu.Lock()
	if !w.doomed {
		w.doomed, w.reason = true, reason
	}
	c := w.child
	w.mu.Unlock()
	if c != nil {
		c.Kill()
	}
}

// bury waits until the process has gone, ends the call it had, and returns why
// it ended unasked, nil if it was told to leave. heard is why nothing more is
// read from it.
func (w *worker) bury(heard error) error {
	h := w.house
	if w.child == nil {
		h.ends(w)
		return w.lost(heard)
	}
	w.hasten(heard)
	<-w.child.Ended()
	w.talk.Lock()
	defer w.talk.Unlock()
	unread := unread(w.in.File)
	w.in.Close()
	w.out.Close()
	was := h.ends(w)
	e := w.exitError()
	w.mu.Lock()
	x := w.exchange
	w.buried = true
	w.mu.Unlock()
	switch {
	case was == leaving:
		return nil
	case x != nil && x.died(e, unread), was == starting, h.isClosing():
	default:
		h.Log.Warn("proc: a worker ended that had begun no call", "pool", h.Name, "pid", e.Pid, "error", e)
		graph.Report(graph.Finding{Code: "proc.worker-lost", Detail: "pool " + h.Name + ": " + e.Error()})
	}
	return w.lost(e)
}

// slowEnd is how long a process may live when nothing can be read from it any
// more: an exit closes descriptors before it is one.
const slowEnd = 500 * time.Millisecond

// hasten sees to it that the process ends, since nothing more is read from it.
func (w *worker) hasten(heard error) {
	if v := (*violation)(nil); errors.As(heard, &v) {
		w.kill(v.Error())
		return
	}
	if !errors.Is(heard, io.EOF) && !errors.Is(heard, io.ErrUnexpectedEOF) && !errors.Is(heard, os.ErrDeadlineExceeded) {
		w.kill("what it sent cannot be read: " + heard.Error())
		return
	}
	patience := slowEnd
	if w.house.toldToLeave(w) {
		patience = w.house.Grace
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-w.child.Ended():
	case <-timer.C:
		w.kill(reasonSilent)
	}
}
