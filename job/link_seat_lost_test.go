package job_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/wire"
	"github.com/hemgo/hem/job/jobtest"
)

// A slow log takes its time.
type slow struct {
	*jobtest.Memory
	by atomic.Int64
}

func (s *slow) Append(ctx context.Context, after uint64, rec []byte) error {
	time.Sleep(time.Duration(s.by.Load()))
	return s.Memory.Append(ctx, after, rec)
}

// A connection that breaks while its session is being opened is forgotten.
func TestAConnectionThatBreaksWhileItsSessionIsOpenedIsForgotten(t *testing.T) {
	m := &slow{Memory: jobtest.NewMemory()}
	o := open(t, m, job.Config{})
	put(t, o.Client(), 1)
	time.Sleep(100 * time.Millisecond)
	before := heap()
	m.by.Store(int64(30 * time.Millisecond))
	for range 100 {
		here, there := net.Pipe()
		served := later(func() error { return o.Serve(context.Background(), there) })
		h := &hand{t: t, conn: here, r: wire.NewReader(here)}
		hello := wire.Put(nil)
		hello.Greeting(&wire.Greeting{Name: "by hand"})
		h.write(wire.Append(nil, wire.Hello, 0, hello.Bytes()))
		if _, err := h.r.Next(); err != nil {
			t.Fatal(err)
		}
		h.write(h.frame(&owner.Request{Op: owner.OpenSession, Name: "s", Remote: true}))
		time.Sleep(5 * time.Millisecond)
		h.write(h.frame(&owner.Request{Op: owner.Cancel, Job: 99, Cause: make([]byte, 1<<20)}))
		time.Sleep(5 * time.Millisecond)
		_ = here.Close()
		_ = served()
	}
	m.by.Store(0)
	for n := 1; n > 0; time.Sleep(time.Second) { // the sessions end
		all, err := o.Client().Sessions(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n = len(all)
	}
	wantHeap(t, before, 10<<20)
}

// To come with a number that is no session's is not remembered.
func TestAnAttachOfNoSessionIsNotRemembered(t *testing.T) {
	o := open(t, jobtest.NewMemory(), job.Config{})
	h := byHand(t, o)
	attach := func(from, to int) {
		for id := from; id < to; id++ {
			if err := h.ask(&owner.Request{Op: owner.Attach, Session: uint64(1000 + id), Seen: 1}).Err; err == nil {
				t.Fatal("there is such a session")
			}
		}
	}
	attach(0, 1000)
	before := heap()
	attach(1000, 100_000)
	wantHeap(t, before, 1<<20)
}
