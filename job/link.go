package job

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/wire"
)

// A link is the desk of an owner in another process.
//
//	ask ─▶ calls ─▶ queue, until there is room ─▶ line ─▶ Serve
//	 ▲       ▲                                     │
//	 │       └──── asked again over the next ◀─────┤ breaks
//	 └──────────── answered ◀──────────────────────┘
//
// Whenever mu is free:
//
//	L1. A call is in calls until it is answered, or until its caller has gone and
//	    nothing can come of it any more.
//	L2. A call is on exactly if it was sent over line and has had no answer there.
//	    Nothing that comes over an older line is heard.
//	L3. queue has those that could be sent but for room, in order. Without a line it
//	    is empty.
//	L4. Claims are on only while their session is attached. What a session holds is
//	    what answers to them said, and was not ended since. So what an Attach says
//	    is all that it will ever hold of what was claimed before.
//	L5. A session is in tended until it is fenced, or has ended.
//	L6. A call of a Run is in calls no longer than the owner can be reached, by the
//	    link or by its scope: see giveUp.
type link struct {
	dial func(context.Context) (io.ReadWriteCloser, error)
	conf ConnectConfig
	ctx  context.Context    // of dialing
	stop context.CancelFunc // ends ctx
	busy sync.WaitGroup     // its goroutines
	done chan struct{}      // closed when they have ended
	log  [16]byte           // written before there is a first line, and not again
	up   atomic.Bool        // there is a line
	bell chan struct{}      // of capacity one: keep is to look

	mu     sync.Mutex
	met    bool // log is written
	line   *line
	lines  uint64 // how many there were, with it
	terms  wire.Terms
	clock  reading // the newest
	calls  map[uint64]*call
	last   uint64 // the newest call's number
	queue  []*call
	loads  [2]int // how many are on, of those that are prompt and of those that wait
	books  books
	tended map[uint64]*tended
	own    uint64 // the session of those in this process who call, or 0
	beatAt time.Time
	fell   time.Time     // when the last line was lost over which anything was answered
	broke  error         // why the last line, or dial, has failed
	err    error         // the link has ended
	first  []*graph.Wait // who waits for the first line
	ends   []*graph.Wait // who waits for done
}

func newLink(dial func(context.Context) (io.ReadWriteCloser, error), conf ConnectConfig) *link {
	l := &link{
		dial: dial, conf: conf, done: make(chan struct{}), bell: make(chan struct{}, 1),
		calls: make(map[uint64]*call), tended: make(map[uint64]*tended),
	}
	l.ctx, l.stop = context.WithCancel(context.Background())
	l.start(l.run)
	l.start(l.keep)
	go l.close()
	return l
}

func (l *link) start(f func()) {
	l.busy.Add(1)
	go func() {
		defer l.busy.Done()
		f()
	}()
}

// close tells that all goroutines have ended.
func (l *link) close() {
	l.busy.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.done)
	for _, w := range l.ends {
		w.Grant()
	}
}

func (l *link) logID() [16]byte { return l.log }

func (l *link) remote() bool { return true }

// known and knownLimit are for the owner to say, when it is asked.
func (l *link) known(string) error { return nil }

func (l *link) knownLimit(string) error { return nil }

// connecting is a link without a line, seen by the wait graph.
type connecting link

// Blocked is false: whoever answers is in another process.
func (c *connecting) Blocked(*graph.Task, func(*graph.Task) bool) bool { return false }

// Label names the connection.
func (c *connecting) Label() graph.Label {
	return graph.Label{Kind: "connection to jobs", Name: c.conf.Name}
}

// awaitFirst waits until there is a line for the first time.
func (l *link) awaitFirst(ctx context.Context) error {
	w := new(graph.Wait)
	w.Begin(ctx, (*connecting)(l))
	l.mu.Lock()
	if l.met || l.err != nil {
		l.mu.Unlock()
		w.Abandon()
	} else {
		l.first = append(l.first, w)
		w.Publish()
		l.mu.Unlock()
		if err := w.Park(); err != nil {
			l.end(errRemoteClosed)
			return l.notConnected(ctx, err)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// notConnected is the error of a Connect whose context has ended.
func (l *link) notConnected(ctx context.Context, cause error) error {
	g := goneBy(ctx, cause)
	l.mu.Lock()
	defer l.mu.Unlock()
	e := &fault.Error{Op: opConnect, Task: l.conf.Name, Kind: g.kind, Err: cause}
	if l.broke != nil {
		e.Err = errors.Join(cause, l.broke)
	}
	return e
}

// awaitEnd waits until the link's goroutines have ended.
func (l *link) awaitEnd(ctx context.Context) error {
	w := new(graph.Wait)
	w.Begin(ctx, (*connecting)(l))
	l.mu.Lock()
	select {
	case <-l.done:
		l.mu.Unlock()
		w.Abandon()
		return nil
	default:
	}
	l.ends = append(l.ends, w)
	w.Publish()
	l.mu.Unlock()
	if err := w.Park(); err != nil {
		g := goneBy(ctx, err)
		return &fault.Error{Op: opClose, Task: l.conf.Name, Kind: g.kind, Started: true, Err: err,
			Hint: "a connection has not yet returned from a call although it was closed"}
	}
	return nil
}

// end ends the link, for why: nobody is left waiting.
func (l *link) end(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return
	}
	l.err = why
	l.stop()
	if l.line != nil {
		l.line.cut(why)
	}
	for _, t := range l.tended {
		l.fence(t, &fault.Error{Kind: fault.Fenced, Err: l.over(false)})
	}
	for _, c := range l.calls {
		l.finish(c, l.over(c.doubtful()))
	}
	for _, w := range l.first {
		w.Grant()
	}
	chime(l.bell)
	if why != errRemoteClosed && l.met { // else Connect returns it
		l.conf.Log.Error("job: the connection has ended", "name", l.conf.Name, "err", why)
	}
}

// over is the error of what is asked of a link that has ended.
func (l *link) over(started bool) error {
	e := &fault.Error{Kind: fault.Lost, Started: started, Err: l.err}
	if l.err == errRemoteClosed && !started {
		e.Kind = fault.Cancelled
	}
	if why, ok := l.err.(*fault.Error); ok {
		e.Err, e.Hint = why.Err, why.Hint
	}
	return e
}

// dismiss ends the session of those who call, if it can be told.
func (l *link) dismiss(ctx context.Context) {
	l.mu.Lock()
	own, up := l.own, l.line != nil
	l.mu.Unlock()
	if own == 0 || !up {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	r := &request{}
	r.Op, r.Session = owner.EndSession, own
	_ = l.ask(ctx, r) // else it ends when it is not heard
}

func (l *link) warn(text string, args ...any) {
	l.conf.Log.Log(context.Background(), slog.LevelWarn, text, append([]any{"name", l.conf.Name}, args...)...)
}
