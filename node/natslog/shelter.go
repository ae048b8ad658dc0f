package natslog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Version 2.15.2 of the server deletes a stream that it cannot open, all of it and
// whatever the reason is: no space left, no descriptors left, a disk that fails once
// (addStreamWithAssignment, mset.stop(true)). So each of its files has a second name
// while it opens them.
//
//	streams/log ──link each──▶ shelter.new ──▶ shelter
//	     │ open                                   │
//	     ├─ good: shelter is taken down           │
//	     └─ bad, or this process is killed: ◀─────┘ takes its place
//
// Nothing is appended while there is a shelter: so what is in it is all that was
// promised.
const shelterName = "shelter"

func streamDir(dir string) string { return filepath.Dir(blocksDir(dir)) }

// takeShelter gives the stream's files second names. Where there are none to be had
// (a file system without links) the server is trusted as before.
func takeShelter(dir string) error {
	from, made := streamDir(dir), filepath.Join(dir, shelterName+".new")
	if err := errors.Join(os.RemoveAll(made), os.RemoveAll(filepath.Join(dir, shelterName+".old"))); err != nil {
		return err
	}
	var dirs []string
	err := filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		to := filepath.Join(made, rel)
		if d.IsDir() {
			dirs = append(dirs, to)
			return os.Mkdir(to, 0o700)
		}
		return os.Link(name, to)
	})
	switch {
	case errors.Is(err, fs.ErrNotExist): // the comparison with the head says what that means
		return os.RemoveAll(made)
	case errors.Is(err, syscall.EPERM), errors.Is(err, errors.ErrUnsupported):
		return os.RemoveAll(made)
	case err != nil:
		return errors.Join(err, os.RemoveAll(made))
	}
	for _, d := range dirs {
		if err := syncDir(d); err != nil {
			return err
		}
	}
	if err := os.Rename(made, filepath.Join(dir, shelterName)); err != nil {
		return err
	}
	return syncDir(dir)
}

// leaveShelter takes it down: the stream is open.
func leaveShelter(dir string) error {
	old := filepath.Join(dir, shelterName+".old")
	err := os.Rename(filepath.Join(dir, shelterName), old)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = syncDir(dir) // or a record could be forgotten that is appended from now on
	}
	if err == nil {
		_ = os.RemoveAll(old) // else the next shelter does
	}
	return err
}

// deleted reports whether the stream is in the shelter alone.
func deleted(dir string) bool {
	_, there := os.Lstat(streamDir(dir))
	_, sheltered := os.Lstat(filepath.Join(dir, shelterName))
	return errors.Is(there, fs.ErrNotExist) && sheltered == nil
}

// fromShelter lets what is in the shelter, if there is one, take the place of what
// the server has left of the stream. No server runs.
func fromShelter(dir string) error {
	shelter, to := filepath.Join(dir, shelterName), streamDir(dir)
	if _, err := os.Lstat(shelter); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	var err error
	for range 10 { // the server removes what it has found empty, at some time
		err = os.RemoveAll(to)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(to), 0o700)
		}
		if err == nil {
			err = os.Rename(shelter, to)
		}
		if err == nil {
			return errors.Join(syncDir(filepath.Dir(to)), syncDir(dir))
		}
	}
	return fmt.Errorf("put back what is in %s: %w", shelterName, err)
}
