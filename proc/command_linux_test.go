package proc_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/task"
)

func TestNewNamesTheCommandThatCannotBeStarted(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, c := range map[string]struct {
		command string
		dir     string
		is      error
		says    string
	}{
		"there is none":                    {command: filepath.Join(dir, "nothing"), is: fs.ErrNotExist},
		"it is not in PATH":                {command: "hem-no-such-command", is: exec.ErrNotFound},
		"it is not executable":             {command: write("plain", "#!/bin/sh\n", 0o644), is: fs.ErrPermission},
		"it is a directory":                {command: dir, says: "directory"},
		"its first word is empty":          {command: "", says: "empty"},
		"it is neither binary nor script":  {command: write("text", "hello\n", 0o755), says: "neither a binary"},
		"its interpreter is missing":       {command: write("script", "#!/no/such/shell\n", 0o755), is: fs.ErrNotExist, says: "interpreter"},
		"the working directory is missing": {command: "true", dir: filepath.Join(dir, "no"), says: "working directory"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := proc.New(proc.Config{Name: "kids", Command: []string{c.command}, Dir: c.dir, StartTimeout: time.Hour, Log: silent})
			if fault.KindOf(err) != fault.Invalid || fault.Started(err) {
				t.Errorf("kind %v, started %v", fault.KindOf(err), fault.Started(err))
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("it is no %v", c.is)
			}
			want := c.command
			if c.dir != "" {
				want = c.dir
			}
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), c.says) || fault.HintOf(err) == "" {
				t.Errorf("%q and %q are not in it, or it has no hint: %v", want, c.says, err)
			}
		})
	}
}

func TestNewSaysWhatACommandIsThatIsNoWorker(t *testing.T) {
	for name, c := range map[string]struct {
		command []string
		says    string
	}{
		"one that does something else": {[]string{"true"}, "exited with status 0"},
		"one that fails":               {[]string{"sh", "-c", "echo cannot >&2; exit 3"}, "cannot"},
		"one that reads its input":     {[]string{"cat"}, "exited with status 0"},
		"one that writes garbage":      {[]string{"sh", "-c", "echo garbage >&4; sleep 300"}, `"garbage`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := proc.New(proc.Config{Command: c.command, StartTimeout: time.Hour, Log: silent})
			var e *proc.ExitError
			if fault.KindOf(err) != fault.Lost || !errors.As(err, &e) || e.Command != c.command[0] || !strings.Contains(err.Error(), c.says) {
				t.Errorf("kind %v: %v", fault.KindOf(err), err)
			}
		})
	}
}

// unserved is a program that has a pool, and does not call Serve.
func unserved() {
	_, err := proc.New(proc.Config{})
	if fault.KindOf(err) != fault.Invalid {
		say("it is of kind " + fault.KindOf(err).String())
	}
	say(err.Error())
}

func init() { programs["unserved"] = unserved }

func TestNewTellsAProgramThatDoesNotServe(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), envProgram+"=unserved")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "main has not called proc.Serve") || !strings.Contains(string(out), "first thing in main") ||
		strings.Contains(string(out), "of kind") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestProgramSaysWhenItWasMadeAWorkerByNoPool(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "HEM_PROC=worker")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "HEM_PROC=worker is set for workers alone") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestCommandThatIsGoneFailsCallsAtOnceAndServesWhenItIsBack(t *testing.T) {
	t.Parallel()
	binary, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	command := filepath.Join(t.TempDir(), "worker")
	if err := os.WriteFile(command, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	p := open(t, proc.Config{Name: t.Name(), Command: []string{command}, Workers: 2, Log: silent})
	workers := isWhole(t, p, 2)
	if err := os.Rename(command, command+".away"); err != nil {
		t.Fatal(err)
	}
	for _, w := range workers {
		kill(t, w)
	}
	until(t, "the pool has tried", func() bool { return figuresOf(t.Name())["cannot start"] != "" })
	before := figureOf(t.Name(), "starts")
	for end := time.Now().Add(1500 * time.Millisecond); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		_, err := pid.Do(t.Context(), p, task.Void{})
		if fault.KindOf(err) != fault.Lost || fault.Started(err) || !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), command) {
			t.Fatalf("kind %v, started %v: %v", fault.KindOf(err), fault.Started(err), err)
		}
	}
	if tried := figureOf(t.Name(), "starts") - before; tried < 1 || tried > 12 {
		t.Errorf("in 1.5 s it was tried %d times again", tried)
	}
	if err := os.Rename(command+".away", command); err != nil {
		t.Fatal(err)
	}
	until(t, "the pool serves again", func() bool {
		_, err := pid.Do(t.Context(), p, task.Void{})
		return err == nil
	})
	isWhole(t, p, 2)
	if text, there := figuresOf(t.Name())["cannot start"]; there {
		t.Errorf("it still says %q", text)
	}
}
