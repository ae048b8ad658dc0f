package child

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// writeTo writes to a file of a cgroup, which must be there: none is created.
func writeTo(dir, file, text string) error {
	f, err := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// wordsOf are the words in a file of a cgroup; none if it cannot be read.
func wordsOf(dir, file string) []string {
	text, _ := os.ReadFile(filepath.Join(dir, file))
	return strings.Fields(string(text))
}

// figure is the one number in a file.
func figure(dir, file string) (n int64, ok bool) {
	text, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return 0, false
	}
	n, err = strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64)
	return n, err == nil
}

// lookup is the number after key in a file of keys and numbers.
func lookup(dir, file, key string) (n int64, ok bool) {
	words := wordsOf(dir, file)
	for pair := range slices.Chunk(words, 2) {
		if pair[0] == key && len(pair) == 2 {
			n, err := strconv.ParseInt(pair[1], 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

// valueOf is lookup with zero for what is not known.
func valueOf(dir, file, key string) int64 {
	n, _ := lookup(dir, file, key)
	return n
}

// removeDirs removes a cgroup and those below it. The kernel may call one busy
// for a moment after its last process has gone. If somebody is in one of them,
// it stays, with those above.
func removeDirs(dir string) {
	below, _ := os.ReadDir(dir)
	for _, d := range below {
		if d.IsDir() {
			removeDirs(filepath.Join(dir, d.Name()))
		}
	}
	for pause := time.Millisecond; pause < 200*time.Millisecond; pause *= 2 {
		// Not os.Remove: it would take a file as well.
		err := syscall.Rmdir(dir)
		if err == nil || errors.Is(err, fs.ErrNotExist) || valueOf(dir, "cgroup.events", "populated") > 0 {
			return
		}
		time.Sleep(pause)
	}
}

// reason is the error without the file, which was named already.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
