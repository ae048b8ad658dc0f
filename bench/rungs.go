package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/hemgo/hem/pool"
	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/task"
)

// The suite rungs is threads beside processes, on the reader's machine: what one
// costs to make, to keep and to call, and what goes down with it when it
// crashes.
func init() {
	register(suite{name: "rungs", print: printRungs, table: tabulateRungs})
}

// A rung is a place where work can run.
type rung struct {
	key, name string

	// open makes one with so many workers, where it has such.
	open func(workers int) (r task.Runner, shut func())

	held  int  // how many to make, and keep, for what each costs
	fresh bool // one for each call
}

var rungs = []rung{
	{"goroutine", "goroutine, `task.Here`", openHere, 10_000, false},
	{"pool", "CPU pool, `pool`", openPool, 1000, false},
	{"thread", "OS thread", openThreads, 200, false},
	{"process", "process, warm, `proc`", openProc, 4, false},
	{"cold", "process, one for each call", openProc, 4, true},
}

func openHere(int) (task.Runner, func()) { return task.Here, func() {} }

func openPool(workers int) (task.Runner, func()) {
	p, err := pool.New(pool.Config{Name: "bench", Size: workers})
	must(err)
	return p, func() { must(p.Close(context.Background())) }
}

func openProc(workers int) (task.Runner, func()) {
	p, err := proc.New(proc.Config{Name: "bench", Workers: workers, Limits: proc.Limits{Nice: proc.AsHost}})
	must(err)
	return p, func() { must(p.Close(context.Background())) }
}

// A standing is what a rung came to.
type standing struct {
	rung
	create quantity // from nothing to the first answer
	memory quantity // resident, of each
	own    quantity // of that, what is shared with nobody; absent: all
	call   quantity // 1 KiB there and back
	falls  []fall
}

var rungColumns = []string{"rung", "to make one", "memory of each", "a call with 1 KiB", "what a crash takes down"}

func (s standing) cells(say func(quantity) string) []string {
	memory := "–"
	if s.memory.unit != "" {
		memory = say(s.memory)
	}
	if s.own.unit != "" {
		memory += ", " + say(s.own) + " its own"
	}
	create := say(s.create)
	if s.fresh {
		create, memory = "–", "while it lasts, the same"
	}
	return []string{s.name, create, memory, say(s.call), tellFalls(s.falls)}
}

// measureRungs measures every rung, each part of it for all of them in turn.
func measureRungs(p plan) (all []standing, err error) {
	calls := callRungs(p)
	for i, r := range rungs {
		s := standing{rung: r, call: quantity{calls[i], nanoseconds}}
		if !r.fresh {
			if err := s.make(p); err != nil {
				return nil, err
			}
		}
		if s.falls, err = r.fall(); err != nil {
			return nil, fmt.Errorf("%s: %w", r.key, err)
		}
		all = append(all, s)
	}
	return all, nil
}

// callRungs returns the median cost of one call on each.
func callRungs(p plan) (medians []float64) {
	in := payload(1 << 10)
	var turns []func(int)
	var perTurn []int
	for _, r := range rungs {
		turn, shut := r.caller(in)
		defer shut()
		turns = append(turns, turn)
		perTurn = append(perTurn, calibrate([]func(int){turn}, p.sample))
	}
	samples := inTurns(p.rounds, len(turns), func(i int) float64 {
		return float64(timed(turns[i], perTurn[i]).Nanoseconds()) / float64(perTurn[i])
	})
	for _, s := range samples {
		medians = append(medians, median(s))
	}
	return medians
}

// caller returns what makes n calls.
func (r rung) caller(in []byte) (turn func(n int), shut func()) {
	runner, shut := r.open(1)
	return func(n int) {
		inTask(func(ctx context.Context) {
			for range n {
				if r.fresh {
					fresh, shut := r.open(1)
					answered(ctx, fresh, in)
					shut()
					continue
				}
				answered(ctx, runner, in)
			}
		})
	}, shut
}

func answered(ctx context.Context, r task.Runner, in []byte) {
	out, err := echoTask.Do(ctx, r, in)
	must(err)
	if len(out) != len(in) {
		panic(fmt.Sprintf("%d bytes came back as %d", len(in), len(out)))
	}
}

// make makes many of a rung, one after the other, and keeps them all until it
// has looked at what that takes.
func (s *standing) make(p plan) (err error) {
	var create, memory, own []float64
	for round := range 1 + max(1, p.rounds/7) {
		c, w, err := s.makeOnce(min(s.held, p.live))
		if err != nil {
			return err
		}
		if round > 0 { // the first pays for what is kept for ever
			create, memory, own = append(create, c), append(memory, w.resident), append(own, w.private)
		}
	}
	s.create = quantity{median(create), nanoseconds}
	s.memory = quantity{max(0, median(memory)), bytes}
	if s.key == "process" {
		s.own = quantity{median(own), bytes}
	}
	return nil
}

func (s *standing) makeOnce(held int) (create float64, each weight, err error) {
	var shuts []func()
	defer func() {
		for _, shut := range shuts {
			shut()
		}
	}()
	debug.FreeOSMemory()
	before, err := weigh(os.Getpid())
	if err != nil {
		return 0, each, err
	}
	start := time.Now()
	if s.key == "goroutine" {
		shuts = append(shuts, goroutinesOneByOne(held))
	} else {
		inTask(func(ctx context.Context) {
			for range held {
				r, shut := s.open(1)
				shuts = append(shuts, shut)
				answered(ctx, r, []byte("first"))
			}
		})
	}
	create = float64(time.Since(start).Nanoseconds()) / float64(held)
	if s.key == "process" {
		each, err = hemProc.weigh()
		return create, each, err
	}
	runtime.GC()
	after, err := weigh(os.Getpid())
	each.resident = (after.resident - before.resident) / float64(held)
	return create, each, err
}

// goroutinesOneByOne starts n tasks of one scope, each when the one before it
// runs. They last until gone.
func goroutinesOneByOne(n int) (gone func()) {
	begun, end := make(chan struct{}), make(chan struct{})
	gone = tasks(0, func() { close(end) }, nil, func(s *scope.Scope) {
		for range n {
			s.Go(func(context.Context) error {
				begun <- struct{}{}
				<-end
				return nil
			})
			<-begun
		}
	})
	return gone
}

// printRungs is the suite on a terminal: tabs between the columns.
func printRungs(out io.Writer, p plan) error {
	fmt.Fprintf(out, "# suite rungs, %s: %s, %s\n", p.name, machine(), today())
	fmt.Fprintln(out, strings.Join(rungColumns, "\t"))
	all, err := measureRungs(p)
	for _, s := range all {
		fmt.Fprintln(out, strings.Join(s.cells(quantity.String), "\t"))
	}
	return err
}

// tabulateRungs is the suite as Markdown.
func tabulateRungs(p plan) (string, error) {
	all, err := measureRungs(p)
	if err != nil {
		return "", err
	}
	rows := [][]string{rungColumns}
	for _, s := range all {
		rows = append(rows, s.cells(quantity.short))
	}
	return markdownTable(rows) + "\n" + origin(p, "rungs") + ".\n", nil
}
