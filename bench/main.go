// Command bench measures Hem beside its rivals, in one process and in turns, so
// that whatever the machine is doing meanwhile hits all sides alike.
//
//	go run ./bench -suite NAME [-quick]
//	go run ./bench -tables [-quick] [-write FILE]... [TABLE...]
//
// A suite prints a line for each rival of each case, five columns with tabs
// between them; README.md says how to read it. A figure that misses what is
// owed says so and fails nothing: speed is reported, not asserted.
//
// The tables are for people. With -write they replace what stands between
// <!-- bench:NAME --> and <!-- /bench:NAME --> in a Markdown file.
//
// It refuses to compare figures of different runs: a machine is not the same
// machine ten minutes later.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	becomeChild()
	if played(os.Stdout) {
		return
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// Exit codes. A missed figure is no failure.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// command is what the command line asks for.
type command struct {
	suite  string
	tables bool
	quick  bool
	files  []string // to write tables to
	names  []string // of tables
}

func run(args []string, stdout, stderr io.Writer) int {
	c, err := parse(args, stderr)
	if err != nil {
		if !errors.Is(err, errReported) {
			fmt.Fprintln(stderr, "bench:", err)
		}
		return exitUsage
	}
	p := thorough
	if c.quick {
		p = quick
	}
	if c.tables {
		err = runTables(stdout, p, c.names, c.files)
	} else {
		err = runSuites(stdout, p, c.suite)
	}
	var unknown *unknownError
	switch {
	case errors.As(err, &unknown):
		fmt.Fprintln(stderr, "bench:", err)
		return exitUsage
	case err != nil:
		fmt.Fprintln(stderr, "bench:", err)
		return exitFailed
	}
	return exitOK
}

// errReported stands for what the flag package has already printed.
var errReported = errors.New("reported")

func parse(args []string, stderr io.Writer) (c command, err error) {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&c.suite, "suite", "", "the suite to run: "+strings.Join(suiteNames(), ", ")+", or all")
	f.BoolVar(&c.tables, "tables", false, "print tables in Markdown: "+strings.Join(tableNames(), ", "))
	f.BoolVar(&c.quick, "quick", false, "fewer and shorter rounds: under 45 s a suite, but for job")
	f.Func("write", "with -tables: the `file` whose tables to replace; may be repeated", func(name string) error {
		c.files = append(c.files, name)
		return nil
	})
	if err := f.Parse(args); err != nil {
		return c, errReported
	}
	c.names = f.Args()
	switch {
	case c.tables == (c.suite != ""):
		return c, fmt.Errorf("give either -suite NAME or -tables; suites are %s, or all", strings.Join(suiteNames(), ", "))
	case !c.tables && len(c.files) > 0:
		return c, errors.New("-write needs -tables")
	case !c.tables && len(c.names) > 0:
		return c, fmt.Errorf("%q follows -suite %s: one suite at a time, or all", c.names[0], c.suite)
	}
	return c, nil
}

// unknownError says that nothing is called that, and what is.
type unknownError struct {
	kind, name string
	known      []string
}

func (e *unknownError) Error() string {
	return fmt.Sprintf("no %s is called %q; there are %s", e.kind, e.name, strings.Join(e.known, ", "))
}
