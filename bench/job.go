//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// The suite job is durable work: Hem's job on node/natslog, beside River on
// PostgreSQL and Asynq on Redis, whose servers it starts for itself. A job is
// enqueued when it is safe, so all sides flush to the same disk.
func init() {
	register(suite{name: "job", print: printJob, table: tabulateJob})
}

// jobCases are measured in this order.
var jobCases = []jobCase{
	{"enqueue-64-producers", enqueueing},
	{"enqueue-bulk-1000", enqueueingBulk},
	{"work-acked", working},
	{"pickup", pickingUp},
	{"cancel-running", cancellingRunning},
	{"share", sharing},
	{"schedules-idle", idling},
	{"append", appending},
	{"pending-1M", pending},
	{"enqueue-during-snapshot", duringSnapshot},
}

// A jobCase measures rows that belong together.
type jobCase struct {
	name    string
	measure func(ctx context.Context, r *jobRun) ([]jobOutcome, error)
}

// A jobOutcome is an outcome, and the rivals that it should have.
type jobOutcome struct {
	outcome
	lacking []queue // broken
}

// A jobRun is one run of the suite.
type jobRun struct {
	plan   plan
	dir    string
	rivals *rivals
	rooms  []string // of Hem's, since the case began
	made   int
}

// jobPatience is how long a run may take, which ends it whatever happens.
const jobPatience = 30 * time.Minute

// fresh returns the path of a directory that is not there yet, and will not be
// after the case.
func (r *jobRun) fresh(name string) string {
	r.made++
	dir := filepath.Join(r.dir, name+"-"+strconv.Itoa(r.made))
	r.rooms = append(r.rooms, dir)
	return dir
}

// clear makes room for the next case.
func (r *jobRun) clear() (err error) {
	for _, dir := range r.rooms {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	r.rooms = nil
	return err
}

func printJob(out io.Writer, p plan) error { return runJob(out, p, debianServers, jobCases, nil) }

// tabulateJob is the suite as Markdown. What is installed is told all the same.
func tabulateJob(p plan) (string, error) {
	from := debianServers
	from.install = func(ctx context.Context, _ io.Writer, packages ...string) error {
		return install(ctx, os.Stderr, packages...)
	}
	var rows []outcome
	err := runJob(io.Discard, p, from, jobCases, func(o outcome) { rows = append(rows, o) })
	if err != nil {
		return "", err
	}
	return renderCases(rows) + "\n" + signature(p, "job"), nil
}

// runJob measures cases, prints each as soon as it is known and hands it to done.
// What fails is a row that says so, and does not keep the rest from being
// measured.
func runJob(out io.Writer, p plan, from servers, cases []jobCase, done func(outcome)) (err error) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), jobPatience, errors.New("the suite took too long"))
	defer cancel()
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second interrupt is not asked to wait
	dir, err := jobDir()
	if err != nil {
		return err
	}
	defer finish(func() error { return os.RemoveAll(dir) }, &err)
	writeHeader(out, "job", p)
	if inMemory(dir) {
		fmt.Fprintln(out, "# the temporary directory is in memory, where flushing costs nothing: set TMPDIR to one on a disk")
	}
	r := &jobRun{plan: p, dir: dir, rivals: openRivals(ctx, out, dir, from)}
	defer finish(r.rivals.close, &err)
	for _, told := range r.rivals.told {
		fmt.Fprintln(out, "#", told)
	}
	var others []float64
	for _, c := range cases {
		others = append(others, othersBusy(p))
		outcomes, failed := c.measure(ctx, r)
		failed = errors.Join(failed, r.clear())
		if ctx.Err() != nil {
			return errors.Join(err, context.Cause(ctx))
		}
		for _, o := range outcomes {
			if failed == nil {
				err = errors.Join(err, o.write(out))
				if done != nil {
					done(o.outcome)
				}
			}
		}
		if failed != nil {
			fmt.Fprintf(out, "%s\t-\t-\t-\t-\n# failed: %v\n", c.name, failed)
			err = errors.Join(err, fmt.Errorf("case %s: %w", c.name, failed))
		}
	}
	if busy := median(others); busy > 0.2 {
		fmt.Fprintf(out, "# other programs kept %s processors busy between the cases: run it again when the machine rests\n", digits(busy))
	}
	return err
}

// othersBusy returns how many processors are busy while nothing is measured.
func othersBusy(p plan) float64 {
	busy, began := processorTime(), time.Now()
	time.Sleep(10 * p.sample)
	return float64(processorTime()-busy) / float64(time.Since(began))
}

// jobDir makes the directory of a run, which users that are not root may enter.
func jobDir() (string, error) {
	dir, err := os.MkdirTemp("", "hem-job-")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o711)
}

// write prints o, and a row for each rival that it lacks, whose errors it returns.
func (o jobOutcome) write(out io.Writer) (err error) {
	if len(o.rivals) > 0 || len(o.lacking) == 0 {
		writeOutcome(out, o.outcome)
	}
	for _, q := range o.lacking {
		fmt.Fprintf(out, "%s\t%v\t%s\t-\t-\n# failed: %v\n", o.name, o.ours, q.name, q.broken)
		err = errors.Join(err, fmt.Errorf("case %s: %w", o.name, q.broken))
	}
	return err
}

// finish joins what close returns to *err.
func finish(close func() error, err *error) { *err = errors.Join(*err, close()) }
