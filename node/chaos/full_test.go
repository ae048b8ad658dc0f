//go:build linux

package chaos_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/node/natslog"
)

// fileSystems are small ones, of 48 MiB, that can be filled.
var fileSystems = map[string]func(t *testing.T, dir string){
	"ext4": func(t *testing.T, dir string) {
		needs(t, "mkfs.ext4", "mount")
		image := filepath.Join(t.TempDir(), "image")
		if err := errors.Join(os.WriteFile(image, nil, 0o600), os.Truncate(image, 48<<20)); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("mkfs.ext4", "-q", "-F", "-m", "0", "-b", "4096", image).CombinedOutput(); err != nil {
			t.Fatalf("mkfs.ext4: %v\n%s", err, out)
		}
		if out, err := exec.Command("mount", "-o", "loop", image, dir).CombinedOutput(); err != nil {
			lacks(t, "loop devices: mount -o loop: %v %s", err, out)
		}
	},
	"tmpfs": func(t *testing.T, dir string) {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=48m"); err != nil {
			lacks(t, "the right to mount: %v", err)
		}
	},
}

// A shop is an owner over a log on a small file system, and what it has promised.
type shop struct {
	t     *testing.T
	root  string
	log   *natslog.Log
	owner *job.Owner

	mu        sync.Mutex
	accepted  map[job.ID]bool
	asked     map[job.ID]bool // to be completed
	completed map[job.ID]bool // also before it is known here that they were accepted
	refused   error           // the last refusal for want of room
}

// reserve is the room that is kept for jobs that are there already.
const reserve = 8 << 20

func (s *shop) open() {
	s.t.Helper()
	var err error
	if s.log, err = natslog.Open(s.t.Context(), filepath.Join(s.root, "log"), natslog.Config{MaxBytes: 1 << 30, Reserve: reserve, Log: quiet}); err != nil {
		s.t.Fatal(err)
	}
	if s.owner, err = job.Open(s.t.Context(), s.log, job.Config{SnapshotAfter: 1 << 20, Log: quiet}); err != nil {
		s.log.Close()
		s.t.Fatal(err)
	}
}

func (s *shop) close() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	in(s.t, 20*time.Second, "close", func() {
		if err := errors.Join(s.owner.Close(ctx), s.log.Close()); err != nil {
			s.t.Error(err)
		}
	})
}

// enqueue enqueues one job of about size bytes, and returns why it was refused if
// it was for want of room. Any other error fails the test.
func (s *shop) enqueue(ctx context.Context, size int) error {
	h, err := job.Enqueue(ctx, s.owner.Client(), work, make([]byte, size), job.Keep(time.Hour))
	switch {
	case err == nil:
		s.mu.Lock()
		s.accepted[h.ID()] = true
		s.mu.Unlock()
	case ctx.Err() != nil:
	case fault.KindOf(err) != fault.Overloaded, fault.Started(err), fault.HintOf(err) == "", !fault.Retryable(err):
		s.t.Errorf("refused with an error that is not overloaded, is started, has no hint, or is not worth trying again: %v", err)
	default:
		if _, ok := fault.RetryDelay(err); !ok {
			s.t.Errorf("refused with an error that does not say when to try again: %v", err)
		}
	}
	return err
}

// fill enqueues many jobs of about size bytes, or until there is no room.
func (s *shop) fill(many, size int) {
	s.t.Helper()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range many / 4 {
				if err := s.enqueue(s.t.Context(), size); err != nil {
					s.mu.Lock()
					s.refused = err
					s.mu.Unlock()
					return
				}
			}
		})
	}
	all.Wait()
}

// complete claims and completes jobs until there are none left or many were.
func (s *shop) complete(ctx context.Context, many int) error {
	w, err := s.owner.Client().Session(ctx, job.SessionConfig{})
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		w.Close(ctx) // where the log takes no more it cannot
	}()
	for many > 0 && s.left() > 0 {
		leases, err := w.Claim(ctx, min(many, 16), job.Filter{})
		if err != nil {
			return err
		}
		for _, l := range leases {
			s.mu.Lock()
			s.asked[l.ID()] = true
			s.mu.Unlock()
			if err := l.Complete(ctx, nil); err != nil {
				return err
			}
			s.mu.Lock()
			s.completed[l.ID()] = true
			s.mu.Unlock()
			many--
		}
	}
	return nil
}

// left is how many jobs that were accepted have not been completed.
func (s *shop) left() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.accepted {
		if !s.completed[id] {
			n++
		}
	}
	return n
}

// inspect checks that each job is as was promised.
func (s *shop) inspect() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	wrong := 0
	for id := range s.accepted {
		st, err := s.owner.Client().Status(s.t.Context(), id)
		if err == nil && (st.State == job.Done && s.asked[id] || st.State.Live() && !s.completed[id]) {
			continue
		}
		if wrong++; wrong <= 5 {
			s.t.Errorf("job %v, which was completed (%v), is %v: %v", id, s.completed[id], st.State, err)
		}
	}
	if wrong > 0 {
		s.t.Errorf("%d of %d jobs are not as was promised", wrong, len(s.accepted))
	}
}

// done is how many jobs were completed.
func (s *shop) done() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.completed)
}

// free is how many bytes the file system has left.
func (s *shop) free() int64 {
	var st syscall.Statfs_t
	if err := syscall.Statfs(s.root, &st); err != nil {
		s.t.Fatal(err)
	}
	return int64(st.Bavail) * st.Bsize
}

// ballast is a file that takes all the room but some.
func (s *shop) ballast(but int64) (remove func()) {
	s.t.Helper()
	name := filepath.Join(s.root, "ballast")
	f, err := os.Create(name)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	for size := s.free() - but; size > 0; size = s.free() - but {
		block := make([]byte, min(size, 1<<20))
		if _, err = f.Write(block); err != nil {
			break
		}
	}
	if err != nil && !errors.Is(err, syscall.ENOSPC) {
		s.t.Fatal(err)
	}
	return s.makeRoom
}

// makeRoom takes the ballast away, if it is there.
func (s *shop) makeRoom() {
	if err := os.Remove(filepath.Join(s.root, "ballast")); err != nil && !errors.Is(err, os.ErrNotExist) {
		s.t.Error(err)
	}
}

// within waits for f to be true. What it waits for is the file system's doing,
// of which there are no events.
func within(t *testing.T, d time.Duration, what string, f func() bool) {
	t.Helper()
	for began := time.Now(); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > d {
			t.Fatalf("not within %v: %s", d, what)
		}
	}
}

// inShop runs f with a shop on each of the file systems, which has no jobs yet.
// Afterwards it is opened again, and still has what it promised.
func inShop(t *testing.T, f func(t *testing.T, s *shop)) {
	onSmall(t, func(t *testing.T, root string) {
		s := &shop{t: t, root: root, accepted: map[job.ID]bool{}, asked: map[job.ID]bool{}, completed: map[job.ID]bool{}}
		s.open()
		defer func() { s.close() }()
		defer s.makeRoom()
		f(t, s)
		s.inspect()
		s.close()
		s.open()
		s.inspect()
		if err := s.enqueue(t.Context(), 1000); err != nil {
			t.Errorf("enqueue after reopening: %v", err)
		}
	})
}

// onSmall runs f on each of the file systems.
func onSmall(t *testing.T, f func(t *testing.T, root string)) {
	for name, mount := range fileSystems {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !apart(t) {
				return
			}
			root := t.TempDir()
			mount(t, root)
			defer func() {
				err := syscall.Unmount(root, 0)
				if err == syscall.EBUSY && t.Failed() { // by what has not ended
					err = syscall.Unmount(root, syscall.MNT_DETACH)
				}
				if err != nil {
					t.Error(err)
				}
			}()
			f(t, root)
		})
	}
}

func TestFullDiskRefusesNewJobsAndGoesOnWithTheOthers(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.fill(400, 1000)

		// Another file takes the room, but for half of what is kept.
		remove := s.ballast(reserve / 2)
		within(t, 5*time.Second, "new jobs are refused", func() bool { return s.enqueue(t.Context(), 1000) != nil })
		s.completeNow(200)
		if err := s.enqueue(t.Context(), 10); err == nil {
			t.Error("a new job was accepted while there is little room")
		}
		s.inspect()
		remove()
		within(t, 5*time.Second, "new jobs are accepted again", func() bool { return s.enqueue(t.Context(), 1000) == nil })

		// And then all of it, in the middle of the work.
		for e := effort(2); e.more(); {
			s.crowd()
			s.inspect()
		}
		within(t, 5*time.Second, "new jobs are accepted again", func() bool { return s.enqueue(t.Context(), 1000) == nil })
		s.completeNow(100)
	})
}

// A snapshot is no use where it does not fit: what room there is, completions
// need.
func TestRoomThatIsTooLittleForASnapshotIsLeftToTheJobsThatAreThere(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.fill(4000, 1000)
		remove := s.ballast(reserve / 2)
		within(t, 5*time.Second, "new jobs are refused", func() bool { return s.enqueue(t.Context(), 1000) != nil })
		s.completeNow(2000)
		remove()
		within(t, 5*time.Second, "new jobs are accepted again", func() bool { return s.enqueue(t.Context(), 1000) == nil })
	})
}

// Jobs that wait take as much of a snapshot as of the log. So that there is room
// for one, the last of them must be refused early.
func TestDiskThatIsFullOfWaitingJobsIsEmptiedByCompletingThem(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.fill(1<<20, 16<<10)
		t.Logf("%d jobs, %d KiB free: %v", len(s.accepted), s.free()>>10, s.refused)
		if fault.KindOf(s.refused) != fault.Overloaded || fault.HintOf(s.refused) == "" {
			t.Errorf("the last was refused with %v", s.refused)
		}
		s.completeNow(200)
		s.completeNow(s.left())
		within(t, 10*time.Second, "new jobs are accepted again", func() bool { return s.enqueue(t.Context(), 16<<10) == nil })
		t.Logf("%d KiB free", s.free()>>10)
	})
}

// A trim writes too: of each record that it removes from a block that stays, that
// it is gone.
func TestTrimOnAFullDiskEndsAndTheLogGoesOnWhenThereIsRoom(t *testing.T) {
	onSmall(t, func(t *testing.T, root string) {
		l, err := natslog.Open(t.Context(), filepath.Join(root, "log"), natslog.Config{MaxBytes: 1 << 30, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		for after := range uint64(2000) {
			if err := l.Append(t.Context(), after, make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
		}
		s := &shop{t: t, root: root}
		remove := s.ballast(0)
		in(t, 20*time.Second, "trim on a full disk", func() { err = l.Trim(t.Context(), 900) })
		t.Logf("trim on a full disk: %v", err)
		remove()
		in(t, 20*time.Second, "append when there is room again", func() { err = l.Append(t.Context(), 2000, make([]byte, 1000)) })
		if err != nil {
			t.Errorf("append when there is room again: %v", err)
		}
		in(t, 20*time.Second, "close", func() { err = l.Close() })
		if err != nil {
			t.Error(err)
		}
	})
}

// in runs f, and fails the test if it takes longer than d: then it is left to
// itself.
func in(t *testing.T, d time.Duration, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(d):
		stacks := make([]byte, 1<<20)
		t.Fatalf("%s has not ended after %v\n%s", what, d, stacks[:runtime.Stack(stacks, true)])
	}
}

// completeNow completes so many jobs, for which there is room.
func (s *shop) completeNow(many int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	if err := s.complete(ctx, many); err != nil {
		s.t.Fatalf("complete while there is little room: %v", err)
	}
}

// crowd has jobs enqueued and completed while another file takes all the room
// there is.
func (s *shop) crowd() {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	var all sync.WaitGroup
	var failed error
	defer func() {
		if cancel(); s.t.Failed() {
			all.Wait()
			s.t.Logf("%d of %d jobs were completed, %d are left, %d KiB free; complete: %v; owner: %v", s.done(), len(s.accepted), s.left(), s.free()>>10, failed, s.owner.Err())
		}
	}()
	for range 2 {
		all.Go(func() {
			for ctx.Err() == nil {
				if s.left() > 500 || s.enqueue(ctx, 1000) != nil {
					select {
					case <-time.After(20 * time.Millisecond):
					case <-ctx.Done():
					}
				}
			}
		})
	}
	all.Go(func() {
		for failed == nil && ctx.Err() == nil {
			failed = s.complete(ctx, 1<<30) // nil when it was faster than those who enqueue
		}
	})
	before := s.done()
	within(s.t, 5*time.Second, "jobs are completed", func() bool { return s.done() > before+5 })
	remove := s.ballast(0)
	time.Sleep(300 * time.Millisecond) // a full disk is not an event, but a state that lasts
	during := s.done()
	remove()
	within(s.t, 10*time.Second, "jobs are completed when there is room again", func() bool { return s.done() > during+5 })
	cancel()
	all.Wait()
	if failed != nil && !errors.Is(failed, context.Canceled) {
		s.t.Errorf("complete on a full disk: %v", failed)
	}
	s.t.Logf("of %d jobs %d were completed when the disk was full, %d when there was room again, %d in the end", len(s.accepted), before, during, s.done())
}
