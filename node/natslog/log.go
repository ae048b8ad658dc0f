package natslog

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
)

// A Log is a [job.Log] in a directory of this machine. [Open] makes it.
type Log struct {
	dir  string
	c    Config
	lock *os.File
	head *headFile
	room room

	writing  chan struct{} // has a token while nobody appends or reopens
	trimming chan struct{} // has one while nobody trims

	mu     sync.Mutex
	closed bool
	calls  sync.WaitGroup // that are under way; added to with mu held

	node   atomic.Pointer[node] // nil while the store cannot be opened; set with the writing token
	broken atomic.Pointer[error]
	stuck  atomic.Bool // the server does not end; then broken is set
	tried  time.Time   // when reopening was tried last; with the writing token

	ended chan struct{} // closed when keep is to end
	kept  sync.WaitGroup

	afterStep func() // a test's

	// Always:
	//   L1. Whoever holds the writing token is the only one who sends records, so
	//       at most one append's outcome is open, and answers come in order.
	//   L2. A record that Append has returned nil for is at or before head.last.
	//   L3. broken, once set, stays: a damaged log is not gone on with.
}

// Open opens the log in dir, or makes one if dir is empty or does not exist.
//
// # Errors
//
// An error of kind fault.Overloaded if another log holds dir, in this process or
// in another: it may be let go, so trying again is worth it. fault.Invalid if
// dir cannot be a log: it has other things in it, cannot be written to, or a
// newer version wrote it. job.ErrDamaged if what was there is not there any more.
func Open(ctx context.Context, dir string, c Config) (*Log, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, refuse(dir, fault.Invalid, err, "name it in full")
	}
	if err := checkOurs(dir); err != nil {
		return nil, err
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	lock, err := takeLock(dir)
	if err != nil {
		return nil, err
	}
	l := &Log{dir: dir, c: c, lock: lock,
		writing: make(chan struct{}, 1), trimming: make(chan struct{}, 1), ended: make(chan struct{})}
	if err := l.open(ctx); err != nil {
		l.release()
		return nil, err
	}
	l.writing <- struct{}{}
	l.trimming <- struct{}{}
	l.kept.Go(l.keep)
	return l, nil
}

// open does what is left for Open to do once dir is locked.
func (l *Log) open(ctx context.Context) error {
	fresh, err := isNew(l.dir, l.lock)
	if err != nil {
		return err
	}
	if fresh {
		h := head{oldest: 1}
		rand.Read(h.id[:])
		if err := createHead(l.dir, h); err != nil {
			return refuse(l.dir, fault.Invalid, err, "it must be a directory that can be written to")
		}
	}
	l.head, err = openHead(l.dir, l.c.unsynced)
	switch {
	case errors.Is(err, errHeadNewer):
		return refuse(l.dir, fault.Invalid, err, "update this program")
	case errors.Is(err, errHeadDamaged):
		return damaged(l.dir, "neither slot of the file "+headName+" is whole")
	case err != nil:
		return refuse(l.dir, fault.Invalid, err, "the file "+headName+" must be one that can be written to")
	}
	if !l.head.get().live {
		return l.make(ctx)
	}
	if !l.c.unchecked {
		if err := l.checkNumbers(); err != nil {
			return err
		}
	}
	return l.start(ctx)
}

// make gives a new store its stream. If it was interrupted before, it begins
// again: nothing has been promised yet.
func (l *Log) make(ctx context.Context) error {
	if err := os.RemoveAll(filepath.Join(l.dir, storeName)); err != nil {
		return refuse(l.dir, fault.Invalid, err, "it must be a directory that can be written to")
	}
	n, err := startNode(l.dir, l.c)
	if err != nil {
		return refuse(l.dir, fault.Failed, err, "see what the log says")
	}
	err = n.create(ctx, l.id())
	err = errors.Join(err, n.stop()) // what follows opens it as everyone does, and so proves that one can
	if err == nil {
		keepIndex(l.dir)
		err = syncDir(l.dir)
	}
	if err == nil {
		err = l.head.begin()
	}
	if err == nil {
		err = sign(l.lock, l.head.get().id)
	}
	if err != nil {
		return refuse(l.dir, fault.Failed, fmt.Errorf("make the stream: %w", err), "try again")
	}
	return l.start(ctx)
}

func (l *Log) id() string {
	id := l.head.get().id
	return hex.EncodeToString(id[:])
}

// start starts the server over the store and compares what it has with the head.
func (l *Log) start(ctx context.Context) error {
	if err := fromShelter(l.dir); err != nil {
		return refuse(l.dir, fault.Failed, err, "see what the log says")
	}
	if _, err := os.Stat(filepath.Join(l.dir, storeName)); err != nil {
		return damaged(l.dir, "the directory "+storeName+" is missing")
	}
	if err := l.syncTail(); err != nil {
		return refuse(l.dir, fault.Failed, err, "see what the log says")
	}
	if err := dropIndex(l.dir); err != nil {
		return l.unopened(err)
	}
	if err := takeShelter(l.dir); err != nil {
		return l.unopened(fmt.Errorf("link the store's files: %w", err))
	}
	n, err := startNode(l.dir, l.c)
	if err != nil {
		return l.putBack(l.unopened(err))
	}
	e, err := l.compare(ctx, n)
	if err == nil {
		err = l.catchUp(ctx, n, e)
	}
	if err != nil {
		if n.stop() != nil {
			return l.stuckError() // what is in the shelter is put back by who comes next
		}
		if errors.Is(err, job.ErrDamaged) && (n.saidFull() || deleted(l.dir)) {
			err = l.unopened(errors.New(n.said())) // it has not seen what there is
		}
		return l.putBack(err)
	}
	if err := leaveShelter(l.dir); err != nil {
		if n.stop() != nil {
			return l.stuckError()
		}
		return l.unopened(err)
	}
	if oldest := l.head.get().oldest; e.first < oldest { // a trim was interrupted, or left part of a block
		to, err := l.nextBlock(e.first, oldest, oldest)
		if err == nil && to > 0 {
			err = n.purge(ctx, to)
		}
		if err != nil {
			l.c.Log.Warn("natslog: trimmed records not removed yet", "dir", l.dir, "err", err)
		}
	}
	l.room.settle(l.dir, &l.c, e.bytes)
	l.node.Store(n)
	return nil
}

// unopened is the error of a store that could not be opened this time.
func (l *Log) unopened(why error) error {
	if saysFull(why.Error()) {
		why = fmt.Errorf("%w: %w", errNoSpace, why)
	}
	return refuse(l.dir, fault.Failed, why, "see what the log says, and try again")
}

// putBack puts the stream back that the server may have deleted, and returns why it
// could not be opened.
func (l *Log) putBack(why error) error {
	if err := fromShelter(l.dir); err != nil {
		return errors.Join(why, err)
	}
	return why
}

// catchUp notes in the head what was stored and not noted any more. From now on
// it is seen, so from now on it must not be lost.
func (l *Log) catchUp(ctx context.Context, n *node, e extent) error {
	h := l.head.get()
	if e.last <= h.last || e.last < h.oldest {
		return nil
	}
	rec, err := n.get(ctx, e.last)
	if err != nil {
		return damaged(l.dir, fmt.Sprintf("record %d cannot be read: %v", e.last, err))
	}
	if err := l.head.stored(e.last, hashOf(rec)); err != nil {
		return refuse(l.dir, fault.Failed, err, "the file "+headName+" must be one that can be written to")
	}
	return nil
}

// compare holds what the stream has against what the head says.
func (l *Log) compare(ctx context.Context, n *node) (extent, error) {
	e, err := n.extent(ctx)
	if errors.Is(err, errNoStream) {
		return e, damaged(l.dir, "the stream is missing, or its description cannot be read: "+n.said())
	}
	if err != nil {
		return e, refuse(l.dir, fault.Failed, err, "see what the log says")
	}
	if l.c.unchecked {
		return e, nil
	}
	h := l.head.get()
	switch {
	case e.id != l.id():
		return e, damaged(l.dir, "the records are those of another log")
	case e.last < h.last:
		return e, damaged(l.dir, fmt.Sprintf("it ends at record %d, and %d was stored", e.last, h.last))
	case e.last < h.oldest && h.oldest > 1 || e.first > h.oldest && e.first > 1:
		return e, damaged(l.dir, fmt.Sprintf("it has records %d to %d, and those from %d were kept", e.first, e.last, h.oldest))
	case h.last == 0 || h.last < h.oldest:
		return e, nil
	}
	rec, err := n.get(ctx, h.last)
	if err != nil {
		return e, damaged(l.dir, fmt.Sprintf("record %d cannot be read: %v", h.last, err))
	}
	if hashOf(rec) != h.hash {
		return e, damaged(l.dir, fmt.Sprintf("record %d is not what was stored", h.last))
	}
	return e, nil
}

// keep brings the head to the disk each second.
func (l *Log) keep() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := l.head.sync(); err != nil {
				l.c.Log.Error("natslog: head not synced", "dir", l.dir, "err", err)
			}
		case <-l.ended:
			return
		}
	}
}

// enter begins a call, unless the log is closed or damaged. leave ends it.
func (l *Log) enter() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return fmt.Errorf("natslog: %s: %w", l.dir, job.ErrClosed)
	}
	if err := l.broken.Load(); err != nil {
		return *err
	}
	l.calls.Add(1)
	return nil
}

func (l *Log) leave() { l.calls.Done() }

// Bounds is [job.Log.Bounds]. It is never stale when nobody appends.
func (l *Log) Bounds(ctx context.Context) (first, last uint64, err error) {
	if err := l.enter(); err != nil {
		return 0, 0, err
	}
	defer l.leave()
	e, err := l.extent(ctx)
	return e.first, e.last, err
}

// extent is what the log has now, as a caller may see it.
func (l *Log) extent(ctx context.Context) (extent, error) {
	var e extent
	stored := l.head.get().last // before asking: others append meanwhile
	err := l.try(ctx, func(n *node) (err error) {
		e, err = n.extent(ctx)
		return err
	})
	if err != nil {
		return extent{}, err
	}
	if e.last < stored && !l.c.unchecked {
		return e, l.condemn(fmt.Sprintf("it ends at record %d, and %d was stored", e.last, stored))
	}
	e.first = max(e.first, l.head.get().oldest)
	return e, nil
}

// stuckError is of a log whose server does not end. The log is closed for good, and
// so is the directory, until this process is.
func (l *Log) stuckError() error {
	l.stuck.Store(true)
	err := error(&fault.Error{Op: "natslog: log", Task: l.dir, Kind: fault.Failed, Started: true,
		Err: fmt.Errorf("%w: %w", job.ErrClosed, errStuck), Hint: "start this process again; nothing that was acknowledged is lost"})
	l.broken.CompareAndSwap(nil, &err)
	return err
}

// condemn stops the log for good.
func (l *Log) condemn(why string) error {
	err := damaged(l.dir, why)
	l.broken.CompareAndSwap(nil, &err)
	return err
}

// Close is [job.Log.Close].
func (l *Log) Close() error {
	l.mu.Lock()
	was := l.closed
	l.closed = true
	l.mu.Unlock()
	l.calls.Wait()
	if was {
		return nil
	}
	close(l.ended)
	l.kept.Wait()
	return l.release()
}

// release gives everything back, the directory last. If the server does not end,
// the directory stays locked: it might yet write.
func (l *Log) release() error {
	var err error
	if l.stuck.Load() {
		return l.stuckError()
	}
	if n := l.node.Load(); n != nil {
		if n.stop() != nil {
			return l.stuckError()
		}
		if n.trouble.Load() == nil {
			keepIndex(l.dir)
		}
	}
	if l.head != nil {
		err = l.head.close()
	}
	if cerr := l.lock.Close(); err == nil {
		err = cerr
	}
	return err
}
