//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgxpool"
)

// postgresConns is how many connections River's pool has: on two cores, 16 to 64
// make 64 producers equally fast, and 8 make them slower.
const postgresConns = 32

// postgresSettings are what is set for River, in the order in which they are told.
// Durability is the default's, named so that it is seen; the rest is what tuning
// guides give such a machine, with a checkpoint that does not fall into the run.
var postgresSettings = []setting{
	{"fsync", "on"},
	{"synchronous_commit", "on"},
	{"full_page_writes", "on"},
	{"shared_buffers", "512MB"},
	{"wal_buffers", "16MB"},
	{"max_wal_size", "8GB"},
	{"checkpoint_timeout", "30min"},
	{"max_connections", "100"},
}

// A setting is one line of a server's configuration.
type setting struct{ name, value string }

// tell writes settings as a person reads them, "fsync=on synchronous_commit=on".
func tell(settings []setting) string {
	var words []string
	for _, s := range settings {
		words = append(words, s.name+"="+s.value)
	}
	return strings.Join(words, " ")
}

// postgresConfig is postgresql.conf: nothing listens but a socket in dir.
func postgresConfig(settings []setting, dir string) string {
	var b strings.Builder
	for _, s := range append([]setting{{"listen_addresses", ""}, {"unix_socket_directories", dir}}, settings...) {
		fmt.Fprintf(&b, "%s = '%s'\n", s.name, strings.ReplaceAll(s.value, "'", "''"))
	}
	return b.String()
}

// startPostgres makes a cluster in dir, of which nothing is kept, and serves it.
func startPostgres(ctx context.Context, bin, dir string) (*jobServer, *pgxpool.Pool, error) {
	s := &jobServer{
		name:   "PostgreSQL " + askVersion(filepath.Join(bin, "postgres")),
		socket: filepath.Join(dir, ".s.PGSQL.5432"),
		quit:   syscall.SIGQUIT,
	}
	if err := checkSocket(s.socket); err != nil {
		return nil, nil, err
	}
	who, err := findUnderling("postgres", "nobody")
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", s.name, err)
	}
	if err := who.room(dir); err != nil {
		return nil, nil, err
	}
	data := filepath.Join(dir, "data")
	if err := initPostgres(ctx, who, bin, dir, data); err != nil {
		return nil, nil, err
	}
	if err := os.WriteFile(filepath.Join(data, "postgresql.conf"), []byte(postgresConfig(postgresSettings, dir)), 0o644); err != nil {
		return nil, nil, err
	}
	s.cmd = who.command(context.WithoutCancel(ctx), dir, filepath.Join(bin, "postgres"), "-D", data)
	config, err := pgxpool.ParseConfig("host=" + dir + " user=postgres dbname=postgres sslmode=disable")
	if err != nil {
		return nil, nil, err
	}
	config.MinConns, config.MaxConns = postgresConns, postgresConns
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, nil, err
	}
	if err := s.start(ctx, pool.Ping); err != nil {
		pool.Close()
		return nil, nil, err
	}
	return s, pool, nil
}

// initPostgres makes the cluster. It does not flush it: it is new either way.
func initPostgres(ctx context.Context, who underling, bin, dir, data string) error {
	ctx, cancel := context.WithTimeout(ctx, readiness)
	defer cancel()
	initdb := who.command(ctx, dir, filepath.Join(bin, "initdb"),
		"-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	if said, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, lastLine(said))
	}
	return nil
}
