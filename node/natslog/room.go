package natslog

import (
	"fmt"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hemgo/hem/fault"
)

const (
	// What a record takes beside its own bytes: the store's header and ours.
	overhead = 80

	// Below leastFree bytes of the file system nothing is written, so that the
	// store's own small files can be.
	leastFree = 1 << 20

	// How old what is known of the file system may be.
	freeFor = 100 * time.Millisecond
)

// room is how much there is to write to.
type room struct {
	dir  string
	most int64
	keep int64 // the reserve

	used  atomic.Int64 // by records, as the store counts
	left  atomic.Int64 // on the file system when asked last, less what was appended since
	asked atomic.Int64 // when, in nanoseconds
	blind atomic.Bool  // a test's: the file system is not asked
}

// settle learns the limits, when the store has been opened and has used bytes.
func (r *room) settle(dir string, c *Config, used int64) {
	r.used.Store(used)
	r.asked.Store(0)
	if r.dir != "" {
		return // reopened: the limits stay
	}
	r.dir = dir
	c.settle(r.free() + used)
	r.most, r.keep = c.MaxBytes, c.Reserve
}

// free is how much the file system has left.
func (r *room) free() int64 {
	if r.blind.Load() {
		return 1 << 60
	}
	now := time.Now().UnixNano()
	asked := r.asked.Load()
	if now-asked < int64(freeFor) && asked <= now || !r.asked.CompareAndSwap(asked, now) {
		return r.left.Load()
	}
	var s syscall.Statfs_t
	if err := syscall.Statfs(r.dir, &s); err == nil {
		r.left.Store(int64(s.Bavail) * int64(s.Bsize))
	}
	return r.left.Load()
}

// freeNow is free as it is at this moment.
func (r *room) freeNow() int64 {
	r.asked.Store(0)
	return r.free()
}

// What the store may write to forget a record, and beside that.
const (
	tombstone  = 64
	purgeSpace = 64 << 10
)

// purgeable is how many records can be forgotten at once with what the file system
// has left. Forgetting needs room, and the server does not survive being without.
func (r *room) purgeable() uint64 {
	return uint64(max(r.freeNow()-purgeSpace, 0) / tombstone)
}

// admit refuses a record of size bytes for which there is no room.
func (r *room) admit(size int) error {
	if used := r.used.Load(); used+int64(size)+overhead > r.most {
		return fmt.Errorf("its records have %s of %s (Config.MaxBytes)", bytesText(used), bytesText(r.most))
	}
	if need := leastFree + int64(size); r.free() < need {
		if free := r.freeNow(); free < need {
			return fmt.Errorf("the file system has %s left", bytesText(free))
		}
	}
	return nil
}

// took counts a record of size bytes.
func (r *room) took(size int) {
	r.used.Add(int64(size) + overhead)
	r.left.Add(-int64(size) - overhead)
}

// Low returns an error while the room that is left is the reserve's: of what
// Config.MaxBytes allows or of the file system, whichever is less. It asks the
// file system ten times a second at most.
func (l *Log) Low() error {
	r := &l.room
	used, free := r.used.Load(), r.free()
	switch {
	case r.most-used < r.keep:
		return l.low(fmt.Sprintf("its records have %s of %s, and %s is kept for the jobs that are there", bytesText(used), bytesText(r.most), bytesText(r.keep)),
			"let jobs end, or raise natslog's Config.MaxBytes")
	case free < r.keep:
		return l.low(fmt.Sprintf("the file system has %s left, and %s is kept for the jobs that are there", bytesText(free), bytesText(r.keep)),
			"make room on it, or lower natslog's Config.Reserve")
	case l.node.Load() == nil:
		return l.low("the store cannot be opened at present", "see what the log says")
	}
	return nil
}

// Room returns how many bytes of records there is room for: of what Config.MaxBytes
// allows or on the file system, whichever is less.
func (l *Log) Room() int64 {
	r := &l.room
	return max(min(r.most-r.used.Load(), r.free()-leastFree), 0)
}

func (l *Log) low(why, hint string) error {
	return &fault.Error{Op: "natslog: log", Task: l.dir, Kind: fault.Overloaded, Err: fmt.Errorf("room is low: %s", why), Hint: hint}
}

// bytesText is n as a person reads it.
func bytesText(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
}
