package check_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hemgo/hem/examples/checker/check"
)

func Example() {
	c, err := check.New(check.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	const src = `package main

import ("fmt"; "os")

func main() {
	answer := 42
	fmt.Printf("%d\n", "forty-two")
}
`
	s, err := check.FromFile("main.go", strings.NewReader(src), check.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	rep, err := c.Check(context.Background(), s)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range rep.Diagnostics {
		fmt.Printf("%s:%d:%d: %s: %s\n", d.File, d.Line, d.Col, d.Code, d.Message)
	}
	// Output:
	// main.go:3:16: unused-import: "os" imported and not used
	// main.go:6:2: unused-variable: declared and not used: answer
	// main.go:7:14: printf: fmt.Printf format %d has arg "forty-two" of wrong type string
}

// Source that would take go/types longer than anybody waits is refused.
func ExampleInputError() {
	var b strings.Builder
	b.WriteString("package p\ntype T0 int\n")
	for i := range 64 {
		fmt.Fprintf(&b, "type T%d struct{ a, b T%d }\n", i+1, i)
	}
	s, err := check.FromFile("p.go", strings.NewReader(b.String()), check.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := check.New(check.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = c.Check(context.Background(), s)
	var in *check.InputError
	if errors.As(err, &in) {
		fmt.Println(in.Reason)
		fmt.Println(in)
	}
	// Output:
	// too complex
	// check: guard: p.go: T21: types contain too many fields and methods, the limit is 4194304
}

func ExampleFromStd() {
	_, err := check.FromStd("../../etc", check.Limits{})
	fmt.Println(err)

	s, err := check.FromStd("encoding/json", check.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := check.New(check.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	rep, err := c.Check(context.Background(), s)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(rep.Package, len(rep.Diagnostics))
	// Output:
	// check: read std: ../../etc: no such package in the standard library
	// encoding/json 0
}
