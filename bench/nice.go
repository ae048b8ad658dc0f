package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hemgo/hem/pool"
	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/task"
)

// The suite nice is why workers are: how long a light request to a program takes
// while heavy work uses all processors, by where that runs and how nice it is.
// Requests come from another process, as they do.
func init() {
	workerTasks = append(workerTasks, burnTask)
	register(suite{name: "nice", print: printNice, table: tabulateNice})
}

// burnTask is heavy work: so many rounds of burn.
var burnTask = task.Define("bench.burn", func(_ context.Context, rounds int) (task.Void, error) {
	burn(rounds)
	return task.Void{}, nil
})

// unitOfWork is how long one piece of it takes on a processor of its own.
const unitOfWork = 10 * time.Millisecond

// A burden is where heavy work runs.
type burden struct {
	name string
	open func() (r task.Runner, shut func())
}

var burdens = []burden{
	{"nothing runs", nil},
	{"goroutines", func() (task.Runner, func()) { return openHere(0) }},
	{"a CPU pool that leaves one processor free", leavingOneFree},
	{"processes, nice as the host", niceProc(proc.AsHost)},
	{"processes, nice 5", niceProc(5)},
	{"processes, nice 10", niceProc(10)},
	{"processes, nice 19", niceProc(19)},
}

func leavingOneFree() (task.Runner, func()) {
	p, err := pool.New(pool.Config{Name: "bench"})
	must(err)
	return p, func() { must(p.Close(context.Background())) }
}

func niceProc(nice proc.Nice) func() (task.Runner, func()) {
	return func() (task.Runner, func()) {
		p, err := proc.New(proc.Config{Name: "bench", Limits: proc.Limits{Nice: nice}})
		must(err)
		return p, func() { must(p.Close(context.Background())) }
	}
}

// A bearing is how requests fared under a burden.
type bearing struct {
	burden
	pings []float64 // ns, each
	done  []float64 // units of work per second, one for each round
}

var niceColumns = []string{"heavy work runs in", "ping p50", "ping p99", "work done, of 10 ms each"}

func (b bearing) cells(say func(quantity) string) []string {
	ping := func(q float64) string { return say(quantity{quantile(b.pings, q), nanoseconds}) }
	done := "–"
	if b.open != nil {
		done = say(quantity{median(b.done), perSecond})
	}
	return []string{b.name, ping(0.5), ping(0.99), done}
}

// niceSpan is how long each burden lasts in each of so many rounds.
func (p plan) niceSpan() (rounds int, span time.Duration) {
	switch p.name {
	case thorough.name:
		return 6, 2 * time.Second
	case quick.name:
		return 3, 800 * time.Millisecond
	}
	return 1, 50 * time.Millisecond
}

// measureNice lets the burdens take turns. remark is what to know of them all,
// empty if nothing.
func measureNice(p plan) (all []bearing, remark string, err error) {
	addr, shut, err := serveLight()
	if err != nil {
		return nil, "", err
	}
	defer shut()
	for _, b := range burdens {
		all = append(all, bearing{burden: b})
	}
	rounds, span := p.niceSpan()
	var crowded []float64
	for range rounds {
		for i := range all {
			before, start := processorTime(), time.Now()
			if err := all[i].bear(addr, span); err != nil {
				return nil, "", fmt.Errorf("%s: %w", all[i].name, err)
			}
			if all[i].open == nil { // what is used now is used by others
				crowded = append(crowded, (processorTime()-before).Seconds()/time.Since(start).Seconds())
			}
		}
	}
	return all, niceRemark(median(crowded)), nil
}

// niceRemark says what spoils the figures, where others kept so many processors
// busy.
func niceRemark(others float64) string {
	switch {
	case realTime():
		return "This process has a real-time priority, under which nice values weigh nothing: run it without chrt."
	case others > 0.2:
		return fmt.Sprintf("Other programs kept %s processors busy meanwhile: run it again when the machine rests.", digits(others))
	}
	return ""
}

// bear has as many callers as there are processors keep the burden busy, and
// another process send requests meanwhile.
func (b *bearing) bear(addr string, span time.Duration) error {
	if b.open == nil {
		return b.ping(addr, span)
	}
	r, shut := b.open()
	defer shut()
	rounds := int(unitOfWork/(10*time.Microsecond)) * burnOf10us()
	var end atomic.Bool
	var units atomic.Int64
	start := time.Now()
	var errPing error
	inTask(func(ctx context.Context) {
		must(scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
			for range runtime.GOMAXPROCS(0) {
				s.Go(func(ctx context.Context) error {
					for !end.Load() {
						if _, err := burnTask.Do(ctx, r, rounds); err != nil {
							return err
						}
						units.Add(1)
					}
					return nil
				})
			}
			errPing = b.ping(addr, span)
			end.Store(true)
			return nil
		}))
	})
	b.done = append(b.done, float64(units.Load())/time.Since(start).Seconds())
	return errPing
}

// realTime reports whether this process has a real-time priority, as chrt -r
// gives: its children inherit it, and nice values then weigh nothing.
func realTime() bool {
	text, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	const policy = 41 - 3 // proc(5) counts from one, and pid and name are cut off
	if len(fields) <= policy {
		return false
	}
	n, _ := strconv.Atoi(fields[policy])
	return n != 0
}

// processorTime returns how long the machine's processors have been busy, zero
// where the kernel does not tell as Linux does.
func processorTime() (busy time.Duration) {
	text, _ := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(text), "\n")
	for i, field := range strings.Fields(line) {
		if i == 4 || i == 5 || i > 8 { // idle, waiting for a disk; guests are counted already
			continue
		}
		ticks, _ := strconv.ParseInt(field, 10, 64) // of the first field, "cpu": none
		busy += time.Duration(ticks) * 10 * time.Millisecond
	}
	return busy
}

// printNice is the suite on a terminal: tabs between the columns.
func printNice(out io.Writer, p plan) error {
	fmt.Fprintf(out, "# suite nice, %s: %s, %s\n", p.name, machine(), today())
	fmt.Fprintln(out, strings.Join(niceColumns, "\t"))
	all, remark, err := measureNice(p)
	for _, b := range all {
		fmt.Fprintln(out, strings.Join(b.cells(quantity.String), "\t"))
	}
	if remark != "" {
		fmt.Fprintln(out, "#", remark)
	}
	return err
}

// tabulateNice is the suite as Markdown.
func tabulateNice(p plan) (string, error) {
	all, remark, err := measureNice(p)
	if err != nil {
		return "", err
	}
	rows := [][]string{niceColumns}
	for _, b := range all {
		rows = append(rows, b.cells(quantity.short))
	}
	return markdownTable(rows) + "\n" + strings.TrimSpace(origin(p, "nice")+". "+remark) + "\n", nil
}
