package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/hemgo/hem/scope"
)

func main() {
	scope.Main(func(ctx context.Context, _ *scope.Scope) error {
		for _, fenced := range []bool{false, true} {
			if err := show(ctx, os.Stdout, fenced); err != nil {
				return err
			}
		}
		return nil
	})
}

// show stages a race and prints it.
func show(ctx context.Context, w io.Writer, fenced bool) error {
	dir, err := os.MkdirTemp("", "ledger")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if fenced {
		fmt.Fprintln(w, "With a fence in the database:")
	} else {
		fmt.Fprintln(w, "Without a fence:")
	}
	r := &race{fenced: fenced, dir: dir, tell: w}
	o, err := r.run(ctx)
	if err != nil {
		return err
	}
	for _, e := range o.entries {
		fmt.Fprintf(w, "\t%8s %s\n", euros(e.cents), e.text)
	}
	fmt.Fprintf(w, "\t%8s is what alice has\n", euros(o.cents))
	return nil
}
