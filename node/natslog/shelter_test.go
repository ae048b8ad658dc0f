package natslog_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/node/natslog"
)

// stored makes a log of so many records in a new directory, which is closed.
func stored(t *testing.T, records uint64) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "log")
	l := open(t, dir, quiet())
	fill(t, l, 0, records)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// The server deletes a stream that it cannot open: no space, no descriptors.
func TestAStreamThatTheServerHasDeletedWhileOpeningItIsPutBack(t *testing.T) {
	for name, lose := range map[string]func(stream string) error{
		"nothing":     func(string) error { return nil },
		"all":         os.RemoveAll,
		"its blocks":  func(stream string) error { return os.RemoveAll(filepath.Join(stream, "msgs")) },
		"its meaning": func(stream string) error { return os.Remove(filepath.Join(stream, "meta.inf")) },
		"one block":   func(stream string) error { return os.Remove(filepath.Join(stream, "msgs", "1.blk")) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := stored(t, 40)
			if err := natslog.TakeShelter(dir); err != nil {
				t.Fatal(err)
			}
			if err := lose(filepath.Dir(msgsOf(dir))); err != nil {
				t.Fatal(err)
			}
			l := open(t, dir, quiet())
			has(t, l, 1, 40)
			fill(t, l, 40, 50)
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			has(t, open(t, dir, quiet()), 1, 50)
		})
	}
}

// Without a shelter it is damage, which is left as it is.
func TestAStreamThatSomebodyElseHasDeletedIsDamage(t *testing.T) {
	dir := stored(t, 40)
	if err := os.RemoveAll(filepath.Dir(msgsOf(dir))); err != nil {
		t.Fatal(err)
	}
	if _, err := natslog.Open(t.Context(), dir, quiet()); !errors.Is(err, job.ErrDamaged) {
		t.Errorf("got %v", err)
	}
}

func TestAnOpenLogHasNoShelter(t *testing.T) {
	dir := stored(t, 40)
	l := open(t, dir, quiet())
	fill(t, l, 40, 41)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "shelter") || e.Name() == "clean" {
			t.Errorf("there is %s", e.Name())
		}
	}
}

// A block that could not be written, and an index that was: the store has a record
// less than its index says, and the one more was acknowledged to nobody.
func TestAnIndexThatIsAheadOfTheBlocksIsNotBelieved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	l := open(t, dir, quiet())
	fill(t, l, 0, 9)
	crashed := filepath.Join(t.TempDir(), "crashed")
	if err := os.CopyFS(crashed, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	fill(t, l, 9, 10)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	ahead, err := os.Open(filepath.Join(msgsOf(dir), "index.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer ahead.Close()
	to, err := os.Create(filepath.Join(msgsOf(crashed), "index.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, ahead); err != nil {
		t.Fatal(err)
	}
	to.Close()
	again := open(t, crashed, quiet())
	has(t, again, 1, 9)
	fill(t, again, 9, 12)
	has(t, again, 1, 12)
}
