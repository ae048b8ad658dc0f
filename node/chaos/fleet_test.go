//go:build linux

package chaos_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/node/natslog"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/task"
)

// A fleet is workers in processes of their own, which do the jobs of an owner in
// this one, over a socket, and write what they do to a file: the store, in which
// lines of all of them are in the order in which they were written.
type fleet struct {
	t      *testing.T
	owner  *job.Owner
	client *job.Client
	socket string
	store  string
	crew   []*hand
}

// A hand is one of the processes.
type hand struct {
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	stderr  head
	ended   chan struct{}
	stopped atomic.Bool
	resumed atomic.Int64 // when it was let go on last, in nanoseconds
}

// farOrder is what a hand is to do.
type farOrder struct {
	Socket, Store string
	Slots         int
}

// far is a life that works for an owner elsewhere.
const far = "far"

func newFleet(t *testing.T, conf job.Config, hands int) *fleet {
	t.Helper()
	dir := t.TempDir()
	log, err := natslog.Open(t.Context(), filepath.Join(dir, "log"), natslog.Config{Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	conf.Log = quiet
	owner, err := job.Open(t.Context(), log, conf)
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{t: t, owner: owner, client: owner.Client(), socket: filepath.Join(dir, "s"), store: filepath.Join(dir, "store")}
	serving, stop := context.WithCancel(context.Background())
	l, err := net.Listen("unix", f.socket)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { _ = owner.Serve(serving, conn) }) // a hand that was killed breaks it
		}
	})
	t.Cleanup(func() {
		for _, h := range f.crew {
			h.end()
		}
		l.Close()
		stop()
		all.Wait()
		if err := errors.Join(owner.Close(context.Background()), log.Close()); err != nil {
			t.Error(err)
		}
	})
	for range hands {
		f.crew = append(f.crew, f.hire())
	}
	return f
}

// hire starts a hand.
func (f *fleet) hire() *hand {
	f.t.Helper()
	return f.begin(far, farOrder{f.socket, f.store, 24})
}

// begin starts a life of some kind.
func (f *fleet) begin(kind string, order any) *hand {
	f.t.Helper()
	h := &hand{ended: make(chan struct{})}
	h.cmd = exec.Command(os.Args[0])
	h.cmd.Env = append(os.Environ(), lifeEnv+"="+kind, "GORACE=atexit_sleep_ms=0")
	h.cmd.Stderr = &h.stderr
	var err error
	if h.stdin, err = h.cmd.StdinPipe(); err != nil {
		f.t.Fatal(err)
	}
	ended, err := start(h.cmd)
	if err != nil {
		f.t.Fatal(err)
	}
	go func() {
		<-ended
		close(h.ended)
	}()
	if err := json.NewEncoder(h.stdin).Encode(order); err != nil {
		f.t.Fatal(err)
	}
	return h
}

func (h *hand) kill() {
	h.cmd.Process.Kill()
	<-h.ended
}

// end ends a hand in good order, or else.
func (h *hand) end() {
	h.cmd.Process.Signal(syscall.SIGCONT)
	h.stdin.Close()
	select {
	case <-h.ended:
	case <-time.After(patience):
		h.kill()
	}
}

// pause stops a hand for some time, and returns at once.
func (h *hand) pause(d time.Duration) {
	if !h.stopped.CompareAndSwap(false, true) {
		return
	}
	h.cmd.Process.Signal(syscall.SIGSTOP)
	time.AfterFunc(d, func() {
		h.resumed.Store(time.Now().UnixNano())
		h.stopped.Store(false)
		h.cmd.Process.Signal(syscall.SIGCONT)
	})
}

// ordered takes an order, and returns a context that ends when there is no more.
func ordered(o any) (context.Context, error) {
	if err := json.NewDecoder(os.Stdin).Decode(o); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return ctx, nil
}

// reach connects to who serves at a socket.
func reach(ctx context.Context, socket string) (*job.Remote, error) {
	return job.Connect(ctx, func(ctx context.Context) (io.ReadWriteCloser, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}, job.ConnectConfig{Log: quiet})
}

var quiet = slog.New(slog.DiscardHandler)

// arrive is how a process far away begins: it is told what to do, opens the store, and
// finds the owner.
func arrive() (ctx context.Context, o farOrder, r *job.Remote, err error) {
	if ctx, err = ordered(&o); err != nil {
		return ctx, o, nil, err
	}
	if store, err = os.OpenFile(o.Store, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600); err != nil {
		return ctx, o, nil, err
	}
	r, err = reach(ctx, o.Socket)
	return ctx, o, r, err
}

// workFar is all that a hand does.
func workFar() error {
	ctx, o, r, err := arrive()
	if err != nil {
		return err
	}
	err = job.Work(ctx, r.Client(), job.WorkerConfig{Tasks: fleetTasks, Slots: o.Slots, Grace: time.Second, Log: quiet})
	return errors.Join(err, r.Close(context.Background()))
}

// store is where a hand writes what it does.
var store *os.File

// note writes a line: what, of which work, by whom, under which epoch, when.
func note(ctx context.Context, what, path string) {
	token, _ := job.Token(ctx)
	fmt.Fprintf(store, "%s %s %d %d %d\n", what, path, os.Getpid(), token.Epoch, time.Now().UnixNano())
}

// A line is one of the store.
type line struct {
	what, path string
	pid        int
	epoch      uint32
	at         int64
}

// lines are those of the store, from an offset on; more is where it ends.
func (f *fleet) lines(from int64) (all []line, more int64) {
	r, err := os.Open(f.store)
	if errors.Is(err, os.ErrNotExist) {
		return nil, 0
	}
	if err != nil {
		f.t.Fatal(err)
	}
	defer r.Close()
	r.Seek(from, io.SeekStart)
	in := bufio.NewReader(r)
	for {
		text, err := in.ReadString('\n')
		if err != nil {
			return all, from
		}
		from += int64(len(text))
		w := strings.Fields(text)
		if len(w) != 5 {
			f.t.Fatalf("the store has %q", text)
		}
		pid, _ := strconv.Atoi(w[2])
		epoch, _ := strconv.ParseUint(w[3], 10, 32)
		at, _ := strconv.ParseInt(w[4], 10, 64)
		all = append(all, line{w[0], w[1], pid, uint32(epoch), at})
	}
}

// A branch is what there is to do below a task of a tree.
type branch struct {
	Path  string
	Below []int         // how many children, at each level
	Takes time.Duration // a leaf; 0 is some milliseconds
}

var fleetTasks = []task.Task{keptRoot, keptMiddle, keptLeaf, root, middle, leaf, limited, steady, called, calledByName}

// A kept tree is of keyed children, a plain one of attached ones.
var (
	keptLeaf   = task.Define("kept-leaf", grow).Keyed(pathOf)
	keptMiddle = task.Define("kept-middle", spread(keptLeaf.Do)).Keyed(pathOf)
	keptRoot   = task.Define("kept-root", spread(keptMiddle.Do)).Keyed(pathOf)

	leaf   = task.Define("leaf", grow)
	middle = task.Define("middle", spread(leaf.Do))
	root   = task.Define("root", spread(middle.Do))
)

func pathOf(b branch) string { return b.Path }

// grow is the work of a leaf.
func grow(ctx context.Context, b branch) (int, error) {
	note(ctx, "begins", b.Path)
	takes := b.Takes
	if takes == 0 {
		takes = time.Duration(1+len(b.Path)%5) * time.Millisecond
	}
	if err := scope.Sleep(ctx, takes); err != nil {
		return 0, err
	}
	return 1, nil
}

// spread is the work of what is above: all its children, a few at a time.
func spread(do func(context.Context, task.Runner, branch) (int, error)) func(context.Context, branch) (int, error) {
	return func(ctx context.Context, b branch) (int, error) {
		note(ctx, "begins", b.Path)
		below := make([]branch, b.Below[0])
		for i := range below {
			below[i] = branch{fmt.Sprintf("%s/%d", b.Path, i), b.Below[1:], b.Takes}
		}
		wide := 10
		if b.Takes > 0 && len(b.Below) == 1 {
			wide = 1 // so that many a branch has nothing where something happens, and would go on
		}
		counts, err := scope.Map(ctx, wide, below, func(ctx context.Context, child branch) (int, error) {
			n, err := do(ctx, job.Current(ctx), child)
			if err == nil {
				note(ctx, "has", child.Path) // so its result was recorded before
			}
			return n, err
		})
		sum := 0
		for _, n := range counts {
			sum += n
		}
		return sum, err
	}
}

// limited is work of which only some is done at a time, step by step.
var limited = task.Define("limited", func(ctx context.Context, n int) (int, error) {
	path := strconv.Itoa(n)
	note(ctx, "begins", path)
	for range 8 {
		if err := scope.Sleep(ctx, 2*time.Millisecond); err != nil {
			return 0, err
		}
		note(ctx, "works", path)
	}
	return n, nil
})
