package natslog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hemgo/hem/job"
)

// errNoSpace says that the store is closed until there is room.
var errNoSpace = errors.New("there is no space left on the file system")

// reopenEvery is how often reopening is tried.
const reopenEvery = 250 * time.Millisecond

// reopen replaces a server that cannot write any more by another one over the
// same files: it stays as it is even when there is space again. The directory
// remains locked. The caller has the writing token.
func (l *Log) reopen(ctx context.Context) error {
	if wait := reopenEvery - time.Since(l.tried); l.node.Load() == nil && wait > 0 {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	l.tried = time.Now()
	said := "it could not be opened"
	if n := l.node.Swap(nil); n != nil {
		said = n.said()
		if n.stop() != nil {
			return l.stuckError()
		}
	}
	l.c.Log.Warn("natslog: reopening the store", "dir", l.dir, "why", said)
	if err := rewriteTail(l.dir); err != nil {
		return fmt.Errorf("write the last block again: %w", err)
	}
	err := l.start(ctx)
	switch {
	case errors.Is(err, job.ErrDamaged):
		l.broken.CompareAndSwap(nil, &err)
	case err != nil && l.room.free() < leastFree:
		err = fmt.Errorf("%w: %w", errNoSpace, err)
	}
	return err
}

// rewriteTail writes the newest block in place once more, and flushes it. After
// a flush that failed, Linux takes what it could not write for clean: it can be
// read, is not on the disk, and the next flush succeeds. A record that is found
// after reopening must be on the disk.
func rewriteTail(dir string) error {
	f, err := openTail(dir)
	if f == nil {
		return err
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(b, 0); err != nil {
		return err
	}
	return f.Sync()
}

// syncTail brings to the disk what a process that was killed had written and not
// flushed: it is going to be read, and believed.
func (l *Log) syncTail() error {
	if l.c.unsynced {
		return nil
	}
	f, err := openTail(l.dir)
	if f == nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return err
	}
	return syncDir(filepath.Dir(f.Name()))
}

// openTail opens the newest block, or nothing if there is none.
func openTail(dir string) (*os.File, error) {
	entries, err := os.ReadDir(blocksDir(dir))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil // the comparison with the head will say what that means
	}
	newest, name := 0, ""
	for _, e := range entries {
		number, isBlock := strings.CutSuffix(e.Name(), ".blk")
		if n, err := strconv.Atoi(number); isBlock && err == nil && n >= newest {
			newest, name = n, e.Name()
		}
	}
	if err != nil || name == "" {
		return nil, err
	}
	return os.OpenFile(filepath.Join(blocksDir(dir), name), os.O_RDWR, 0)
}

// tries bounds how often one call sees the store replaced under it. A full disk
// has it replaced at every append.
const tries = 20

// try calls f with the server, and again with a new one as long as it finds that
// the one it had has been replaced, or has to be.
func (l *Log) try(ctx context.Context, f func(*node) error) error {
	for left := tries; ; left-- {
		n := l.node.Load()
		err := errors.New("the store is being reopened")
		if n != nil {
			err = f(n)
		}
		switch {
		case err == nil, left == 0, ctx.Err() != nil, n != nil && n.works(ctx):
			return err
		case errors.Is(err, errGap) && left < tries: // a new server finds it missing as well
			return err
		}
		if err := l.replace(ctx, n); err != nil {
			return err
		}
	}
}

// replace reopens the store unless somebody else has done so since n was seen.
func (l *Log) replace(ctx context.Context, n *node) error {
	select {
	case <-l.writing:
		defer func() { l.writing <- struct{}{} }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if now := l.node.Load(); now != nil && now != n {
		return nil
	}
	return l.reopen(ctx)
}

// works reports whether n answers.
func (n *node) works(ctx context.Context) bool {
	_, err := n.extent(ctx)
	return err == nil && n.trouble.Load() == nil
}
