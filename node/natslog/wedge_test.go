package natslog_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/node/natslog"
)

// small mounts a file system of size bytes, or skips the test.
func small(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("no file system of its own can be mounted here (%v): run it as root, or under unshare -rm", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// stuff fills the file system of path to the last byte.
func stuff(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4096, 1} {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

func TestLogThatRanIntoAFullDiskGoesOnWhenThereIsSpaceAgain(t *testing.T) {
	root := small(t, "32m")
	l := open(t, filepath.Join(root, "log"), quiet())
	l.Blind()
	fill(t, l, 0, 40)
	for round := range uint64(3) {
		last := 40 + round*10
		stuff(t, filepath.Join(root, "ballast"))
		for range 3 {
			began := time.Now()
			err := l.Append(t.Context(), last, make([]byte, 100_000))
			if !errors.Is(err, job.ErrFull) && !errors.Is(err, job.ErrUnknown) {
				t.Fatalf("append to a full disk: got %v", err)
			}
			t.Logf("after %v: %v", time.Since(began).Round(time.Millisecond), err)
		}
		if err := os.Remove(filepath.Join(root, "ballast")); err != nil {
			t.Fatal(err)
		}
		fill(t, l, last, last+10)
		has(t, l, 1, last+10)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	has(t, open(t, filepath.Join(root, "log"), quiet()), 1, 70)
}

func TestReadersSeeEveryRecordWhileTheStoreIsReopened(t *testing.T) {
	root := small(t, "32m")
	l := open(t, filepath.Join(root, "log"), quiet())
	l.Blind()
	fill(t, l, 0, 200)
	stuff(t, filepath.Join(root, "ballast"))
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for reads := 0; ; reads++ {
				has(t, l, 1, 200)
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for range 10 {
		if err := l.Append(t.Context(), 200, make([]byte, 100_000)); err == nil {
			t.Error("the disk is not full")
		}
	}
	close(stop)
	readers.Wait()
}

func TestTrimOnAFullDiskMakesRoom(t *testing.T) {
	root := small(t, "32m")
	l := open(t, filepath.Join(root, "log"), quiet())
	l.Blind()
	big := make([]byte, 500_000)
	for after := range uint64(40) {
		if err := l.Append(t.Context(), after, big); err != nil {
			t.Fatal(err)
		}
	}
	stuff(t, filepath.Join(root, "ballast"))
	if err := l.Append(t.Context(), 40, big); err == nil {
		t.Fatal("the disk is not full")
	}
	if err := l.Trim(t.Context(), 40); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(t.Context(), 40, big); err != nil {
		t.Fatalf("append after 20 MB were trimmed: %v", err)
	}
}

func TestLogThatSeesTheDiskFillUpRefusesBeforeItIsFull(t *testing.T) {
	root := small(t, "32m")
	c := quiet()
	c.Reserve = 4 << 20
	l := open(t, filepath.Join(root, "log"), c)
	if err := l.Low(); err != nil {
		t.Fatalf("an empty log on an empty disk: %v", err)
	}
	stuff(t, filepath.Join(root, "ballast"))
	time.Sleep(150 * time.Millisecond) // what is known of the disk may be that old
	if err := l.Low(); err == nil {
		t.Error("Low on a full disk is nil")
	} else {
		t.Log(err)
	}
	if err := l.Append(t.Context(), 0, []byte("no")); !errors.Is(err, job.ErrFull) {
		t.Errorf("append to a full disk: got %v, want %q", err, job.ErrFull)
	}
	os.Remove(filepath.Join(root, "ballast"))
	time.Sleep(150 * time.Millisecond)
	if err := l.Low(); err != nil {
		t.Errorf("Low when there is space again: %v", err)
	}
	fill(t, l, 0, 5)
	has(t, l, 1, 5)
}

func TestLimitRefusesRecordsAndLowComesFirst(t *testing.T) {
	c := quiet()
	c.MaxBytes, c.Reserve = 4<<20, 1<<20
	l := open(t, filepath.Join(t.TempDir(), "log"), c)
	rec := make([]byte, 100_000)
	after, lowAt := uint64(0), uint64(0)
	for {
		if lowAt == 0 && l.Low() != nil {
			lowAt = after
		}
		err := l.Append(t.Context(), after, rec)
		if errors.Is(err, job.ErrFull) {
			t.Log(err)
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		after++
	}
	if lowAt < 30 || lowAt > 33 || after < 40 || after > 42 {
		t.Errorf("low at %d and full at %d records of 100,000 bytes in 4 MiB with a reserve of 1 MiB", lowAt, after)
	}
	if err := l.Trim(t.Context(), after); err != nil {
		t.Fatal(err)
	}
	if err := l.Low(); err != nil {
		t.Errorf("Low after a trim: %v", err)
	}
	if err := l.Append(t.Context(), after, rec); err != nil {
		t.Errorf("append after a trim: %v", err)
	}
}

var _ job.Log = (*natslog.Log)(nil)
