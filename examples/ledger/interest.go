package main

import (
	"context"
	"database/sql"

	"github.com/hemgo/hem/task"
)

// A writer is [Ledger.once], or, in the control, [Ledger.write].
type writer func(ctx context.Context, f func(*sql.Tx) error) error

// interest is the task of a worker that has l open: it pays a tenth of what an
// account has, and returns how much that was. between is called with the balance
// that was read, before anything is written.
func interest(l *Ledger, write writer, between func(cents int64)) *task.Def[string, int64] {
	return task.Define("interest", func(ctx context.Context, account string) (int64, error) {
		has, err := l.balance(ctx, account)
		if err != nil {
			return 0, err
		}
		between(has)
		return has / 10, write(ctx, func(tx *sql.Tx) error {
			return book(ctx, tx, account, has/10, "interest")
		})
	})
}
