package job

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job/internal/wire"
)

// Serve answers the requests of one [Connect] in another process, which come and
// are answered over conn, until conn ends, or ctx, or the owner. It closes conn.
// A peer can do what a [Client] can: who may connect is for the caller to decide.
//
//	l, err := net.Listen("unix", path)
//	for {
//		conn, err := l.Accept()
//		…
//		go owner.Serve(ctx, conn)
//	}
//
// Any number of requests are under way at a time, and answered as they are decided.
// Of those that are a matter of one append 4,096 are open, and 64 MiB; then Serve
// reads no further until some are answered. Of those that wait for something else,
// as a job to claim, room, or the end of a job, 65,536 are open, and 64 MiB; more
// are refused, with [fault.Overloaded]. A peer that says nothing for 20 s, where
// Connect says something each second, is taken to be gone.
//
// When conn ends, what was asked over it and is not decided leaves no trace, and
// what was claimed over it and could not be told is ready again. Sessions go on, and
// end when they are not heard for 10 s.
//
// # Cancellation
//
// When ctx ends, or the owner, the peer is told that it is to come again, and Serve
// returns within a second.
//
// # Errors
//
// It is nil if the peer hung up, ctx ended or the owner was closed.
//
//	fault.Invalid  what came is not what Connect sends: something else, another
//	               version, or nonsense. The peer was told so.
//	fault.Lost     conn failed, was damaged, or nobody was heard. Or the owner has
//	               ended by itself.
//
// # Panics
//
// Serve panics if the owner, ctx or conn is nil.
//
// # Cost
//
// Three goroutines and some 150 KiB for a connection, and no goroutine for a
// request.
func (o *Owner) Serve(ctx context.Context, conn io.ReadWriteCloser) error {
	if o == nil || ctx == nil || conn == nil {
		panic("job: Serve of a nil Owner, or with a nil context or connection")
	}
	p := newPeer(o, conn)
	go p.write()
	go p.watch(ctx)
	p.end(p.read())
	<-p.closed
	p.abandon()
	return p.outcome()
}

var (
	errHungUp  = errors.New("the peer has hung up")
	errSilent  = fmt.Errorf("nothing was heard for %v", silence)
	errStuck   = fmt.Errorf("the peer has read nothing for %v", silence/2)
	errNoServe = errors.New("the server ends; its clients are to come again")
)

// silence is after how long without a word a peer is taken to be gone, and half of
// it at least.
const silence = 20 * time.Second

// watch ends p when ctx or the owner does, or when nothing is heard of it.
func (p *peer) watch(ctx context.Context) {
	t := time.NewTicker(silence / 2)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			p.end(errNoServe)
			return
		case <-p.owner.done:
			p.end(p.owner.over())
			return
		case <-p.closed:
			return
		case <-t.C:
			if err := p.idle(); err != nil {
				p.end(err)
			}
		}
	}
}

// outcome is what Serve returns, of why p has ended.
func (p *peer) outcome() error {
	err := p.why
	switch {
	case err == errHungUp, err == errNoServe:
		return nil
	case p.lost():
		return p.owner.Err()
	}
	return &fault.Error{Op: opServe, Task: p.name, Kind: kindOfEnd(err), Started: true, Err: err}
}

// kindOfEnd is the kind of the error that a stream has ended with.
func kindOfEnd(err error) fault.Kind {
	if b, ok := errors.AsType[*wire.Broken](err); ok && b.Why != wire.Damaged {
		return fault.Invalid
	}
	return fault.Lost
}
