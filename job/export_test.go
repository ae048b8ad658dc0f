package job

import (
	"context"
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
