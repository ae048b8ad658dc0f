//go:build linux

package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/node/natslog"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/task"
)

// A realm is a fleet whose owner is in a process of its own as well, and so are some
// who call.
type realm struct {
	*fleet
	remote  *job.Remote
	dir     string
	owner   *hand
	callers []*hand

	down    []outage
	dead    map[int]int64 // callers by process, and when they were killed
	started int64         // when the present owner was, in nanoseconds
}

// An outage is when an owner was killed, and when the next one was started.
type outage struct{ from, to int64 }

const (
	owning  = "owning"
	calling = "calling"
)

const mostOfKey = 2

func newRealm(t *testing.T, hands, callers int) *realm {
	t.Helper()
	dir := t.TempDir()
	re := &realm{
		fleet: &fleet{t: t, socket: filepath.Join(dir, "s"), store: filepath.Join(dir, "store")},
		dir:   filepath.Join(dir, "log"), dead: make(map[int]int64),
	}
	re.start()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var err error
	if re.remote, err = reach(ctx, re.socket); err != nil {
		t.Fatalf("%v\n%s", err, re.owner.stderr.Bytes())
	}
	re.client = re.remote.Client()
	t.Cleanup(func() {
		for _, h := range append(re.callers, re.crew...) {
			h.end()
		}
		if err := re.remote.Close(context.Background()); err != nil {
			t.Error(err)
		}
		re.owner.end()
	})
	for range hands {
		re.crew = append(re.crew, re.hire())
	}
	for range callers {
		re.callers = append(re.callers, re.begin(calling, farOrder{re.socket, re.store, 0}))
	}
	return re
}

// start starts an owner.
func (re *realm) start() {
	re.started = time.Now().UnixNano()
	re.owner = re.begin(owning, farOrder{re.socket, re.dir, 0})
}

// fall kills the owner, and starts another after some time.
func (re *realm) fall(away time.Duration) {
	re.t.Helper()
	select {
	case <-re.owner.ended:
		re.t.Fatalf("the owner has ended by itself\n%s", re.owner.stderr.Bytes())
	default:
	}
	re.owner.kill()
	from := time.Now().UnixNano()
	time.Sleep(away)
	re.start()
	re.down = append(re.down, outage{from, re.started})
}

// bury kills a caller, and begins another.
func (re *realm) bury(i int) {
	re.callers[i].kill()
	re.dead[re.callers[i].cmd.Process.Pid] = time.Now().UnixNano()
	re.callers[i] = re.begin(calling, farOrder{re.socket, re.store, 0})
}

// callsForLong begins one more caller, and returns which it is once its longest call
// is worked on.
func (re *realm) callsForLong() int {
	re.t.Helper()
	h := re.begin(calling, farOrder{re.socket, re.store, 0})
	re.callers = append(re.callers, h)
	path := fmt.Sprintf("call-%d-2-0", h.cmd.Process.Pid)
	var from int64
	for began := time.Now(); time.Since(began) < patience; time.Sleep(10 * time.Millisecond) {
		var all []line
		all, from = re.lines(from)
		for _, l := range all {
			if l.what == "begins" && l.path == path {
				return len(re.callers) - 1
			}
		}
	}
	re.t.Fatalf("nobody works for a new caller\n%s", h.stderr.Bytes())
	return 0
}

// ownFar is all that an owner does.
func ownFar() error {
	var o farOrder
	ctx, err := ordered(&o)
	if err != nil {
		return err
	}
	l, err := natslog.Open(ctx, o.Store, natslog.Config{Log: quiet})
	if err != nil {
		return err
	}
	owner, err := job.Open(ctx, l, job.Config{Limits: map[string]job.LimitConfig{"key": {Running: mostOfKey}}, Log: quiet})
	if err != nil {
		return err
	}
	if err := os.Remove(o.Socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	at, err := net.Listen("unix", o.Socket)
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := at.Accept()
			if err != nil {
				return
			}
			all.Go(func() { _ = owner.Serve(ctx, conn) })
		}
	})
	select {
	case <-ctx.Done():
	case <-owner.Done():
		err = owner.Err()
	}
	at.Close()
	all.Wait()
	return errors.Join(err, owner.Close(context.Background()), l.Close())
}

// A chore is work of many steps.
type chore struct {
	Path  string
	Steps int
}

// step is how long a step takes.
const step = 50 * time.Millisecond

// do notes each step, and how it ends: a fenced attempt has noted that it was.
func do(ctx context.Context, c chore) (string, error) {
	note(ctx, "begins", c.Path)
	for range c.Steps {
		if err := scope.Sleep(ctx, step); err != nil {
			note(ctx, "stops-"+fault.KindOf(context.Cause(ctx)).String(), c.Path)
			return "", err
		}
		note(ctx, "works", c.Path)
	}
	note(ctx, "ends", c.Path)
	return c.Path, nil
}

var (
	steady       = task.Define("steady", do)
	called       = task.Define("called", do)
	calledByName = task.Define("called-by-name", do).Keyed(func(c chore) string { return c.Path })
)

// callFar is all that a caller does: it calls and enqueues, and waits for all of it.
func callFar() error {
	ctx, _, r, err := arrive()
	if err != nil {
		return err
	}
	c := r.Client()
	var all sync.WaitGroup
	for i := range 3 {
		all.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				path := fmt.Sprintf("call-%d-%d-%d", os.Getpid(), i, n)
				if _, err := called.Do(ctx, c, chore{path, 40 + 300*i}); err == nil {
					note(ctx, "has", path)
				}
				path = fmt.Sprintf("named-%d-%d-%d", os.Getpid(), i, n)
				if _, err := calledByName.Do(ctx, c.With(job.Attempts(1000), job.Backoff(0, 0)), chore{path, 20}); err == nil {
					note(ctx, "has", path)
				}
			}
		})
	}
	all.Go(func() {
		for n := 0; scope.Sleep(ctx, 300*time.Millisecond) == nil; n++ {
			path := fmt.Sprintf("enqueued-%d-%d", os.Getpid(), n)
			h, err := job.Enqueue(ctx, c.With(job.Attempts(1000), job.Backoff(0, 0)), steady, chore{path, 10})
			if err != nil {
				continue
			}
			note(ctx, "accepted", fmt.Sprintf("%s=%d", path, h.ID()))
			all.Go(func() {
				if _, err := h.Wait(ctx); err == nil {
					note(ctx, "has", path)
				}
			})
		}
	})
	all.Wait()
	return r.Close(context.Background())
}

// accepted are the jobs that callers, dead or alive, were promised.
func (re *realm) accepted() (ids []job.ID) {
	all, _ := re.lines(0)
	for _, l := range all {
		if l.what != "accepted" {
			continue
		}
		_, text, _ := strings.Cut(l.path, "=")
		id, err := job.ParseID(text)
		if err != nil {
			re.t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}
