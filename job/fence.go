package job

import (
	"context"
	"sync"

	"github.com/hemgo/hem/job/internal/state"
)

// A fence is closed when its session has ended, or must be taken to have: once,
// and for ever.
type fence struct {
	closed chan struct{}

	mu  sync.Mutex
	why error
}

func (f *fence) init() { f.closed = make(chan struct{}) }

// close closes f, for why, unless it is.
func (f *fence) close(why error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.why == nil {
		f.why = why
		close(f.closed)
	}
}

// err is why f is closed, or nil. [refusal] knows it.
func (f *fence) err() error {
	select {
	case <-f.closed:
	default:
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.why
}

// fenced returns a channel that is closed when nothing of the session is its own
// any more: the owner has said so; or, where it is elsewhere, nothing was heard of
// it for so long that it may think so. Whoever works on the session's jobs stops.
func (s *Session) fenced() <-chan struct{} { return s.fence.closed }

// ask puts r, which is of this session, to the owner: see [desk]. Nothing is asked
// any more once the session has ended.
func (s *Session) ask(ctx context.Context, r *request) error {
	if err := s.fence.err(); err != nil {
		return err
	}
	err := s.desk.ask(ctx, r)
	if err == state.ErrNoSession {
		s.fence.close(err)
	}
	return err
}
