package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/node/natslog"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/task"
)

// A race is two workers at one job, of which the first was given up for lost.
type race struct {
	fenced bool      // by the database
	dir    string    // for the log and the ledger; empty
	tell   io.Writer // what happens
}

// An outcome is what a race leaves.
type outcome struct {
	entries []entry
	cents   int64
	late    error // what the write of the worker that was given up returned
}

// run stages the race:
//
//	worker 1   claims, reads ─┐ stopped                    ┌─ writes
//	worker 2                  └─ claims, reads, writes, ends ┘
//
// Worker 2 comes with an owner that takes the log over, as after the machine of
// worker 1, and of the owner before, has not been heard of. That one finds out when
// it next wants something of the log.
func (r *race) run(ctx context.Context) (o outcome, err error) {
	log, err := natslog.Open(ctx, filepath.Join(r.dir, "jobs"), natslog.Config{})
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	ledger, err := openLedger(ctx, filepath.Join(r.dir, "ledger.db"))
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, ledger.Close()) }()
	err = ledger.write(ctx, func(tx *sql.Tx) error { return book(ctx, tx, "alice", 100_00, "opened") })
	if err != nil {
		return o, err
	}
	if err := r.between(ctx, log, ledger, &o.late); err != nil {
		return o, err
	}
	if o.entries, err = ledger.entries(ctx, "alice"); err != nil {
		return o, err
	}
	o.cents, err = ledger.balance(ctx, "alice")
	return o, err
}

// between runs both workers.
func (r *race) between(ctx context.Context, log job.Log, l *Ledger, late *error) error {
	return scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
		stopped, goOn := make(chan struct{}), make(chan struct{})
		slow := interest(l, r.noting(l, late), func(cents int64) {
			r.say("worker 1 has read %s, and is stopped", euros(cents))
			close(stopped)
			select {
			case <-goOn:
			case <-ctx.Done():
			}
		})
		quick := interest(l, r.writer(l), func(cents int64) { r.say("worker 2 has read %s", euros(cents)) })

		first, err := open(ctx, s, log)
		if err != nil {
			return err
		}
		h, err := job.Enqueue(ctx, first.Client(), slow, "alice")
		if err != nil {
			return err
		}
		lost := scope.Go(s, func(ctx context.Context) (bool, error) {
			err := job.Work(ctx, first.Client(), worker("worker 1", slow))
			return fault.KindOf(err) == fault.Lost, nil
		}, scope.Name("worker 1"))
		select {
		case <-stopped:
		case <-ctx.Done():
			return context.Cause(ctx)
		}

		second, err := open(ctx, s, log)
		if err != nil {
			return err
		}
		r.say("worker 1 is given up: its jobs are for others")
		s.Daemon(func(ctx context.Context) error {
			return job.Work(ctx, second.Client(), worker("worker 2", quick))
		}, scope.Name("worker 2"))
		paid, err := job.Find(second.Client(), quick, h.ID()).Wait(ctx)
		if err != nil {
			return err
		}
		r.say("worker 2 has paid %s: the job is done", euros(paid))

		close(goOn)
		if is, err := lost.Await(ctx); err != nil || !is {
			return errors.Join(err, errNotLost)
		}
		return nil
	}, scope.Name("race"))
}

var errNotLost = errors.New("ledger: worker 1 has not heard that its job was another's")

// open opens an owner that is closed when s has ended.
func open(ctx context.Context, s *scope.Scope, log job.Log) (*job.Owner, error) {
	// What an owner says of being deposed is what this program is about.
	o, err := job.Open(ctx, log, job.Config{Log: slog.New(slog.DiscardHandler)})
	if err == nil {
		s.Defer(func() error { return o.Close(context.Background()) })
	}
	return o, err
}

func worker(name string, t task.Task) job.WorkerConfig {
	return job.WorkerConfig{Name: name, Tasks: []task.Task{t}, Log: slog.New(slog.DiscardHandler)}
}

func (r *race) writer(l *Ledger) writer {
	if r.fenced {
		return l.once
	}
	return l.write
}

// noting is the writer of worker 1: it notes what came of it.
func (r *race) noting(l *Ledger, late *error) writer {
	return func(ctx context.Context, f func(*sql.Tx) error) error {
		*late = r.writer(l)(ctx, f)
		if *late != nil {
			r.say("worker 1 goes on, and is refused: %v", *late)
		} else {
			r.say("worker 1 goes on, and writes")
		}
		return *late
	}
}

func (r *race) say(format string, args ...any) { fmt.Fprintf(r.tell, "  "+format+"\n", args...) }

func euros(cents int64) string { return fmt.Sprintf("€%d.%02d", cents/100, cents%100) }
