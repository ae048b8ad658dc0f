package proc_test

import (
	"testing"
	"time"

	"github.com/hemgo/hem/proc"
)

func TestPauseBetweenFailedStartsDoublesToTenSecondsWithHalfOfItAtRandom(t *testing.T) {
	for failures, whole := range map[int]time.Duration{
		1: 100 * time.Millisecond, 2: 200 * time.Millisecond, 3: 400 * time.Millisecond,
		7: 6400 * time.Millisecond, 8: 10 * time.Second, 60: 10 * time.Second, 1 << 40: 10 * time.Second,
	} {
		for _, r := range []float64{0, 0.5, 1} {
			want := whole - time.Duration(r*float64(whole)/2)
			if got := proc.Backoff(failures, r); got != want {
				t.Errorf("after %d failures, at %v of the jitter, it is %v and not %v", failures, r, got, want)
			}
		}
	}
}
