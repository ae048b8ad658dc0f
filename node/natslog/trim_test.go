package natslog_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/node/natslog"
)

// trimmable is a log of several blocks in dir: 900 large records.
func trimmable(t *testing.T, dir string) *natslog.Log {
	t.Helper()
	l := open(t, dir, natslog.Unsynced(quiet()))
	for after := range uint64(900) {
		if err := l.Append(t.Context(), after, large(after+1)); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// hasLarge checks that l has the large records first to last.
func hasLarge(t *testing.T, l job.Log, first, last uint64) {
	t.Helper()
	n := first
	err := l.Read(t.Context(), first, func(seq uint64, rec []byte) error {
		if seq != n || string(rec) != string(large(seq)) {
			t.Errorf("record %d, wanted %d, is not what was appended", seq, n)
		}
		n++
		return nil
	})
	if err != nil || n != last+1 {
		t.Errorf("read %d to %d of %d: %v", first, n-1, last, err)
	}
}

// A loss of power may keep the older of two files whose removal was under way
// and not the newer one. That is no damage: both had been trimmed.
func TestTrimThatLostPowerMayLeaveAnyOfWhatItRemoved(t *testing.T) {
	root := t.TempDir()
	dir, before := filepath.Join(root, "log"), filepath.Join(root, "before")
	l := trimmable(t, dir)
	copyDir(t, dir, before)
	if err := l.Trim(t.Context(), 880); err != nil {
		t.Fatal(err)
	}
	l.Close()
	blocks := only(filesOf(t, before), ".blk")
	if len(blocks) < 3 {
		t.Fatalf("%d blocks are too few to lose one in the middle", len(blocks))
	}
	if err := copyFile(filepath.Join(before, blocks[0]), filepath.Join(dir, blocks[0])); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(msgsOf(dir), "index.db")); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, quiet())
	hasLarge(t, l, 880, 900)
	if first, last, err := l.Bounds(t.Context()); first != 880 || last != 900 || err != nil {
		t.Errorf("bounds are %d, %d, %v", first, last, err)
	}
}

func TestTrimThatWasInterruptedIsFinishedByOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	l := trimmable(t, dir)
	ctx, cancel := context.WithCancelCause(t.Context())
	errEnough := errors.New("enough")
	natslog.AfterStep(l, func() { cancel(errEnough) })
	if err := l.Trim(ctx, 890); !errors.Is(err, errEnough) {
		t.Fatalf("trim that is cut short: %v", err)
	}
	left := len(only(filesOf(t, dir), ".blk"))
	hasLarge(t, l, 890, 900)
	l.Close()
	if left < 2 {
		t.Fatalf("%d blocks were left: nothing was interrupted", left)
	}
	l = open(t, dir, quiet())
	hasLarge(t, l, 890, 900)
	if now := len(only(filesOf(t, dir), ".blk")); now >= left {
		t.Errorf("%d blocks are left, of %d before", now, left)
	}
}
