package proc_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/hemgo/hem/inspect"
	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/task"
)

// waitOf returns what the task of that name waits for, empty if it does not.
func waitOf(name string) string {
	for t := range inspect.Take().Tasks() {
		if t.Name == name && t.Wait != nil {
			return t.Wait.Kind + " " + t.Wait.Name
		}
	}
	return ""
}

func TestInspectShowsTheProcessesOfAPool(t *testing.T) {
	t.Parallel()
	name := t.Name()
	c := proc.Config{Name: name, Workers: 2, Log: silent}
	c.Limits = proc.Limits{Memory: 4 << 30, Pids: 500, CPUWeight: 50}
	p := open(t, c)
	b := beside(t, p, 1)
	worker := waitForPid(t, b.dir, "pid linger 0")
	until(t, "the other one is ready", func() bool { return figureOf(name, "idle") == 1 })
	f := figuresOf(name)
	for figure, want := range map[string]string{
		"workers": "2", "idle": "1", "busy": "1", "starting": "0", "leaving": "0", "waiting": "0", "starts": "2", "lost": "0",
	} {
		if f[figure] != want {
			t.Errorf("figure %q is %q, want %s", figure, f[figure], want)
		}
	}
	form := regexp.MustCompile(`^busy proc\.linger for \d\S*s, age \d\S*s, 1 calls, \d+\.\d MiB, cpu \d\S*s, \d+ pids$`)
	if line := f["pid "+fmt.Sprint(worker)]; !form.MatchString(line) {
		t.Errorf("the busy worker is shown as %q", line)
	}
	for _, want := range []string{"nice 10", "trees killed by ", "memory by ", "pids by ", "cpu weight by "} {
		if !strings.Contains(f["limits"], want) {
			t.Errorf("%q is not in the limits: %q", want, f["limits"])
		}
	}
	kill(t, worker)
	b.calls.Wait()
	isWhole(t, p, 2)
	if f := figuresOf(name); f["lost"] != "1" || f["starts"] != "3" {
		t.Errorf("after a restart it has %s starts and %s lost", f["starts"], f["lost"])
	}
	if err := p.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if f := figuresOf(name); f != nil {
		t.Errorf("after Close there is still %v", f)
	}
}

func TestTaskThatWaitsForAProcessIsShownWaitingForIt(t *testing.T) {
	t.Parallel()
	name := t.Name()
	p := open(t, proc.Config{Name: name, Workers: 1, Log: silent})
	m := meeting{Dir: t.TempDir(), N: 0}
	err := scope.Run(t.Context(), func(_ context.Context, s *scope.Scope) error {
		s.Go(func(ctx context.Context) error {
			_, err := linger.Do(ctx, p, m)
			return err
		}, scope.Name(name+" has"))
		worker := waitForPid(t, m.Dir, "pid linger 0")
		want := fmt.Sprintf("process %s pid %d", name, worker)
		until(t, "the first waits for "+want, func() bool { return waitOf(name+" has") == want })
		s.Go(func(ctx context.Context) error {
			_, err := pid.Do(ctx, p, task.Void{})
			return err
		}, scope.Name(name+" wants"))
		until(t, "the second waits for a slot of the pool", func() bool {
			wait := waitOf(name + " wants")
			return strings.Contains(wait, name) && !strings.Contains(wait, "process")
		})
		var dump strings.Builder
		if err := inspect.Dump(&dump); err != nil {
			t.Error(err)
		}
		for _, line := range []string{"for " + want, "proc " + name} {
			if !strings.Contains(dump.String(), line) {
				t.Errorf("%q is not in the dump:\n%s", line, dump.String())
			}
		}
		post(m.Dir, "go", "")
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestTaskThatWaitsForAWorkerToStartIsShownWaitingForThePool(t *testing.T) {
	t.Parallel()
	name := t.Name()
	p := open(t, proc.Config{Name: name, Workers: 2, Warm: 1, Log: silent,
		Env: []string{envProgram + "=slow but the first", envScene + "=" + t.TempDir()}})
	b := beside(t, p, 1)
	ctx, cancel := context.WithCancel(t.Context())
	scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
		s.Go(func(ctx context.Context) error {
			_, err := pid.Do(ctx, p, task.Void{})
			return err
		}, scope.Name(name))
		until(t, "it waits for the pool", func() bool { return waitOf(name) == "proc "+name })
		cancel()
		return nil
	})
	b.unharmed(t)
}

func TestFindingsTellOfWorkersThatAreLost(t *testing.T) {
	t.Parallel()
	p := open(t, proc.Config{Name: t.Name(), Workers: 1, Log: silent})
	kill(t, isWhole(t, p, 1)[0])
	until(t, "it is a finding", func() bool {
		for _, f := range inspect.Take().Findings {
			if f.Code == "proc.worker-lost" && strings.Contains(f.Detail, t.Name()) && strings.Contains(f.Detail, os.Args[0]) {
				return true
			}
		}
		return false
	})
}
