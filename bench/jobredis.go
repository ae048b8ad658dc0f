//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/hibiken/asynq"
)

// redisConns is how many connections Asynq's pool has: one for each producer.
const redisConns = 64

// redisSettings are what is set for Asynq. appendfsync is everysec, Redis's default,
// so that up to a second of acknowledged tasks is lost with the power, or always,
// which is what the other sides promise.
func redisSettings(appendfsync string) []setting {
	return []setting{
		{"appendonly", "yes"},
		{"appendfsync", appendfsync},
		{"save", `""`},
		{"auto-aof-rewrite-min-size", "4gb"}, // none falls into the run
	}
}

// redisConfig is redis.conf: nothing listens but the socket.
func redisConfig(settings []setting, dir, socket string) string {
	var b strings.Builder
	fixed := []setting{
		{"port", "0"},
		{"unixsocket", strconv.Quote(socket)},
		{"unixsocketperm", "700"},
		{"dir", strconv.Quote(dir)},
		{"daemonize", "no"},
	}
	for _, s := range append(fixed, settings...) {
		fmt.Fprintf(&b, "%s %s\n", s.name, s.value)
	}
	return b.String()
}

// startRedis serves an empty Redis from dir.
func startRedis(ctx context.Context, bin, dir, appendfsync string) (*jobServer, *asynq.Client, error) {
	s := &jobServer{
		name:   "Redis " + askVersion(bin),
		socket: filepath.Join(dir, "socket"),
		quit:   syscall.SIGKILL, // it would write all that is thrown away
	}
	if err := checkSocket(s.socket); err != nil {
		return nil, nil, err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, nil, err
	}
	config := filepath.Join(dir, "redis.conf")
	if err := os.WriteFile(config, []byte(redisConfig(redisSettings(appendfsync), dir, s.socket)), 0o600); err != nil {
		return nil, nil, err
	}
	s.cmd = underling{}.command(context.WithoutCancel(ctx), dir, bin, config)
	client := asynq.NewClient(redisAddress(s.socket))
	if err := s.start(ctx, func(context.Context) error { return client.Ping() }); err != nil {
		client.Close()
		return nil, nil, err
	}
	return s, client, nil
}

// redisAddress is where Asynq's client and, one day, its server connect to.
func redisAddress(socket string) asynq.RedisClientOpt {
	return asynq.RedisClientOpt{Network: "unix", Addr: socket, PoolSize: redisConns}
}
