package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/scope"
)

func main() {
	proc.Serve(checkSource) // a worker gets no further
	var (
		addr    = flag.String("addr", "127.0.0.1:8080", "address to serve on; port 0 picks a free one")
		on      = flag.String("on", "pool", "where checks run: "+placementNames())
		compare = flag.Bool("compare", false, "measure every placement under load and print a row for each")
		span    = flag.Duration("for", 5*time.Second, "with -compare, how long to measure each placement")
		write   = flag.String("write", "", "with -compare, comma-separated Markdown files whose table between demo markers is rewritten")
		serve   = flag.Bool("then-serve", false, "with -compare, leave the service up afterwards")
		grace   = flag.Duration("grace", 10*time.Second, "how long requests in flight may take to finish when stopping")
	)
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "checker: unexpected argument %q; see -help\n", flag.Arg(0))
		os.Exit(2)
	}
	scope.Main(func(ctx context.Context, s *scope.Scope) error {
		if *compare {
			rows, err := comparePlacements(ctx, os.Stdout, *span)
			if err == nil && *write != "" {
				err = writeTables(rows, strings.Split(*write, ","))
			}
			if err != nil || !*serve {
				return err
			}
		}
		service, err := newService(*on, limits)
		if err != nil {
			return err
		}
		url, err := service.start(s, *addr)
		if err != nil {
			return err
		}
		return announce(os.Stdout, url, *on, *serve)
	}, scope.Grace(*grace))
}
