//go:build linux

package chaos_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// A trial is a load that is interrupted over and over, in one directory.
type trial struct {
	t      *testing.T
	order  order
	ledger ledger
	rand   *rand.Rand
}

func newTrial(t *testing.T, name, dir string) *trial {
	r := seeded(t)
	return &trial{t: t, order: order{Load: name, Dir: dir, Keep: keep, SnapshotAfter: snapshotAfter}, ledger: ledgers[name](), rand: r}
}

// seeded is randomness that can be had again, as far as kernel and scheduler do
// not have their own: by setting HEM_CHAOS_SEED to what it tells t.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("HEM_CHAOS_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("HEM_CHAOS_SEED: %v", err)
		}
	}
	t.Logf("HEM_CHAOS_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// manyPromises are what a load is given in a tenth of a second, about.
var manyPromises = map[string]int{"records": 250, "jobs": 1500}

// begin begins the next life, that is waited for until it was promised so much.
func (tr *trial) begin(promises int) *life {
	tr.order.Seed = tr.rand.Uint64()
	return begin(tr.t, tr.order, tr.ledger, promises)
}

// kill begins a life and kills it at some moment: one in four while it opens
// what the one before has left, the others in the midst of their work.
func (tr *trial) kill() {
	promises := 0
	moment := time.Duration(tr.rand.Int64N(int64(40 * time.Millisecond)))
	if tr.rand.IntN(4) > 0 {
		promises = 1 + tr.rand.IntN(manyPromises[tr.order.Load])
		moment = time.Duration(tr.rand.Int64N(int64(2 * time.Millisecond)))
	}
	lf := tr.begin(promises)
	lf.wait(tr.t)
	time.Sleep(moment) // so that no event says when
	lf.kill()
	lf.mourn(tr.t)
}

// finish looks at what is there in the end, and whether that can go on.
func (tr *trial) finish() {
	tr.t.Helper()
	for range 2 { // the second one sees what the first has closed in good order
		lf := tr.begin(20)
		lf.wait(tr.t)
		lf.dismiss(tr.t)
	}
}

// judge fails the test if anything does not fit.
func (tr *trial) judge() {
	tr.t.Helper()
	complaints, compared := tr.ledger.wrong()
	for _, c := range complaints {
		tr.t.Error(c)
	}
	if compared == 0 {
		tr.t.Error("nothing was compared")
	}
	tr.t.Log(tr.ledger.summary())
}

// An exertion is how long something is tried.
type exertion struct {
	rounds, least int
	began         time.Time
	long          time.Duration
}

// thorough is how long each thing is tried if HEM_CHAOS is 1.
const thorough = 2 * time.Minute

// effort tries something so often, and for as long as HEM_CHAOS says: 1, or a
// duration. Under the race detector, which slows a life down and has nothing to
// see in what it leaves behind, it is tried less often.
func effort(least int) *exertion {
	e := &exertion{least: least, began: time.Now()}
	if underRace {
		e.least = (least + 3) / 4
	}
	switch text := os.Getenv("HEM_CHAOS"); text {
	case "":
	case "1":
		e.long = thorough
	default:
		var err error
		if e.long, err = time.ParseDuration(text); err != nil {
			panic("HEM_CHAOS is 1 or a duration: " + err.Error())
		}
	}
	return e
}

// more begins another round, if there is to be one.
func (e *exertion) more() bool {
	if e.rounds >= e.least && time.Since(e.began) >= e.long {
		return false
	}
	e.rounds++
	return true
}

func (e *exertion) String() string {
	return fmt.Sprintf("%d rounds in %v", e.rounds, time.Since(e.began).Round(time.Millisecond))
}
