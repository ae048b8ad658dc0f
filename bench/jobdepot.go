//go:build unix

package main

import (
	"context"
	"errors"
	"time"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/task"
)

// A depot is a queue of Hem's in a process of its own, which is this program
// again: what is on its heap is the queue's, and no other's garbage is collected
// in its time.
type depot struct{ pool *proc.Pool }

func init() {
	workerTasks = append(workerTasks, depotOpen, depotFill, depotProduce, depotSnapshot, depotPickup, depotIdle, depotClose)
}

// What a depot can be asked.
var (
	depotOpen     = task.Define("bench.depot-open", openInDepot)
	depotFill     = task.Define("bench.depot-fill", fillDepot)
	depotProduce  = task.Define("bench.depot-produce", produceInDepot)
	depotSnapshot = task.Define("bench.depot-snapshot", awaitSnapshotInDepot)
	depotPickup   = task.Define("bench.depot-pickup", pickUpInDepot)
	depotIdle     = task.Define("bench.depot-idle", idleInDepot)
	depotClose    = task.Define("bench.depot-close", closeInDepot)
)

func startDepot() (*depot, error) {
	pool, err := proc.New(proc.Config{Name: "depot", Workers: 1, Limits: proc.Limits{Nice: proc.AsHost}})
	return &depot{pool}, err
}

// stop closes the queue, as who stops a server does, and ends the process.
func (d *depot) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := ask(ctx, d, depotClose, task.Void{})
	return errors.Join(err, d.pool.Close(context.Background()))
}

// ask asks d, as a task does.
func ask[In, Out any](ctx context.Context, d *depot, what *task.Def[In, Out], in In) (out Out, err error) {
	err = scope.Run(ctx, func(ctx context.Context, _ *scope.Scope) error {
		out, err = what.Do(ctx, d.pool, in)
		return err
	})
	return out, err
}

// The rest is in the depot's process.

// stored is the queue that the depot has, nil if none.
var stored *hemJobs

// openIn is what to open, in the place of what is open.
type openIn struct {
	Dir           string
	SnapshotAfter int64 // 0 is Hem's default
}

// A reopening is how long it took, once nothing was open, until the log could be
// read, and until the first job was safe.
type reopening struct{ Log, All time.Duration }

func openInDepot(_ context.Context, in openIn) (took reopening, err error) {
	ctx := context.Background() // the queue outlives the call
	if _, err := closeInDepot(ctx, task.Void{}); err != nil {
		return took, err
	}
	began := time.Now()
	if stored, err = openHem(ctx, in.Dir, hemConfig{snapshotAfter: in.SnapshotAfter}); err != nil {
		return took, err
	}
	err = stored.queue().one(ctx)
	return reopening{stored.logged, time.Since(began)}, err
}

func closeInDepot(context.Context, task.Void) (none task.Void, err error) {
	if stored != nil {
		err = stored.close()
	}
	stored = nil
	return none, err
}

// fillIn is how many jobs to put aside, and how many more that are cancelled.
type fillIn struct {
	Jobs, Vain int
	Delay      time.Duration // before anybody can work on Jobs
}

// A filling is what jobs take that wait.
type filling struct {
	Heap int64 // bytes, of all
	Log  int64 // bytes of their records
}

// fillDepot puts jobs aside, in bulk.
func fillDepot(ctx context.Context, in fillIn) (f filling, err error) {
	later := func(ctx context.Context, n int) error {
		_, err := stored.many(ctx, n, job.Delay(in.Delay))
		return err
	}
	before, log := settled(), stored.log.size()
	for _, part := range []struct {
		jobs int
		put  func(context.Context, int) error
	}{{in.Jobs, later}, {in.Vain, stored.vain}} {
		for left := part.jobs; left > 0; left -= jobBulk {
			if err := part.put(ctx, min(left, jobBulk)); err != nil {
				return f, err
			}
		}
	}
	return filling{int64(settled().HeapAlloc) - int64(before.HeapAlloc), stored.log.size() - log}, nil
}

// produceInDepot returns how many jobs a second producers put aside, after an
// eighth of the time that does not count.
func produceInDepot(ctx context.Context, lasting time.Duration) (score, error) {
	one := stored.queue().one
	if _, err := produce(ctx, jobProducers, after(lasting/8), one); err != nil {
		return score{}, err
	}
	w, err := produce(ctx, jobProducers, after(lasting), one)
	return score{Rate: w.perSecond()}, err
}

// A snapshotting is how jobs were put aside while a snapshot was written.
type snapshotting struct {
	Took          time.Duration // the snapshot
	Calls         int           // that were under way meanwhile
	P50, P99, Max float64       // of those, in nanoseconds
}

// awaitSnapshotInDepot puts jobs aside until a snapshot has begun and ended, or
// the depot has waited for too long.
func awaitSnapshotInDepot(ctx context.Context, patience time.Duration) (s snapshotting, err error) {
	late := after(patience)
	w, err := produce(ctx, jobProducers, func(now time.Time) bool {
		_, done := stored.log.lastSnapshot()
		return done || late(now)
	}, stored.queue().one)
	if err != nil {
		return s, err
	}
	snapshot, ok := stored.log.lastSnapshot()
	if !ok {
		return s, errors.New("no snapshot was written")
	}
	var during window
	for _, c := range w.calls {
		if snapshot.overlaps(c) {
			during.calls = append(during.calls, c)
		}
	}
	return snapshot.with(during.waits()), nil
}

// with tells how long calls took while the snapshot was written.
func (s stretch) with(waits []float64) snapshotting {
	return snapshotting{
		Took: s.to.Sub(s.from), Calls: len(waits),
		P50: quantile(waits, 0.5), P99: quantile(waits, 0.99), Max: quantile(waits, 1),
	}
}
