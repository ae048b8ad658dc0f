package natslog_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/node/natslog"
)

// The disk is full at every possible moment: while records are written, trimmed, and
// the store is reopened because of that. Nothing that was acknowledged is lost, and
// nothing is taken for damage.
func TestADiskThatIsFullNowAndThenDamagesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	root := small(t, "48m")
	dir := filepath.Join(root, "log")
	c := quiet()
	c.MaxBytes, c.Reserve = 1<<30, 8<<20
	l := open(t, dir, c)
	ballast := filepath.Join(root, "ballast")
	acknowledged := map[uint64]byte{}
	var last, first uint64 = 0, 1
	full, refused := false, 0
	enough := func() bool { return last >= 500 && refused >= 50 }
	for began := time.Now(); time.Since(began) < 6*time.Second || !enough() && time.Since(began) < time.Minute; {
		switch n := r.IntN(100); {
		case n < 6 && full:
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
			full = false
		case n < 6:
			stuff(t, ballast)
			full = true
		case n < 12 && last > first+100:
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			err := l.Trim(ctx, last-50)
			cancel()
			if errors.Is(err, job.ErrDamaged) {
				t.Fatal(err)
			}
			if err == nil {
				first = last - 50
			}
		default:
			rec := make([]byte, []int{100, 1000, 20_000, 200_000}[r.IntN(4)])
			rec[0] = byte(r.Uint32())
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			err := l.Append(ctx, last, rec)
			cancel()
			switch {
			case err == nil:
				last++
				acknowledged[last] = rec[0]
			case errors.Is(err, job.ErrDamaged), errors.Is(err, job.ErrClosed):
				t.Fatalf("append after %d: %v", last, err)
			case errors.Is(err, job.ErrConflict):
				_, at, err := l.Bounds(t.Context())
				if err != nil || at != last+1 {
					t.Fatalf("after %d there is %d, %v", last, at, err)
				}
				last = at // one of which it was not known whether it is there
			default:
				refused++
			}
		}
	}
	if full {
		os.Remove(ballast)
	}
	if !enough() {
		t.Errorf("%d records were stored and %d refused: that proves little", last, refused)
	}
	check := func(l *natslog.Log) {
		t.Helper()
		next := first
		err := l.Read(t.Context(), first, func(seq uint64, rec []byte) error {
			if want, ok := acknowledged[seq]; seq != next || ok && rec[0] != want {
				t.Errorf("record %d, wanted %d, begins with %d, want %d", seq, next, rec[0], want)
			}
			next++
			return nil
		})
		if err != nil || next < last+1 {
			t.Errorf("read %d to %d of %d: %v", first, next-1, last, err)
		}
	}
	check(l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	check(open(t, dir, c))
}
