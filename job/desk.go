package job

import "context"

// A desk is where requests are put: an [Owner] in this process, or the way to one
// in another.
type desk interface {
	// ask puts r to the owner and returns its answer: r.Err, or why there is
	// none. In the second case the caller must not look at r any more.
	ask(ctx context.Context, r *request) error

	// known says why jobs of a task are refused, if they are.
	known(task string) error

	// logID is which log it is.
	logID() [16]byte

	// remote reports whether it is not in this process: then sessions must be
	// heard of, and outlive their owner.
	remote() bool
}

func (o *Owner) logID() [16]byte { return o.log }

func (o *Owner) remote() bool { return false }
