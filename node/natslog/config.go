package natslog

import (
	"fmt"
	"log/slog"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
)

// Config says how a log is kept. Its zero value is right for most.
type Config struct {
	// MaxBytes is how much the records may take, with what the store adds to
	// each. Beyond it Append is refused with job.ErrFull. The least is 4 MiB.
	// The default is three quarters of what is free where the directory is, what
	// the log has already counted as free.
	MaxBytes int64

	// Reserve is the room that is kept for jobs that are there already, and for
	// the snapshot that makes room: when less is left, of MaxBytes or of the file
	// system, Low says so. The default is an eighth of MaxBytes, at most 1 GiB.
	Reserve int64

	// Log is told what a person should know: that the store was reopened, and
	// what the server inside it warns of. The default is slog.Default().
	Log *slog.Logger

	unsynced  bool // a test's: nothing is flushed to the disk
	unchecked bool // a test's: what the head says is not compared with the log
}

const (
	leastMaxBytes = 4 << 20
	mostReserve   = 1 << 30
)

// check refuses what cannot be meant.
func (c *Config) check() error {
	switch {
	case c.MaxBytes < 0 || 0 < c.MaxBytes && c.MaxBytes < leastMaxBytes:
		return invalid("Config.MaxBytes", fmt.Sprintf("%d is less than 4 MiB", c.MaxBytes), "leave it 0 for three quarters of what is free")
	case c.Reserve < 0:
		return invalid("Config.Reserve", fmt.Sprintf("%d is negative", c.Reserve), "leave it 0 for an eighth of MaxBytes")
	case c.MaxBytes > 0 && c.Reserve > c.MaxBytes-job.MaxRecord:
		return invalid("Config.Reserve", fmt.Sprintf("%d leaves no room below MaxBytes %d", c.Reserve, c.MaxBytes), "make it smaller, or MaxBytes larger")
	}
	return nil
}

// settle puts the defaults in. room is what is free now, and what the log has.
func (c *Config) settle(room int64) {
	if c.MaxBytes == 0 {
		c.MaxBytes = max(room/4*3, leastMaxBytes)
	}
	if c.Reserve == 0 {
		c.Reserve = min(c.MaxBytes/8, mostReserve)
	}
}

func invalid(what, why, hint string) error {
	return &fault.Error{Op: "natslog: " + what, Kind: fault.Invalid, Err: fmt.Errorf("%s", why), Hint: hint}
}
