package job_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/hemgo/hem/job"
)

// A host is where an owner can be reached: whoever owns the log at the time.
type host struct {
	mu    sync.Mutex
	owner *job.Owner
	wrap  func(io.ReadWriteCloser) io.ReadWriteCloser // of the client's end
	conns []io.Closer
	busy  sync.WaitGroup
}

var errNobody = errors.New("nobody listens")

// dial connects to the owner.
func (h *host) dial(context.Context) (io.ReadWriteCloser, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.owner == nil {
		return nil, errNobody
	}
	here, there := net.Pipe()
	h.conns = append(h.conns, there)
	h.busy.Add(1)
	go func(o *job.Owner) {
		defer h.busy.Done()
		_ = o.Serve(context.Background(), there)
	}(h.owner)
	if h.wrap != nil {
		return h.wrap(here), nil
	}
	return here, nil
}

// move lets o be who is reached from now on.
func (h *host) move(o *job.Owner) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.owner = o
}

// cut ends the connections there are.
func (h *host) cut() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.conns {
		_ = c.Close()
	}
	h.conns = nil
}

// remote connects to h, until the test has ended.
func remote(t testing.TB, h *host) *job.Remote {
	t.Helper()
	r, err := job.Connect(t.Context(), h.dial, job.ConnectConfig{Name: "tester", Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
		h.busy.Wait()
	})
	return r
}
