package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hemgo/hem/internal/kernels"
	"github.com/sasha-s/go-deadlock"
	"golang.org/x/sync/semaphore"
)

const rivalVersion = "0.3.9"

// rivalTimeout is after what wait go-deadlock calls a lock stuck: thirty seconds
// if it is not told otherwise. Nothing in a kernel takes a tenth of this.
const rivalTimeout = 200 * time.Millisecond

// What go-deadlock can report.
const (
	byRecursion = "recursion"
	byOrder     = "order"
	byTimeout   = "timeout"
)

// A rivalRun is what go-deadlock made of one form of a kernel.
type rivalRun struct {
	Runs   int
	Stuck  int    // runs that did not end
	Report string // what it reported first, "" if nothing
}

func (r rivalRun) found() string {
	switch {
	case r.Report != "":
		return fmt.Sprintf("%s, run %d", r.Report, r.Runs)
	case r.Stuck > 0:
		return fmt.Sprintf("missed: stuck in run %d", r.Runs)
	}
	return fmt.Sprintf("missed: no run of %d got stuck", r.Runs)
}

func (r rivalRun) twin() string {
	switch {
	case r.Report != "":
		return "FALSE REPORT: " + r.Report
	case r.Stuck > 0:
		return "stuck"
	}
	return "silent"
}

// Goroutines that are stuck cannot be ended, and what go-deadlock knows is the
// whole process's. So each form runs in a process of its own, which is this
// program again, with rivalEnv saying what to play.
const rivalEnv = "HEM_BENCH_KERNEL"

// part is what such a process is asked to play.
type part struct {
	Kernel int
	Fixed  bool
	Runs   int
	Case   int // not zero: the case before it of lockCases, and no kernel
}

// played plays what the environment asks for, and reports whether it does.
func played(out io.Writer) bool {
	text := os.Getenv(rivalEnv)
	if text == "" {
		return false
	}
	var p part
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		panic(err) // we wrote it
	}
	_ = json.NewEncoder(out).Encode(p.play()) // the parent sees that it is missing
	return true
}

// play has go-deadlock see the part.
func (p part) play() rivalRun {
	if p.Case > 0 {
		return playRival(lockCases[p.Case-1].start, 1)
	}
	k := kernels.All()[p.Kernel]
	form := k.Buggy
	if p.Fixed {
		form = k.Fixed
	}
	return playRival(func() (ended chan struct{}) {
		w := &rivalWorld{}
		form(w)
		ended = make(chan struct{})
		go func() { w.strands.Wait(); close(ended) }()
		return ended
	}, p.Runs)
}

// playAll begins to play all kernels, both forms of each, some at a time. What
// it returns waits for those of one: the buggy one first.
func playAll(p plan) func(kernel int) ([2]rivalRun, error) {
	type result struct {
		both [2]rivalRun
		err  error
	}
	n := len(kernels.All())
	results := make([]chan result, n)
	places := make(chan struct{}, 2*runtime.GOMAXPROCS(0)) // they wait, mostly
	for i := range n {
		results[i] = make(chan result, 1)
		go func() {
			places <- struct{}{}
			defer func() { <-places }()
			var r result
			for form := range r.both {
				if r.both[form], r.err = playElsewhere(part{Kernel: i, Fixed: form == 1, Runs: p.attempts()}); r.err != nil {
					break
				}
			}
			results[i] <- r
		}()
	}
	return func(kernel int) ([2]rivalRun, error) {
		r := <-results[kernel]
		return r.both, r.err
	}
}

// playElsewhere plays p in another process.
func playElsewhere(p part) (r rivalRun, err error) {
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	text, err := json.Marshal(p)
	if err != nil {
		return r, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), rivalEnv+"="+string(text))
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return r, fmt.Errorf("go-deadlock's process: %w\n%s", err, complaint.String())
	}
	return r, json.Unmarshal(out, &r)
}

// playRival starts a form on goroutines until go-deadlock reports something, the
// form is stuck, or it has run that often.
func playRival(start func() (ended chan struct{}), runs int) (r rivalRun) {
	var reports reported
	deadlock.Opts.OnPotentialDeadlock = func() {}
	deadlock.Opts.DeadlockTimeout = rivalTimeout
	deadlock.Opts.LogBuf = &reports
	for r.Runs < runs && r.Stuck == 0 && r.Report == "" {
		r.Runs++
		r.Stuck += playOnce(start(), &reports)
		r.Report = reports.first()
	}
	return r
}

// playOnce waits for one run, and returns 1 if it did not end. It waits long
// enough for go-deadlock to say so, and no longer than until it has.
func playOnce(ended chan struct{}, reports *reported) (stuck int) {
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for range int(4 * rivalTimeout / (5 * time.Millisecond)) {
		select {
		case <-ended:
			return 0
		case <-look.C:
		}
		if reports.first() != "" {
			break
		}
	}
	return 1
}

// reported hears what go-deadlock prints and keeps what its first report was of.
type reported struct{ kind atomic.Pointer[string] }

func (r *reported) first() string {
	if kind := r.kind.Load(); kind != nil {
		return *kind
	}
	return ""
}

// Write is called line by line, and with go-deadlock's locks held.
func (r *reported) Write(p []byte) (int, error) {
	for _, sign := range [...]struct{ text, kind string }{
		{"Recursive locking", byRecursion},
		{"Inconsistent locking", byOrder},
		{"Have been trying to lock it again", byTimeout},
	} {
		if strings.Contains(string(p), sign.text) {
			r.kind.CompareAndSwap(nil, &sign.kind)
		}
	}
	return len(p), nil
}

// rivalWorld is goroutines, go-deadlock's locks, x/sync's semaphore, channels
// and WaitGroups.
type rivalWorld struct{ strands sync.WaitGroup }

func (*rivalWorld) Mutex(string) kernels.Mutex     { return new(rivalMutex) }
func (*rivalWorld) RWMutex(string) kernels.RWMutex { return new(rivalRWMutex) }
func (*rivalWorld) Semaphore(_ string, units int64) kernels.Semaphore {
	return rivalSemaphore{semaphore.NewWeighted(units)}
}

func (w *rivalWorld) Go(_ string, f func(kernels.Strand)) kernels.Done {
	ended := make(chan struct{})
	w.strands.Go(func() {
		defer close(ended)
		dawdle()
		f(rivalStrand{})
	})
	return ended
}

// dawdle lets another schedule come up now and then.
func dawdle() {
	switch rand.N(4) {
	case 0:
		runtime.Gosched()
	case 1:
		time.Sleep(rand.N(50 * time.Microsecond))
	}
}

type rivalStrand struct{}

func (rivalStrand) Wait(d kernels.Done) { <-d.(chan struct{}) }

func (rivalStrand) Join(body func(kernels.World)) {
	w := &rivalWorld{}
	body(w)
	w.strands.Wait()
}

type rivalMutex struct{ mu deadlock.Mutex }

func (m *rivalMutex) Lock(kernels.Strand)   { dawdle(); m.mu.Lock() }
func (m *rivalMutex) Unlock(kernels.Strand) { m.mu.Unlock() }

type rivalRWMutex struct{ mu deadlock.RWMutex }

func (m *rivalRWMutex) Lock(kernels.Strand)    { dawdle(); m.mu.Lock() }
func (m *rivalRWMutex) Unlock(kernels.Strand)  { m.mu.Unlock() }
func (m *rivalRWMutex) RLock(kernels.Strand)   { dawdle(); m.mu.RLock() }
func (m *rivalRWMutex) RUnlock(kernels.Strand) { m.mu.RUnlock() }

type rivalSemaphore struct{ s *semaphore.Weighted }

func (m rivalSemaphore) With(_ kernels.Strand, n int64, f func()) {
	dawdle()
	_ = m.s.Acquire(context.Background(), n) // which cannot end
	defer m.s.Release(n)
	f()
}
