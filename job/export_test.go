package job

import (
	"context"
	"log/slog"
	"time"

	"github.com/hemgo/hem/job/internal/owner"
)

// OpenAt is Open with a clock of the test's: of the calendar, and one that never
// jumps.
func OpenAt(ctx context.Context, log Log, c Config, now func() (wall time.Time, mono time.Duration)) (*Owner, error) {
	c.setDefaults()
	return open(ctx, log, c, func() owner.Time {
		wall, mono := now()
		return owner.Time{Wall: wall.UnixMicro(), Mono: mono.Microseconds()}
	})
}

// SetYields sets how often the loop yields before it decides, and returns how to
// undo it.
func SetYields(n int) (undo func()) {
	before := yields
	yields = n
	return func() { yields = before }
}

// Tick is what becomes of a schedule of r that is due, and when it is next.
func Tick(r Rule, due, now time.Time) (tick, next time.Time, err error) {
	text, err := r.text()
	if err != nil {
		return tick, next, err
	}
	return TickOf(text, due, now)
}

// TickOf is Tick of a rule as it is kept.
func TickOf(text string, due, now time.Time) (tick, next time.Time, err error) {
	t, n, err := newAlmanac(&Config{Log: slog.New(slog.DiscardHandler)}).Tick(text, due.UnixMicro(), now.UnixMicro())
	return timeOf(t), timeOf(n), err
}

// Fenced is closed when nothing of s is its own any more.
func Fenced(s *Session) <-chan struct{} { return s.fenced() }
