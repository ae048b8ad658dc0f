package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/sasha-s/go-deadlock"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

// The suite cases is eight programs by which a checker of lock orders is known:
// what it misses, and what it tells though it is no danger. lock's tests hold
// ours to them; here go-deadlock plays them too.
func init() {
	register(suite{name: "cases", print: printCases, table: tabulateCases})
}

// A lockCase is tasks that lock. What a task does is a line of words, after
// which it unlocks what it still holds:
//
//	a       lock a          a2      lock another of a's class
//	try:a   try to lock a   fail:a  have somebody else try, in vain
//	meet    wait until the others have come as far
type lockCase struct {
	name   string
	lines  []string
	beside bool   // at the same time, and not one after the other
	danger string // what there is to tell; empty: nothing
}

var lockCases = []lockCase{
	{"two locks in contrary orders", []string{"a b", "b a"}, false, "an order"},
	{"three locks in a ring", []string{"a b", "b c", "c a"}, false, "an order"},
	{"contrary orders under a gate", []string{"g a b", "g b a"}, false, ""},
	{"the contrary order by TryLock", []string{"a b", "b try:a"}, false, ""},
	{"two locks of one class", []string{"a1 a2"}, false, "an order"},
	{"contrary orders, and a TryLock that failed", []string{"a fail:a b", "b fail:b a"}, false, "an order"},
	{"stuck, and a TryLock that failed", []string{"a fail:a meet b", "b fail:b meet a"}, true, "a deadlock"},
	{"stuck", []string{"a meet b", "b meet a"}, true, "a deadlock"},
}

// A table of locks is what a case is played with.
type lockTable interface {
	lock(name string) error
	try(name string) bool
	unlock(name string)
	elsewhere() lockTable // the same locks, for somebody else
}

// play does what line says.
func (c lockCase) play(line string, t lockTable, meeting *sync.WaitGroup) error {
	var held []string
	defer func() {
		for _, name := range slices.Backward(held) {
			t.unlock(name)
		}
	}()
	for word := range strings.FieldsSeq(line) {
		verb, name, found := strings.Cut(word, ":")
		switch {
		case word == "meet":
			meeting.Done()
			meeting.Wait()
			continue
		case !found:
			if name = word; t.lock(name) != nil {
				return errTold
			}
		case verb == "fail":
			failed := make(chan bool)
			go func() { failed <- !t.elsewhere().try(name) }()
			if !<-failed {
				return fmt.Errorf("%s was free", name)
			}
			continue
		case !t.try(name):
			continue
		}
		held = append(held, name)
	}
	return nil
}

var errTold = errors.New("told of a deadlock")

// ourTable is Hem's locks, used by the task of ctx.
type ourTable struct {
	ctx   context.Context
	locks map[string]*lock.Mutex
	held  map[string]lock.Held
}

func (t *ourTable) lock(name string) error {
	h, err := t.locks[name].Lock(t.ctx)
	if err != nil && fault.KindOf(err) != fault.Deadlocked {
		panic(err)
	}
	t.held[name] = h
	return err
}

func (t *ourTable) try(name string) bool {
	h, ok := t.locks[name].TryLock(t.ctx)
	if ok {
		t.held[name] = h
	}
	return ok
}

func (t *ourTable) unlock(name string) { t.held[name].Unlock() }

func (t *ourTable) elsewhere() lockTable {
	return &ourTable{context.Background(), t.locks, make(map[string]lock.Held)}
}

// playOurs plays c with Hem's locks, and says what was told.
func (c lockCase) playOurs(findings func() []string) string {
	classes, locks := make(map[string]*lock.Class), make(map[string]*lock.Mutex)
	for _, name := range c.names() {
		class := strings.TrimRight(name, "0123456789")
		if classes[class] == nil {
			classes[class] = lock.NewClass(class + " of " + c.name)
		}
		locks[name] = &lock.Mutex{Class: classes[class]}
	}
	var meeting sync.WaitGroup
	meeting.Add(len(c.lines))
	var told []string
	findings()
	c.each(func(i int, line string) {
		err := scope.Run(context.Background(), func(_ context.Context, s *scope.Scope) error {
			s.Go(func(ctx context.Context) error {
				return c.play(line, &ourTable{ctx, locks, make(map[string]lock.Held)}, &meeting)
			})
			return nil
		})
		if errors.Is(err, errTold) {
			told = append(told, "a deadlock") // one of them gets it
		}
	})
	if len(told) == 0 {
		told = findings()
	}
	return strings.Join(told, ", ")
}

// each calls f for every line, one after the other or beside each other.
func (c lockCase) each(f func(i int, line string)) {
	var all sync.WaitGroup
	for i, line := range c.lines {
		all.Go(func() { f(i, line) })
		if !c.beside {
			all.Wait()
		}
	}
	all.Wait()
}

func (c lockCase) names() (all []string) {
	for word := range strings.FieldsSeq(strings.Join(c.lines, " ")) {
		_, name, found := strings.Cut(word, ":")
		if !found {
			name = word
		}
		if word != "meet" && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// rivalTable is go-deadlock's locks.
type rivalTable map[string]*deadlock.Mutex

func (t rivalTable) lock(name string) error { t[name].Lock(); return nil }
func (t rivalTable) try(name string) bool   { return t[name].TryLock() }
func (t rivalTable) unlock(name string)     { t[name].Unlock() }
func (t rivalTable) elsewhere() lockTable   { return t }

// start plays c with go-deadlock's locks; ended is closed if that comes to its
// end.
func (c lockCase) start() (ended chan struct{}) {
	t := make(rivalTable)
	for _, name := range c.names() {
		t[name] = new(deadlock.Mutex)
	}
	var meeting sync.WaitGroup
	meeting.Add(len(c.lines))
	ended = make(chan struct{})
	go func() {
		defer close(ended)
		c.each(func(_ int, line string) { must(c.play(line, t, &meeting)) })
	}()
	return ended
}

var caseColumns = []string{"case", "to be told", "hem", "go-deadlock"}

// playCases plays all cases on both sides.
func playCases(done func(cells []string)) error {
	findings, stop := watchOrders()
	defer stop()
	for i, c := range lockCases {
		r, err := playElsewhere(part{Case: i + 1})
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		ours := strings.ReplaceAll(c.playOurs(findings), "lock.", "")
		done([]string{c.name, cell(c.danger, c.danger), cell(c.danger, ours), cell(c.danger, r.Report)})
	}
	return nil
}

// cell judges what was told.
func cell(danger, told string) string {
	switch {
	case told == "" && danger == "":
		return "nothing"
	case told == "":
		return "MISSED"
	case danger == "":
		return "FALSE: " + told
	}
	return told
}

func printCases(out io.Writer, p plan) error {
	fmt.Fprintf(out, "# suite cases, %s: %s, %s, go-deadlock %s\n", p.name, machine(), today(), rivalVersion)
	fmt.Fprintln(out, strings.Join(caseColumns, "\t"))
	return playCases(func(cells []string) { fmt.Fprintln(out, strings.Join(cells, "\t")) })
}

func tabulateCases(plan) (string, error) {
	rows := [][]string{caseColumns}
	if err := playCases(func(cells []string) { rows = append(rows, cells) }); err != nil {
		return "", err
	}
	return markdownTable(rows) + "\n" + fmt.Sprintf("Run %s on %s by `go run ./bench -tables cases` with go-deadlock %s.\n", today(), machine(), rivalVersion), nil
}
