package proc_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hemgo/hem/inspect"
	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/task"
)

// patience is how long tests wait for what is to happen at once: it bounds a
// test that fails, and is no measure of one that passes.
const patience = time.Minute

// silent is a log that nobody reads.
var silent = slog.New(slog.DiscardHandler)

// post leaves a note for whoever looks into dir. It is there whole or not.
func post(dir, name string, v any) {
	hidden := filepath.Join(dir, "."+name)
	if err := os.WriteFile(hidden, fmt.Append(nil, v), 0o644); err != nil {
		panic(err)
	}
	if err := os.Rename(hidden, filepath.Join(dir, name)); err != nil {
		panic(err)
	}
}

// posted returns the notes in dir whose names begin so.
func posted(dir, prefix string) map[string]string {
	notes := map[string]string{}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			text, _ := os.ReadFile(filepath.Join(dir, e.Name()))
			notes[e.Name()] = string(text)
		}
	}
	return notes
}

// until waits for f.
func until(t testing.TB, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !f(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v in vain until %s", patience, what)
		}
	}
}

// waitFor waits for a note, and returns what it says.
func waitFor(t testing.TB, dir, name string) (text string) {
	t.Helper()
	until(t, "somebody posts "+name, func() bool {
		notes := posted(dir, name)
		text = notes[name]
		_, there := notes[name]
		return there
	})
	return text
}

// waitForPid waits for a note that is a pid.
func waitForPid(t testing.TB, dir, name string) int {
	t.Helper()
	pid, err := strconv.Atoi(waitFor(t, dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// stat returns the fields of a process's stat from the third, its state, on;
// nil if it is not there.
func stat(pid int) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	return strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
}

// alive reports whether pid is a process that is not dead: a zombie is.
func alive(pid int) bool {
	s := stat(pid)
	return s != nil && s[0] != "Z" && s[0] != "X"
}

// stillAlive returns those of dir's notes "pid …" that are of living processes.
func stillAlive(t testing.TB, dir string) (living []string) {
	t.Helper()
	for name, text := range posted(dir, "pid ") {
		if pid, err := strconv.Atoi(text); err != nil {
			t.Errorf("note %q says %q", name, text)
		} else if alive(pid) {
			living = append(living, fmt.Sprintf("%s (%d)", name, pid))
		}
	}
	slices.Sort(living)
	return living
}

// withEnviron returns the living processes in whose environment entry is.
func withEnviron(entry string) (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() || !alive(pid) {
			continue
		}
		env, _ := os.ReadFile("/proc/" + e.Name() + "/environ")
		if slices.Contains(strings.Split(string(env), "\x00"), entry) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// kill kills a process that a test has started, and waits until it has gone.
func kill(t testing.TB, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatalf("killing %d: %v", pid, err)
	}
	until(t, "the process that was killed has gone", func() bool { return !alive(pid) })
}

// A meeting is where so many calls at once come together.
type meeting struct {
	Dir string
	N   int
}

// meet waits until N of its calls run at once, and returns its process.
var meet = task.Define("proc.meet", func(ctx context.Context, m meeting) (int, error) {
	post(m.Dir, "at "+strconv.Itoa(os.Getpid()), "")
	for len(posted(m.Dir, "at ")) < m.N {
		if err := context.Cause(ctx); err != nil {
			return 0, err
		}
		time.Sleep(2 * time.Millisecond)
	}
	return os.Getpid(), nil
})

// linger waits until somebody posts "go", and returns its process. N of it
// tell it from others.
var linger = task.Define("proc.linger", func(ctx context.Context, m meeting) (int, error) {
	post(m.Dir, "pid linger "+strconv.Itoa(m.N), os.Getpid())
	for len(posted(m.Dir, "go")) == 0 {
		if err := context.Cause(ctx); err != nil {
			return 0, err
		}
		time.Sleep(2 * time.Millisecond)
	}
	return os.Getpid(), nil
})

func init() { testTasks = append(testTasks, meet, linger) }

// isWhole checks that p runs as many calls at once as it has workers, and
// returns their processes.
func isWhole(t testing.TB, p *proc.Pool, workers int) []int {
	t.Helper()
	m := meeting{Dir: t.TempDir(), N: workers}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	pids, errs := make([]int, workers), make([]error, workers)
	var calls sync.WaitGroup
	for i := range workers {
		calls.Go(func() { pids[i], errs[i] = meet.Do(ctx, p, m) })
	}
	calls.Wait()
	for _, err := range errs {
		if err != nil {
			t.Fatalf("the pool is not whole: %v", err)
		}
	}
	slices.Sort(pids)
	if len(slices.Compact(slices.Clone(pids))) != workers {
		t.Fatalf("%d calls at once ran in processes %v", workers, pids)
	}
	return pids
}

// Bystanders are calls that run while something happens to another.
type bystanders struct {
	dir   string
	calls sync.WaitGroup
	errs  []error
}

// beside begins n calls on p, and returns when they run.
func beside(t testing.TB, p *proc.Pool, n int) *bystanders {
	t.Helper()
	b := &bystanders{dir: t.TempDir(), errs: make([]error, n)}
	for i := range n {
		b.calls.Go(func() {
			ran, err := linger.Do(t.Context(), p, meeting{Dir: b.dir, N: i})
			if began := posted(b.dir, "pid ")["pid linger "+strconv.Itoa(i)]; err == nil && began != strconv.Itoa(ran) {
				err = fmt.Errorf("it began in process %s and ended in %d", began, ran)
			}
			b.errs[i] = err
		})
	}
	until(t, "bystanders run", func() bool { return len(posted(b.dir, "pid ")) == n })
	return b
}

// unharmed lets b end, and checks that it is well.
func (b *bystanders) unharmed(t testing.TB) {
	t.Helper()
	post(b.dir, "go", "")
	b.calls.Wait()
	for i, err := range b.errs {
		if err != nil {
			t.Errorf("bystander %d was harmed: %v", i, err)
		}
	}
}

// figuresOf returns what inspect says of the pool, nil if nothing.
func figuresOf(pool string) map[string]string {
	for _, p := range inspect.Take().Places {
		if p.Kind != "proc" || p.Name != pool {
			continue
		}
		figures := map[string]string{}
		for _, f := range p.Figures {
			figures[f.Name] = fmt.Sprint(f.Value)
		}
		return figures
	}
	return nil
}

// figureOf returns a figure that is a number.
func figureOf(pool, name string) int {
	n, err := strconv.Atoi(figuresOf(pool)[name])
	if err != nil {
		return -1
	}
	return n
}
