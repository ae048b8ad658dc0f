package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// A Ledger is a database of accounts, which any number of processes may have open.
type Ledger struct{ db *sql.DB }

const schema = `
CREATE TABLE IF NOT EXISTS accounts (
	name  TEXT PRIMARY KEY,
	cents INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS entries (
	id      INTEGER PRIMARY KEY,
	account TEXT NOT NULL,
	cents   INTEGER NOT NULL,
	text    TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS fences (
	log   BLOB NOT NULL,
	job   INTEGER NOT NULL,
	epoch INTEGER NOT NULL,
	done  BOOLEAN NOT NULL DEFAULT FALSE,
	PRIMARY KEY (log, job)
);`

// openLedger opens the ledger in a file. Transactions wait for one another, and
// begin with the lock that writing needs.
func openLedger(ctx context.Context, file string) (*Ledger, error) {
	options := url.Values{"_txlock": {"immediate"}, "_pragma": {"busy_timeout(10000)", "journal_mode(wal)"}}
	db, err := sql.Open("sqlite", "file:"+file+"?"+options.Encode())
	if err == nil {
		_, err = db.ExecContext(ctx, schema)
	}
	if err != nil {
		return nil, fmt.Errorf("ledger: open %s: %w", file, err)
	}
	return &Ledger{db}, nil
}

// Close closes the ledger.
func (l *Ledger) Close() error { return l.db.Close() }

// write runs f in a transaction, which is committed if f returns nil.
func (l *Ledger) write(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("ledger: write: %w", err)
	}
	defer tx.Rollback() // does nothing after Commit
	if err := f(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("ledger: write: %w", err)
	}
	return nil
}

// book enters an amount into an account.
func book(ctx context.Context, tx *sql.Tx, account string, cents int64, text string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO entries (account, cents, text) VALUES (?, ?, ?)`, account, cents, text)
	if err == nil {
		_, err = tx.ExecContext(ctx, `INSERT INTO accounts (name, cents) VALUES (?, ?)
			ON CONFLICT (name) DO UPDATE SET cents = accounts.cents + excluded.cents`, account, cents)
	}
	if err != nil {
		return fmt.Errorf("ledger: book %q: %w", text, err)
	}
	return nil
}

// balance is what an account has.
func (l *Ledger) balance(ctx context.Context, account string) (cents int64, err error) {
	err = l.db.QueryRowContext(ctx, `SELECT cents FROM accounts WHERE name = ?`, account).Scan(&cents)
	if err != nil {
		return 0, fmt.Errorf("ledger: balance of %q: %w", account, err)
	}
	return cents, nil
}

// An entry is one amount that was entered.
type entry struct {
	cents int64
	text  string
}

// entries are those of an account, oldest first.
func (l *Ledger) entries(ctx context.Context, account string) (all []entry, err error) {
	rows, err := l.db.QueryContext(ctx, `SELECT cents, text FROM entries WHERE account = ? ORDER BY id`, account)
	if err != nil {
		return nil, fmt.Errorf("ledger: entries of %q: %w", account, err)
	}
	defer rows.Close()
	for rows.Next() {
		var e entry
		if err := rows.Scan(&e.cents, &e.text); err != nil {
			return nil, fmt.Errorf("ledger: entries of %q: %w", account, err)
		}
		all = append(all, e)
	}
	return all, rows.Err()
}
