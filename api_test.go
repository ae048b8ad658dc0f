package hem_test

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write api.txt from the source")

// TestAPI compares what users can import with what was last agreed on.
func TestAPI(t *testing.T) {
	const agreed = "api.txt"
	got := exports(loadTree(t))
	if t.Failed() {
		return // some source could not be read: nothing to compare, or to write
	}
	if *update {
		if err := os.WriteFile(agreed, []byte(strings.Join(got, "")), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(agreed)
	if err != nil {
		t.Fatalf("%v; make api writes it", err)
	}
	if changes := difference(slices.Collect(strings.Lines(string(text))), got); len(changes) > 0 {
		t.Errorf("the exported surface is not that of api.txt:\n%s\nIf every line is meant, run: make api", strings.Join(changes, ""))
	}
}

func TestRootPackageExportsNothing(t *testing.T) {
	for _, p := range loadTree(t) {
		if p.path != hemPath {
			continue
		}
		for _, line := range surface(p) {
			t.Error(line)
		}
		return
	}
	t.Error("there is no root package")
}

// exports returns the surface of every package of the root module that a user
// can import, as lines of api.txt.
func exports(tree []*pkg) []string {
	var lines []string
	for _, p := range tree {
		if moduleOf(p.path) == "." && importable(p) {
			for _, line := range surface(p) {
				lines = append(lines, line+"\n")
			}
		}
	}
	slices.Sort(lines)
	return lines
}

// importable reports whether a program outside the repository can import p.
func importable(p *pkg) bool {
	internal := slices.Contains(strings.Split(p.path, "/"), "internal")
	return p.name != "" && p.name != "main" && !internal
}

// difference returns - for lines only in was and + for lines only in is.
func difference(was, is []string) []string {
	var changes []string
	for _, line := range was {
		if !slices.Contains(is, line) {
			changes = append(changes, "- "+line)
		}
	}
	for _, line := range is {
		if !slices.Contains(was, line) {
			changes = append(changes, "+ "+line)
		}
	}
	return changes
}

// The controls.

const surfaceSource = `
package demo

import (
	"context"
	"iter"
	"time"
)

type Kind uint8

const (
	Failed Kind = iota + 1
	Lost
	secret
	Fenced
)

const Name, Bound = "demo", 1 << 10
const Grace = 10 * time.Second
const Digit, Ratio, Gap = '7', 1.5, "a  b"

var ErrClosed error = errClosed
var Here, there = runner{}, 1

type Option func(o *options)
type Alias = map[string][]Kind

type Error struct {
	Op, Task string
	Started  bool
	Err      error
	hidden   int
	base
	*Kind
	On func(ctx context.Context, n int) (ok bool, err error)
}

func (e *Error) Error() string { return e.Op }
func (e *Error) private()      {}
func (base) Promoted()         {}

type Runner interface {
	Run(
		ctx context.Context,
		c *Call,
	) error
	Stop()
}
type Sealed interface { Seal(); seal() }
type Number interface { ~int | ~float64; comparable }
type Empty interface{}

type Call struct{}

type Flight[K comparable, V any] struct{ M map[K]V }

func (f *Flight[K, V]) Do(ctx context.Context, key K, fn func(ctx context.Context) (V, error)) (V, error) {
	panic(0)
}

func Run(ctx context.Context, body func(ctx context.Context, c *Call) error, opts ...Option) error {
	return nil
}

func Each[In any, Out interface{ ~[]In }](n int, items iter.Seq2[In, error], a, b <-chan struct{}) (out Out, err error) {
	panic(0)
}

func helper() {}
`

const surfaceWant = `pkg demo, const Bound = 1024
pkg demo, const Digit = 55
pkg demo, const Failed Kind = 1
pkg demo, const Fenced Kind = 4
pkg demo, const Gap = "a  b"
pkg demo, const Grace = 10 * time.Second
pkg demo, const Lost Kind = 2
pkg demo, const Name = "demo"
pkg demo, const Ratio = 1.5
pkg demo, func Each[In any, Out interface{ ~[]In }](int, iter.Seq2[In, error], <-chan struct{}, <-chan struct{}) (Out, error)
pkg demo, func Run(context.Context, func(context.Context, *Call) error, ...Option) error
pkg demo, method (*Error) Error() string
pkg demo, method (*Flight[K, V]) Do(context.Context, K, func(context.Context) (V, error)) (V, error)
pkg demo, type Alias = map[string][]Kind
pkg demo, type Call struct
pkg demo, type Empty interface {}
pkg demo, type Error struct
pkg demo, type Error struct, Err error
pkg demo, type Error struct, On func(context.Context, int) (bool, error)
pkg demo, type Error struct, Op string
pkg demo, type Error struct, Started bool
pkg demo, type Error struct, Task string
pkg demo, type Error struct, embedded *Kind
pkg demo, type Error struct, embedded base
pkg demo, type Flight[K comparable, V any] struct
pkg demo, type Flight struct, M map[K]V
pkg demo, type Kind uint8
pkg demo, type Number interface { comparable, ~int | ~float64 }
pkg demo, type Option func(*options)
pkg demo, type Runner interface { Run, Stop }
pkg demo, type Runner interface, Run(context.Context, *Call) error
pkg demo, type Runner interface, Stop()
pkg demo, type Sealed interface { Seal, unexported methods }
pkg demo, type Sealed interface, Seal()
pkg demo, var ErrClosed error
pkg demo, var Here
`

func TestAPIRendersWhatIsExportedAndNothingElse(t *testing.T) {
	p, err := parsePkg(hemPath+"/demo", map[string]string{"demo.go": surfaceSource})
	if err != nil {
		t.Fatal(err)
	}
	got := exports([]*pkg{p})
	for _, change := range difference(slices.Collect(strings.Lines(surfaceWant)), got) {
		t.Error(strings.TrimSpace(change))
	}
}

func TestAPIOmitsWhatNobodyCanImport(t *testing.T) {
	for name, source := range map[string]string{
		"internal/graph":  "package graph; func Park() {}",
		"scope/internal":  "package internal; func Park() {}",
		"node":            "package node; func Run() {}",
		"cmd/hem":         "package main; func Run() {}",
		"examples/simple": "package simple; func Run() {}",
	} {
		p, err := parsePkg(hemPath+"/"+name, map[string]string{"p.go": source})
		if err != nil {
			t.Fatal(err)
		}
		if got := exports([]*pkg{p}); len(got) > 0 {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestAPIShowsAChangeFromBothSides(t *testing.T) {
	got := difference([]string{"a\n", "b\n"}, []string{"b\n", "c\n"})
	if want := []string{"- a\n", "+ c\n"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
