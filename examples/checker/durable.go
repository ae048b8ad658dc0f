package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/node/natslog"
	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/task"
)

// durable is the rung where each check is a job: it is in a log on the disk before
// it begins, and is worked at in a process. The calls are attached: a check whose
// request is given up is cancelled. The log is in a temporary directory; a service
// whose jobs outlive it would keep it.
type durable struct {
	*job.Client
	owner     *job.Owner
	log       *natslog.Log
	processes explained
	dir       string
}

// queued is how many checks there may be that have not ended, as many as a pool
// has; the next is turned away.
const queued = 1024

func openDurable(each proc.Limits) (d *durable, err error) {
	d = &durable{}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close(context.Background()))
		}
	}()
	if d.processes, err = openProcesses(each); err != nil {
		return d, err
	}
	if d.dir, err = os.MkdirTemp("", "checker"); err != nil {
		return d, err
	}
	warnings := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	ctx := context.Background()
	if d.log, err = natslog.Open(ctx, filepath.Join(d.dir, "log"), natslog.Config{Log: warnings}); err != nil {
		return d, err
	}
	d.owner, err = job.Open(ctx, d.log, job.Config{Name: "checks", Depth: queued, Tasks: []task.Task{checkSource}, Log: warnings})
	if err != nil {
		return d, err
	}
	d.Client = d.owner.Client().With(job.NoWait())
	return d, nil
}

// work works until ctx ends: one check for each process.
func (d *durable) work(ctx context.Context) error {
	return job.Work(ctx, d.owner.Client(), job.WorkerConfig{
		Name:   "checks",
		Tasks:  []task.Task{checkSource},
		Runner: d.processes,
		Slots:  runtime.GOMAXPROCS(0),
		Grace:  time.Second,
	})
}

// mostData is how many bytes of source a job has in it: in its input they take a
// third more, of 256 KiB.
const mostData = 180 << 10

// check is a call of checkSource. Source that is too large for a job has a place of
// its own, and the job says where.
func (d *durable) check(ctx context.Context, s subject) (verdict, error) {
	if len(s.Data) > mostData {
		file, err := d.lay(s.Data)
		defer os.Remove(file) // when the job has ended, which Do waits for
		if err != nil {
			return verdict{}, err
		}
		s.Data, s.File = nil, file
	}
	return checkSource.Do(ctx, d.Client, s)
}

// lay writes data to a file.
func (d *durable) lay(data []byte) (file string, err error) {
	f, err := os.CreateTemp(d.dir, "source")
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	return f.Name(), errors.Join(err, f.Close())
}

// Close closes what was opened, in the opposite order. The worker has ended.
func (d *durable) Close(ctx context.Context) error {
	var errs []error
	if d.owner != nil {
		errs = append(errs, d.owner.Close(ctx))
	}
	if d.log != nil {
		errs = append(errs, d.log.Close())
	}
	if d.processes.Pool != nil {
		errs = append(errs, d.processes.Close(ctx))
	}
	if d.dir != "" {
		errs = append(errs, os.RemoveAll(d.dir))
	}
	return errors.Join(errs...)
}
