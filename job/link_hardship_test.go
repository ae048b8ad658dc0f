package job_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
	"github.com/hemgo/hem/job/internal/wire"
	"github.com/hemgo/hem/job/jobtest"
)

func (h *hand) frame(r *owner.Request) []byte {
	h.n++
	f := wire.Put(wire.Begin(nil, wire.Ask, h.n))
	f.Request(r)
	return wire.Finish(f.Bytes(), 0)
}

// Who leaves what was refused is answered once.
func TestWhatWasRefusedIsAnsweredOnceAlthoughItsCallerLeaves(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t, jobtest.NewMemory(), job.Config{})
		h := byHand(t, o)
		const n = 100
		var b []byte
		for range n {
			b = append(b, h.frame(&owner.Request{Op: owner.OpenSession, Remote: true})...) // without a name
			b = wire.Append(b, wire.Leave, h.n, nil)
		}
		h.write(b)
		h.write(wire.Append(nil, wire.Ping, 0, nil))
		answers := 0
		for range 2*n + 1 {
			if f, err := h.r.Next(); err != nil {
				t.Fatal(err)
			} else if f.Kind == wire.Pong {
				h.write(wire.Append(nil, wire.Ping, 0, nil)) // and once more, for what comes behind it
				synctest.Wait()
				if f, err = h.r.Next(); err != nil || f.Kind == wire.Pong {
					break
				}
				answers++
			} else {
				answers++
			}
		}
		if answers != n {
			t.Errorf("%d answers to %d requests", answers, n)
		}
	})
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// wantHeap waits until the owner has done what it was asked, and holds no more than most.
func wantHeap(t *testing.T, before int64, most int64) {
	t.Helper()
	grown := heap() - before
	for began := time.Now(); grown > most && time.Since(began) < 10*time.Second; grown = heap() - before {
		time.Sleep(50 * time.Millisecond)
	}
	if grown > most {
		t.Errorf("the owner holds %d MiB more, want %d at most", grown>>20, most>>20)
	}
}

// A peer that never reads, whose requests wait: 64 MiB, says Serve.
func TestWhatIsRefusedIsNotKept(t *testing.T) {
	o := open(t, jobtest.NewMemory(), job.Config{Depth: 1})
	put(t, o.Client(), 1)
	h := byHand(t, o)
	one := state.Spec{Task: "resize", Queue: "default", Attempts: 1, Input: make([]byte, 256<<10)}
	before := heap()
	for range 400 {
		h.write(h.frame(&owner.Request{Op: owner.Enqueue, Wait: true, Specs: []state.Spec{one, one, one}}))
	}
	wantHeap(t, before, 100<<20)
}

// A peer that never reads, and asks for what is large.
func TestAnswersThatNobodyReadsAreBounded(t *testing.T) {
	o := open(t, jobtest.NewMemory(), job.Config{})
	j, err := job.Enqueue(t.Context(), o.Client(), store, make([]byte, 180<<10))
	if err != nil {
		t.Fatal(err)
	}
	h := byHand(t, o)
	before := heap()
	var b []byte
	for range 4000 { // a GiB of answers
		b = append(b, h.frame(&owner.Request{Op: owner.Job, Job: uint64(j.ID())})...)
	}
	h.write(b)
	time.Sleep(100 * time.Millisecond) // else it holds nothing yet
	wantHeap(t, before, 100<<20)
}

// Lines that are cut do not keep what was cut off.
func TestLinesThatAreCutDoNotKeepTheRest(t *testing.T) {
	o := open(t, jobtest.NewMemory(), job.Config{})
	put(t, o.Client(), 1)
	h := byHand(t, o)
	s := h.ask(&owner.Request{Op: owner.OpenSession, Name: "s", Remote: true}).IDs[0]
	j := h.ask(&owner.Request{Op: owner.Claim, Session: s}).Jobs[0]
	before := heap()
	for range 100 {
		r := &owner.Request{Op: owner.Report, Session: s, Job: j.ID, Epoch: j.Epoch}
		r.Report.Lines = []string{strings.Repeat("x", 1<<20)}
		if err := h.ask(r).Err; err != nil {
			t.Fatal(err)
		}
	}
	wantHeap(t, before, 20<<20)
}

// A flip damages one byte of what a connection says.
type flip struct {
	io.ReadWriteCloser
	mu  sync.Mutex
	bit func([]byte)
}

func (f *flip) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.bit != nil && b[3] == byte(wire.Ask) {
		b = append([]byte(nil), b...)
		f.bit(b)
		f.bit = nil
	}
	return f.ReadWriteCloser.Write(b)
}

// One damaged byte costs a connection, wherever it is.
func TestOneDamagedByteCostsAConnectionAndNoRemote(t *testing.T) {
	for at := range wire.HeaderSize + 1 {
		t.Run(fmt.Sprint("byte ", at), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				_, h, r := reached(t, jobtest.NewMemory(), job.Config{})
				h.wrap = func(c io.ReadWriteCloser) io.ReadWriteCloser {
					return &flip{ReadWriteCloser: c, bit: func(b []byte) { b[at] ^= 1; h.wrap = nil }}
				}
				h.cut()
				time.Sleep(time.Second)
				if _, err := job.Enqueue(t.Context(), r.Client(), resize, 1); err != nil {
					t.Error(err)
				}
				if err := r.Err(); err != nil {
					t.Errorf("the Remote has ended: %v", err)
				}
			})
		})
	}
}

// A narrow is a connection that takes so many bytes a second.
type narrow struct {
	io.ReadWriteCloser
	rate int
}

func (n narrow) Read(b []byte) (int, error) {
	m, err := n.ReadWriteCloser.Read(b[:min(len(b), 4096)])
	time.Sleep(time.Duration(m) * time.Second / time.Duration(n.rate))
	return m, err
}

func (n narrow) Write(b []byte) (int, error) {
	done := 0
	for done < len(b) {
		m, err := n.ReadWriteCloser.Write(b[done:min(len(b), done+4096)])
		done += m
		time.Sleep(time.Duration(m) * time.Second / time.Duration(n.rate))
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// A narrow connection takes longer, and that is all.
func TestANarrowConnectionTakesLongerAndThatIsAll(t *testing.T) {
	for _, rate := range []int{1 << 20, 256 << 10} {
		t.Run(fmt.Sprint(rate>>10, " KiB/s"), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				o, h, r := reached(t, jobtest.NewMemory(), job.Config{})
				h.wrap = func(c io.ReadWriteCloser) io.ReadWriteCloser { return narrow{c, rate} }
				h.cut()
				time.Sleep(time.Second)
				c := r.Client()
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				var batch []job.Job
				for range 2 {
					j, err := job.New(store, make([]byte, 180<<10))
					if err != nil {
						t.Fatal(err)
					}
					batch = append(batch, j)
				}
				if _, err := c.EnqueueMany(ctx, batch); err != nil {
					t.Errorf("to the owner: %v", err)
				}
				for range 6 {
					if _, err := job.Enqueue(t.Context(), o.Client(), store, make([]byte, 180<<10)); err != nil {
						t.Fatal(err)
					}
				}
				s := session(t, c)
				ctx, cancel = context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				if _, err := s.Claim(ctx, 6, job.Filter{}); err != nil {
					t.Errorf("from the owner: %v", err)
				}
				h.mu.Lock()
				h.wrap = nil
				h.mu.Unlock()
				h.cut()
				time.Sleep(3 * time.Second)
			})
		})
	}
}

// Dial is called again until it succeeds, whatever kind its errors are of.
func TestADialThatFailsAsInvalidIsTriedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t, jobtest.NewMemory(), job.Config{})
		h := &host{owner: o}
		bad := false
		r, err := job.Connect(t.Context(), func(ctx context.Context) (io.ReadWriteCloser, error) {
			if bad {
				bad = false
				return nil, &fault.Error{Op: "discover", Kind: fault.Invalid, Err: errNobody}
			}
			return h.dial(ctx)
		}, job.ConnectConfig{Name: "tester", Log: quiet})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Close(context.Background()); h.busy.Wait() }()
		bad = true
		h.cut()
		time.Sleep(5 * time.Second)
		if _, err := job.Enqueue(t.Context(), r.Client(), resize, 1); err != nil {
			t.Error(err)
		}
	})
}
