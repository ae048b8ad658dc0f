package job

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"unicode/utf8"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/job/internal/state"
)

// ConnectConfig says what a connection to an owner is.
type ConnectConfig struct {
	// Name is what reports call it, here and where the owner is: 1 to 128 bytes
	// of UTF-8. The default is where Connect was called.
	Name string

	// Log is told what happens to the connection, and not what happens to jobs.
	// The default is [slog.Default].
	Log *slog.Logger
}

// A Remote is the way to an [Owner] in another process, however often the
// connection breaks and whoever the owner is at the time. It is made by [Connect],
// and whoever made it closes it.
type Remote struct{ link *link }

// Connect finds the way to an [Owner] in another process, which answers by
// [Owner.Serve], and returns when it is there for the first time. dial makes a
// connection, over whatever takes bytes there and back: a unix socket, TCP, a pipe.
// Its Close must end its Read and Write.
//
//	remote, err := job.Connect(ctx, func(ctx context.Context) (io.ReadWriteCloser, error) {
//		return new(net.Dialer).DialContext(ctx, "unix", path)
//	}, job.ConnectConfig{})
//	jobs := remote.Client()
//
// When the connection breaks, dial is called again, until it succeeds, with pauses
// of 50 ms to 2 s in between; and what has no answer is asked again. That nothing is
// carried out twice by that is seen to: requests that change something have numbers,
// under which the log keeps their answers. So callers notice nothing but that it
// takes longer, as long as their contexts last; and neither when the owner is
// another one meanwhile, in another process, of the same log. Only a call
// ([Client.Run]) is [fault.Lost] when the owner could not be reached for 6 s: as on
// every rung it does not hang.
//
// Sessions go on likewise. Connect lets the owner hear of each every 2 s; the owner
// ends one, and gives its jobs to others, 10 s after it was last heard. Whoever has
// a session finds out before: 6 s after the last time that it said something which
// the owner has answered, it is over here, every method of it says [fault.Fenced],
// and the handlers of a [Work] end. A process that was stopped meanwhile finds out
// as soon as it goes on; but something of its handlers may run before, so what
// they do to others is to be fenced by [Token].
//
// # Cancellation
//
// ctx is about Connect, and not about the Remote. When it ends, there is none.
//
// # Errors
//
//	fault.Invalid    conf is wrong, or who answers is no owner of this version.
//	fault.Cancelled  and Deadline: ctx has ended. The error has why the last
//	                 attempt failed, if one did.
//
// # Panics
//
// Connect panics if ctx or dial is nil.
//
// # Cost
//
// Five goroutines, and for a request two system calls here and two there, which
// those that are under way at the same time share.
//
//go:noinline
func Connect(ctx context.Context, dial func(context.Context) (io.ReadWriteCloser, error), conf ConnectConfig) (*Remote, error) {
	if ctx == nil || dial == nil {
		panic("job: Connect with a nil context or dial")
	}
	if conf.Name == "" {
		conf.Name = cut(fault.FrameAt(graph.CallerPC()).String(), state.MaxName-len("…"))
	}
	if len(conf.Name) > state.MaxName || !utf8.ValidString(conf.Name) {
		return nil, invalid(opConnect, cut(conf.Name, state.MaxName), fmt.Errorf("the name must be at most %d bytes of UTF-8", state.MaxName))
	}
	if conf.Log == nil {
		conf.Log = slog.Default()
	}
	l := newLink(dial, conf)
	if err := l.awaitFirst(ctx); err != nil {
		return nil, err
	}
	return &Remote{link: l}, nil
}

// Client returns a client of the owner, without options. What it says of errors
// holds, but that the end of an owner is none: the next one is asked. Of what was
// asked when the Remote ends, by Close or by itself, the error is fault.Lost if it
// may have happened, and fault.Cancelled if not.
func (r *Remote) Client() *Client {
	r.must("Client")
	return &Client{desk: r.link, settings: defaults()}
}

// Done returns a channel that is closed when the Remote has ended: it was closed, or
// see [Remote.Err].
func (r *Remote) Done() <-chan struct{} {
	r.must("Done")
	return r.link.done
}

// Err returns why the Remote has ended by itself: where it connects to there is the
// owner of another log now, or of another version. It is nil as long as it lives,
// and after Close of one that lived.
func (r *Remote) Err() error {
	r.must("Err")
	l := r.link
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == errRemoteClosed {
		return nil
	}
	return l.err
}

// Close ends the Remote: nothing is asked any more, and who waits for an answer is
// told so. Whoever has something to say of jobs that are being worked on says it
// before. Calls that wait ([Client.Run]) are given up, and so are their jobs. Closing
// again waits likewise.
//
// # Cancellation
//
// When ctx ends Close returns, with an error of kind Cancelled or Deadline that Is
// ctx's cause; what is left behind ends by itself.
//
// # Panics
//
// Close panics if the Remote or ctx is nil.
func (r *Remote) Close(ctx context.Context) error {
	r.must("Close")
	if ctx == nil {
		panic("job: Close with a nil context")
	}
	r.link.dismiss(ctx)
	r.link.end(errRemoteClosed)
	return r.link.awaitEnd(ctx)
}

func (r *Remote) must(verb string) {
	if r == nil || r.link == nil {
		panic("job: " + verb + " of a Remote that Connect has not made")
	}
}

var errRemoteClosed = errors.New("the connection was closed")
