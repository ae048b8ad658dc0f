//go:build unix

package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"sync"

	"github.com/hemgo/hem/job"
)

// away returns a client that reaches h's owner through a Unix socket in dir, as one of
// another process does.
func (h *hemJobs) away(ctx context.Context, dir string) (client *job.Client, done func() error, err error) {
	path := filepath.Join(dir, "owner")
	at, err := net.Listen("unix", path)
	if err != nil {
		return nil, nil, err
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := at.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { _ = h.owner.Serve(ctx, conn) }) // it ends with what is connected
		}
	})
	remote, err := job.Connect(ctx, func(ctx context.Context) (io.ReadWriteCloser, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}, job.ConnectConfig{Name: "bench", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		defer serving.Wait()
		return nil, nil, errors.Join(err, at.Close())
	}
	return remote.Client(), func() error {
		defer serving.Wait()
		return errors.Join(remote.Close(context.Background()), at.Close())
	}, nil
}
