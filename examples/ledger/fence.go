package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
)

// once runs f in a transaction for the job that ctx, a handler's, is of. However
// many attempts there are at the job, and whether or not they overlap, one of them
// commits. An attempt that comes after that does nothing, which is no failure.
//
// It fails with fault.Fenced, and nothing is written, if a later attempt has come
// here before: this one's worker was given up for lost.
func (l *Ledger) once(ctx context.Context, f func(*sql.Tx) error) error {
	token, ok := job.Token(ctx)
	if !ok {
		return errNoJob
	}
	return l.write(ctx, func(tx *sql.Tx) error {
		done, err := fence(ctx, tx, token)
		if err != nil || done {
			return err
		}
		if err := f(tx); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE fences SET done = TRUE WHERE log = ? AND job = ?`, token.Log[:], int64(token.Job))
		return err
	})
}

// fence lets a transaction go on if none of a later attempt has, and reports
// whether the job is done.
func fence(ctx context.Context, tx *sql.Tx, token job.FencingToken) (done bool, err error) {
	err = tx.QueryRowContext(ctx, `
		INSERT INTO fences (log, job, epoch) VALUES (?, ?, ?)
		ON CONFLICT (log, job) DO UPDATE SET epoch = excluded.epoch
		WHERE fences.epoch <= excluded.epoch
		RETURNING done`, token.Log[:], int64(token.Job), int64(token.Epoch)).Scan(&done)
	if errors.Is(err, sql.ErrNoRows) {
		return false, &fault.Error{Op: "ledger: write", Kind: fault.Fenced,
			Err: fmt.Errorf("job %v was claimed again after epoch %d, and that worker has written", token.Job, token.Epoch)}
	}
	return done, err
}

var errNoJob = errors.New("ledger: once is for handlers of jobs: ctx is of none")
