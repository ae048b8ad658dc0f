//go:build unix

package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// noServers is a machine that has none, and cannot get any.
var noServers = servers{
	postgres: func() string { return "" },
	redis:    func() string { return "" },
	install: func(_ context.Context, _ io.Writer, packages ...string) error {
		return errors.New("the shop is closed: no " + strings.Join(packages, ", no "))
	},
}

// rowsOf returns the lines of out that are no comments.
func rowsOf(out string) (rows []string) {
	for line := range strings.Lines(out) {
		if !strings.HasPrefix(line, "#") {
			rows = append(rows, strings.TrimSpace(line))
		}
	}
	return rows
}

func TestMissingServerFailsItsRowsAndNoOthers(t *testing.T) {
	var out strings.Builder
	var done []string
	err := runJob(&out, glance, noServers, jobCases, func(o outcome) { done = append(done, o.name) })
	if err == nil {
		t.Error("it is no failure")
	}
	for _, want := range []string{
		"# failed: river: no PostgreSQL: the shop is closed: no postgresql, no redis-server\n",
		"# failed: asynq: no Redis: the shop is closed: no postgresql, no redis-server\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing from:\n%s", want, out.String())
		}
	}
	var failed, measured []string
	for _, row := range rowsOf(out.String())[1:] {
		cells := strings.Split(row, "\t")
		if len(cells) != 5 {
			t.Fatalf("%q has not five columns", row)
		}
		if cells[1] == "-" {
			t.Errorf("ours was not measured: %q", row)
		}
		if cells[3] == "-" && cells[2] != "-" {
			failed = append(failed, cells[0]+" "+cells[2])
		}
		measured = append(measured, cells[0])
	}
	if want := []string{
		"enqueue-64-producers river", "enqueue-64-producers asynq", "enqueue-64-producers asynq-always",
		"enqueue-bulk-1000 river", "enqueue-bulk-1000 river-fast",
		"work-acked river", "work-acked asynq", "work-acked asynq-always", "work-acked river-preloaded", "work-acked asynq-preloaded",
		"work-acked-256 river", "work-acked-256 asynq", "work-acked-256 asynq-always",
		"pickup river", "pickup river-eager", "pickup asynq", "pickup asynq-eager",
		"cancel-running river", "cancel-running asynq",
	}; !slices.Equal(failed, want) {
		t.Errorf("failed:\n%q\nwant:\n%q", failed, want)
	}
	measured = slices.Compact(measured)
	if want := []string{
		"enqueue-64-producers", "enqueue-bulk-1000",
		"work-acked", "work-acked-256", "pickup", "pickup-during-snapshot", "cancel-running", "cancel-running-remote", "fair-on", "limits-on", "schedules-idle",
		"append-300B", "append-64KiB", "pending-1M-heap", "pending-1M-recovery", "pending-1M", "enqueue-during-snapshot",
	}; !slices.Equal(measured, want) {
		t.Errorf("measured:\n%q\nwant:\n%q", measured, want)
	}
	if !slices.Equal(done, measured) {
		t.Errorf("handed on %q, want %q", done, measured)
	}
}

func TestCaseThatFailsIsARowAndTheNextIsMeasured(t *testing.T) {
	cases := []jobCase{
		{"bad", func(context.Context, *jobRun) ([]jobOutcome, error) { return nil, errors.New("disk on fire") }},
		{"good", func(context.Context, *jobRun) ([]jobOutcome, error) {
			return []jobOutcome{{outcome: outcome{name: "good", ours: quantity{7, perSecond}}}}, nil
		}},
	}
	var out strings.Builder
	err := runJob(&out, glance, noServers, cases, nil)
	if err == nil || err.Error() != "case bad: disk on fire" {
		t.Errorf("got error %v", err)
	}
	if want := "bad\t-\t-\t-\t-\n# failed: disk on fire\ngood\t7/s\t-\t-\t-\n"; !strings.Contains(out.String(), want) {
		t.Errorf("got:\n%s\nwant in it:\n%s", out.String(), want)
	}
}

func TestServersThatAreThereAreNotInstalled(t *testing.T) {
	from := noServers
	from.postgres = func() string { return "/opt/pg" }
	from.redis = func() string { return "/opt/redis" }
	from.install = func(context.Context, io.Writer, ...string) error {
		t.Error("something is installed")
		return nil
	}
	if err := from.supply(t.Context(), io.Discard); err != nil {
		t.Error(err)
	}
}
