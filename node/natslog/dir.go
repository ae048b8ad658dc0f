package natslog

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
)

// The names in a store's directory.
const (
	lockName  = "LOCK"
	headName  = "head"
	storeName = "jetstream" // the server's choice
)

// blocksDir is where the server keeps the stream's messages.
func blocksDir(dir string) string {
	return filepath.Join(dir, storeName, "$G", "streams", streamName, "msgs")
}

// refuse is an error of Open: what is wrong with dir, and what to do.
func refuse(dir string, kind fault.Kind, why error, hint string) error {
	return &fault.Error{Op: "natslog: open", Task: dir, Kind: kind, Err: why, Hint: hint}
}

const restoreHint = "restore the directory from a copy, or start another one without these jobs; nothing has been changed here"

// damaged is an error that stops a log: what is wrong with dir, and where.
func damaged(dir, why string) error {
	return &fault.Error{Op: "natslog: log", Task: dir, Kind: fault.Failed, Started: true,
		Err: fault.Permanent(fmt.Errorf("%w: %s", job.ErrDamaged, why)), Hint: restoreHint}
}

// makeDir sees to it that dir is a directory that can be written to.
func makeDir(dir string) error {
	if dir == "" {
		return refuse(dir, fault.Invalid, errors.New("the directory has no name"), "name one")
	}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return refuse(dir, fault.Invalid, err, "make it, or name another")
		}
		return syncDir(filepath.Dir(filepath.Clean(dir)))
	case err != nil:
		return refuse(dir, fault.Invalid, err, "name a directory that can be reached")
	case !info.IsDir():
		return refuse(dir, fault.Invalid, errors.New("it is not a directory"), "name a directory")
	}
	return nil
}

// takeLock makes dir this log's until the file is closed. The server has no lock
// of its own: two of them in one directory take each other's records.
func takeLock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, refuse(dir, fault.Invalid, err, "it must be a directory that can be written to")
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	f.Close()
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, refuse(dir, fault.Invalid, fmt.Errorf("flock of %s: %w", lockName, err), "use a file system that has locks")
	}
	return nil, refuse(dir, fault.Overloaded, errors.New("it is held by another log, of this process or of another one"),
		"close that one, or name another directory; fuser "+filepath.Join(dir, lockName)+" finds it")
}

// sign writes the store's id into its lock file: if all the rest is gone, the
// directory is still known to have been a store.
func sign(lock *os.File, id [16]byte) error {
	if _, err := lock.WriteAt([]byte("hem log "+hex.EncodeToString(id[:])+"\n"), 0); err != nil {
		return err
	}
	return lock.Sync()
}

// checkOurs refuses a dir that has other things in it than a log, before
// anything in it is touched.
func checkOurs(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return refuse(dir, fault.Invalid, err, "it must be a directory that can be read")
	}
	var foreign []string
	for _, e := range entries {
		switch name := e.Name(); name {
		case headName, storeName:
			return nil
		case lockName, headName + ".new", "lost+found":
		default:
			foreign = append(foreign, name)
		}
	}
	if len(foreign) == 0 {
		return nil
	}
	return refuse(dir, fault.Invalid, fmt.Errorf("it is not a log of jobs: it has %s in it", some(foreign)),
		"name an empty directory, or one that does not exist")
}

// isNew reports whether dir, of which lock is held, is to become a store: one
// that has never been one, as far as can be known.
func isNew(dir string, lock *os.File) (bool, error) {
	_, err := os.Lstat(filepath.Join(dir, headName))
	if !errors.Is(err, os.ErrNotExist) {
		return false, nil // what is wrong with it, opening it will say
	}
	_, err = os.Lstat(filepath.Join(dir, storeName))
	info, signed := lock.Stat()
	if err == nil || signed != nil || info.Size() > 0 {
		return false, damaged(dir, "the file "+headName+" is missing")
	}
	return true, nil
}

// some is the first few of names.
func some(names []string) string {
	const few = 3
	if more := len(names) - few; more > 0 {
		return strings.Join(names[:few], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(names, ", ")
}
