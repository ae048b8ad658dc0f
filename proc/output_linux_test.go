package proc_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/task"
)

// A ledger is a log that is kept.
type ledger struct {
	mu      sync.Mutex
	entries []map[string]string
}

func (l *ledger) Enabled(context.Context, slog.Level) bool { return true }
func (l *ledger) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *ledger) WithGroup(string) slog.Handler            { return l }

func (l *ledger) Handle(_ context.Context, r slog.Record) error {
	e := map[string]string{"msg": r.Message, "level": r.Level.String()}
	r.Attrs(func(a slog.Attr) bool {
		e[a.Key] = a.Value.String()
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, e)
	return nil
}

// find returns the entries whose attributes include those of want.
func (l *ledger) find(want map[string]string) (found []map[string]string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.entries {
		fits := true
		for k, v := range want {
			fits = fits && e[k] == v
		}
		if fits {
			found = append(found, e)
		}
	}
	return found
}

func TestWhatWorkersPrintIsLoggedAndDamagesNothing(t *testing.T) {
	t.Parallel()
	var kept ledger
	p := open(t, proc.Config{Name: "chatty", Workers: 1, Log: slog.New(&kept)})
	worker, err := misbehave.Do(t.Context(), p, crime{How: "chat", Dir: t.TempDir(), N: 50})
	if err != nil {
		t.Fatal(err)
	}
	if again := isWhole(t, p, 1); again[0] != worker {
		t.Error("the worker that prints was replaced")
	}
	for i := range 50 {
		for stream, text := range map[string]string{"stdout": fmt.Sprintf("out %d Hm\x01\x07\x00\x00", i), "stderr": fmt.Sprintf("err %d", i)} {
			want := map[string]string{"pool": "chatty", "stream": stream, "line": text, "pid": fmt.Sprint(worker)}
			until(t, "it is logged that "+text, func() bool { return len(kept.find(want)) == 1 })
		}
	}
	if err := p.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(kept.find(map[string]string{"line": "without an end"})) != 1 {
		t.Error("a last line without an end is not logged")
	}
}

func TestEndOfAWorkerWithoutACallIsLogged(t *testing.T) {
	t.Parallel()
	var kept ledger
	p := open(t, proc.Config{Name: "mortal", Workers: 1, Log: slog.New(&kept)})
	worker := isWhole(t, p, 1)[0]
	kill(t, worker)
	isWhole(t, p, 1)
	until(t, "it is logged", func() bool {
		return slices.ContainsFunc(kept.find(map[string]string{"level": "WARN", "pool": "mortal", "pid": fmt.Sprint(worker)}),
			func(e map[string]string) bool { return strings.Contains(e["error"], "signal 9") })
	})
}

func TestPoolThatIsWellLogsNothing(t *testing.T) {
	t.Parallel()
	var kept ledger
	p, err := proc.New(proc.Config{Workers: 3, Retire: proc.Retire{Calls: 2}, Log: slog.New(&kept)})
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := pid.Do(t.Context(), p, task.Void{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if all := kept.find(nil); all != nil {
		t.Errorf("it logs %q", all)
	}
}

// surroundings is what a worker sees of its environment.
type surroundings struct {
	Dir, Added, Inherited, Role, Child string
}

var look = task.Define("proc.look", func(_ context.Context, program string) (surroundings, error) {
	dir, err := os.Getwd()
	s := surroundings{Dir: dir, Added: os.Getenv("HEM_PROC_TEST_ADDED"), Inherited: os.Getenv("PATH"), Role: os.Getenv("HEM_PROC")}
	if err != nil {
		return s, err
	}
	// A test binary of which no test is wanted. A worker would end with status 3.
	out, err := exec.Command(program, "-test.run=^$").CombinedOutput()
	s.Child = string(out)
	return s, err
})

func init() { testTasks = append(testTasks, look) }

func TestWorkersHaveTheEnvironmentThatTheyAreGiven(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := open(t, proc.Config{Workers: 1, Dir: dir, Env: []string{"HEM_PROC_TEST_ADDED=yes"}, Log: silent})
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s, err := look.Do(t.Context(), p, program)
	if err != nil {
		t.Fatal(err)
	}
	if s.Dir != dir || s.Added != "yes" || s.Inherited != os.Getenv("PATH") || s.Role != "" || !strings.Contains(s.Child, "PASS") {
		t.Errorf("a worker sees %+v", s)
	}
}
