package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/hemgo/hem/scope"
)

// row is one placement, measured.
type row struct {
	name string
	figures
}

// comparePlacements measures the service on each placement, and idle, and
// prints a row for each. The service runs in a child process and this one
// drives it, so that the client's work is not measured as the service's.
func comparePlacements(ctx context.Context, w io.Writer, span time.Duration) ([]row, error) {
	if span <= 0 {
		return nil, fmt.Errorf("checker: -for must be positive, not %v", span)
	}
	fmt.Fprintln(w, "placement\tping_p50_ms\tping_p99_ms\tchecks_per_s")
	var rows []row
	measure := func(name, placement string, clients int) error {
		f, err := measureChild(ctx, placement, clients, span)
		if err != nil {
			return fmt.Errorf("checker: compare %s: %w", name, err)
		}
		rows = append(rows, row{name, f})
		_, err = fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%.1f\n", name, f.pingP50, f.pingP99, f.checksPerSecond)
		return err
	}
	if err := measure("idle", placements[0].name, 0); err != nil {
		return nil, err
	}
	for _, p := range placements {
		if err := measure(p.name, p.name, heavyClients); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// measureChild starts the service on placement as a child process, drives it,
// and stops it.
func measureChild(ctx context.Context, placement string, clients int, span time.Duration) (figures, error) {
	return scope.Value(ctx, func(ctx context.Context, s *scope.Scope) (figures, error) {
		url, err := startChild(ctx, s, placement)
		if err != nil {
			return figures{}, err
		}
		return drive(ctx, url, clients, span)
	}, scope.Name("measure "+placement))
}

// startChild starts this program as a service and returns its URL. The child is
// a daemon of s: it is stopped when what drives it has ended.
func startChild(ctx context.Context, s *scope.Scope, placement string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	out, in, err := os.Pipe()
	if err != nil {
		return "", err
	}
	s.Defer(out.Close)
	s.Daemon(func(ctx context.Context) error {
		defer in.Close()
		cmd := exec.CommandContext(ctx, self, "-on", placement, "-addr", "127.0.0.1:0", "-grace", "3s")
		cmd.Stdout, cmd.Stderr = in, os.Stderr
		cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
		cmd.WaitDelay = 10 * time.Second
		return cmd.Run()
	}, scope.Name("child on "+placement))
	return readURL(out)
}

// readURL finds the address in what the child prints.
func readURL(r io.Reader) (string, error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		for _, word := range strings.Fields(lines.Text()) {
			if strings.HasPrefix(word, "http://") {
				return strings.TrimSuffix(word, ","), nil
			}
		}
	}
	return "", errors.Join(errors.New("the service did not start"), lines.Err())
}
