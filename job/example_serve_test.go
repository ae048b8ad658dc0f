package job_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/task"
)

// Whoever has the log serves it to workers and callers in other processes.
func ExampleOwner_Serve() {
	ctx := context.Background()
	owner := must(job.Open(ctx, jobtest.NewMemory(), job.Config{Log: quiet}))
	defer owner.Close(ctx)
	dir := must(os.MkdirTemp("", "jobs"))
	defer os.RemoveAll(dir)

	l := must(net.Listen("unix", filepath.Join(dir, "socket")))
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // l was closed
			}
			go owner.Serve(ctx, conn)
		}
	}()

	remote := must(job.Connect(ctx, func(ctx context.Context) (io.ReadWriteCloser, error) {
		return new(net.Dialer).DialContext(ctx, "unix", l.Addr().String())
	}, job.ConnectConfig{Log: quiet}))
	defer remote.Close(ctx)
	h := must(job.Enqueue(ctx, remote.Client(), Square, 7))
	fmt.Println(must(owner.Client().Status(ctx, h.ID())).State)
	// Output: ready
}

// A worker is a process of its own. It finds the owner again, also the next one.
func ExampleConnect() {
	ctx := context.Background()
	owner := must(job.Open(ctx, jobtest.NewMemory(), job.Config{Log: quiet}))
	defer owner.Close(ctx)
	dial := func(context.Context) (io.ReadWriteCloser, error) { // net.Dialer.DialContext where it is meant
		here, there := net.Pipe()
		go owner.Serve(ctx, there)
		return here, nil
	}

	remote := must(job.Connect(ctx, dial, job.ConnectConfig{Name: "worker", Log: quiet}))
	working, stop := context.WithCancel(ctx)
	worked := make(chan error)
	go func() {
		worked <- job.Work(working, remote.Client(), job.WorkerConfig{Tasks: []task.Task{Square}, Log: quiet})
	}()

	fmt.Println(Square.Do(ctx, owner.Client(), 7))
	stop()
	fmt.Println(<-worked, remote.Close(ctx))
	// Output:
	// 49 <nil>
	// <nil> <nil>
}
