package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestEveryPlaceGivesBackWhatItIsGiven(t *testing.T) {
	for _, p := range places {
		t.Run(p.name, func(t *testing.T) {
			e := p.start(2)
			defer e.stop()
			if pid := e.pid(); pid <= 0 || pid == os.Getpid() {
				t.Errorf("its process is %d, want another than this one", pid)
			}
			var callers sync.WaitGroup
			for _, size := range []int{0, 1, 1 << 10, 1<<20 + 1} {
				callers.Go(func() {
					in := payload(size)
					for range 3 {
						if out, err := e.echo(t.Context(), in); err != nil || string(out) != string(in) {
							t.Errorf("%d bytes came back as %d others, and error %v", size, len(out), err)
						}
					}
				})
			}
			callers.Wait()
		})
	}
}

func TestPayloadsDoNotRepeatThemselves(t *testing.T) {
	in := payload(1 << 20)
	if string(in[:1<<10]) == string(in[1<<10:2<<10]) || string(in[:64<<10]) == string(in[64<<10:128<<10]) {
		t.Error("an answer whose parts are in a wrong order would not be noticed")
	}
}

// descent marks all descendants of this process in their environment.
const descent = "HEM_BENCH_TEST_DESCENT"

// descendants lists who was born with that mark, and has not ended.
func descendants(t *testing.T, mark string) (pids []int) {
	t.Helper()
	names, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil || len(names) == 0 {
		t.Skip("processes are looked up in /proc, and there is none")
	}
	for _, name := range names {
		text, _ := os.ReadFile(name) // empty of zombies, and of those that have gone
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if pid != os.Getpid() && slices.Contains(strings.Split(string(text), "\x00"), descent+"="+mark) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// marked gives all that this process starts a mark of the test's own.
func marked(t *testing.T) (mark string) {
	mark = fmt.Sprintf("%d.%s", os.Getpid(), t.Name())
	t.Setenv(descent, mark)
	return mark
}

// awaitGone waits until nobody has the mark.
func awaitGone(t *testing.T, mark string) {
	t.Helper()
	var left []int
	for range 1000 {
		if left = descendants(t, mark); len(left) == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("processes %v are left", left)
}

func TestNothingIsLeftOfPlacesThatWereStopped(t *testing.T) {
	mark := marked(t)
	for _, p := range places {
		e := p.start(2)
		if pid := e.pid(); !slices.Contains(descendants(t, mark), pid) {
			t.Errorf("%s: its process %d would not be noticed", p.name, pid)
		}
		e.stop()
	}
	awaitGone(t, mark)
}

// keeping is a program that has a child of each place until it is killed.
func init() {
	children["keeping"] = func() {
		var pids []int
		for _, p := range places {
			pids = append(pids, p.start(1).pid())
		}
		must(json.NewEncoder(os.Stdout).Encode(pids))
		forever()
	}
}

func TestNothingIsLeftOfABenchThatIsKilled(t *testing.T) {
	mark := marked(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := childCommand(ctx, "keeping")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pids []int
	if err := json.NewDecoder(out).Decode(&pids); err != nil {
		t.Fatal(err)
	}
	for _, pid := range pids {
		if !slices.Contains(descendants(t, mark), pid) {
			t.Errorf("process %d would not be noticed", pid)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed, which is an error
	awaitGone(t, mark)
}

func TestAnIdleProcessHasAWeight(t *testing.T) {
	w, err := barePipe.weigh()
	if err != nil {
		t.Fatal(err)
	}
	if w.resident == 0 {
		t.Skip("no /proc/stat or /proc/<pid>/statm here, where the kernel tells what is used")
	}
	if w.private <= 0 || w.private > w.resident || w.resident < 1<<20 || w.resident > 1<<30 {
		t.Errorf("got %+v, want megabytes, and less of them private", w)
	}
	if _, err := weigh(1 << 30); err == nil {
		t.Error("a process that does not exist has a weight")
	}
}
