//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
)

// servers says where to get the rivals' servers.
type servers struct {
	postgres, redis func() string // where they are; "" if they are not
	install         func(ctx context.Context, out io.Writer, packages ...string) error
}

// debianServers are this machine's own, or Debian's, which are installed if need
// be.
var debianServers = servers{
	postgres: func() string { return findPostgres(debianPostgres) },
	redis:    findRedis,
	install:  install,
}

// rivals are the queues that Hem's is set beside. Who is not to be had is among
// them, broken.
type rivals struct {
	queues []queue
	mills  []mill
	told   []string // the servers and their settings
	stops  []func() error
}

// openRivals starts the servers in dir, on whose file system Hem's logs are, too.
func openRivals(ctx context.Context, out io.Writer, dir string, from servers) *rivals {
	r := new(rivals)
	lacks := from.supply(ctx, out)
	river, err := []queue(nil), lacks
	if bin := from.postgres(); bin != "" {
		river, err = r.river(ctx, bin, filepath.Join(dir, "postgres"))
	}
	r.add(river, err, riverQueues(nil), "PostgreSQL")
	r.lack(err, riverMills(nil), "PostgreSQL")
	for _, kind := range []struct{ name, appendfsync string }{{"asynq", "everysec"}, {"asynq-always", "always"}} {
		q, err := queue{name: kind.name}, lacks
		if bin := from.redis(); bin != "" {
			q, err = r.asynq(ctx, bin, filepath.Join(dir, kind.name), kind.name, kind.appendfsync)
		}
		r.add([]queue{q}, err, []queue{asynqQueue(kind.name, nil)}, "Redis")
		r.lack(err, asynqMills(kind.name, nil, ""), "Redis")
	}
	return r
}

// supply installs what is missing, and returns why that cannot be.
func (from servers) supply(ctx context.Context, out io.Writer) error {
	var packages []string
	if from.postgres() == "" {
		packages = append(packages, "postgresql")
	}
	if from.redis() == "" {
		packages = append(packages, "redis-server")
	}
	if len(packages) == 0 {
		return nil
	}
	if err := from.install(ctx, out, packages...); err != nil {
		return err
	}
	return errors.New("what has been installed has no server in it")
}

// add takes queues in or, if there was an error, those that they would have been,
// as broken.
func (r *rivals) add(queues []queue, err error, instead []queue, server string) {
	if err == nil {
		r.queues = append(r.queues, queues...)
		return
	}
	for _, q := range instead {
		q.broken = fmt.Errorf("%s: no %s: %w", q.name, server, err)
		r.queues = append(r.queues, q)
	}
}

// lack takes in mills, as broken, if there was an error.
func (r *rivals) lack(err error, instead []mill, server string) {
	if err == nil {
		return
	}
	for _, m := range instead {
		m.broken = fmt.Errorf("%s: no %s: %w", m.name, server, err)
		r.mills = append(r.mills, m)
	}
}

// pick returns the mills of those names.
func (r *rivals) pick(names ...string) (some []mill) {
	for _, m := range r.mills {
		if slices.Contains(names, m.name) {
			some = append(some, m)
		}
	}
	return some
}

func (r *rivals) river(ctx context.Context, bin, dir string) ([]queue, error) {
	s, pool, err := startPostgres(ctx, bin, dir)
	if err != nil {
		return nil, err
	}
	r.stops = append(r.stops, s.stop, func() error { pool.Close(); return nil })
	client, err := openRiver(ctx, pool)
	if err != nil {
		return nil, fmt.Errorf("make River's tables: %w", err)
	}
	r.told = append(r.told, fmt.Sprintf("river: %s, %s, a Unix socket, %d connections", s.name, tell(postgresSettings), postgresConns))
	r.mills = append(r.mills, riverMills(pool)...)
	return riverQueues(client), nil
}

func (r *rivals) asynq(ctx context.Context, bin, dir, name, appendfsync string) (queue, error) {
	s, client, err := startRedis(ctx, bin, dir, appendfsync)
	if err != nil {
		return queue{}, err
	}
	r.stops = append(r.stops, s.stop, client.Close)
	r.told = append(r.told, fmt.Sprintf("%s: %s, %s, a Unix socket, %d connections", name, s.name, tell(redisSettings(appendfsync)), redisConns))
	r.mills = append(r.mills, asynqMills(name, client, s.socket)...)
	return asynqQueue(name, client), nil
}

// close closes the clients and stops the servers, the latest first.
func (r *rivals) close() (err error) {
	for i := len(r.stops) - 1; i >= 0; i-- {
		err = errors.Join(err, r.stops[i]())
	}
	return err
}
