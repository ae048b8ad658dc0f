// Package hem is the tour of Hem: structured asynchronous work for Go, from a
// goroutine to a cluster. It exports nothing; the packages below it do.
//
// One promise holds on every rung:
//
//	Whatever you start has an owner, ends before its owner does,
//	waits where you can see it, and never waits for itself.
//
// # Start and finish: package scope
//
//	err := scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
//		user := scope.Go(s, fetchUser)       // its failure cancels the others
//		ads := scope.Try(s, fetchAds)        // its failure is ours to judge
//		u, err := user.Await(ctx)
//		…
//	})
//
// When Run returns nothing it started still runs. [github.com/hemgo/hem/scope]
// also has Map, Each, First, Quorum, Flight and Main.
//
// # Share what changes: package lock
//
//	stock := lock.NewGuard(Stock{Left: 10})
//	err := stock.Update(ctx, func(s *Stock) error { s.Left--; return nil })
//
// Locks of [github.com/hemgo/hem/lock] know who holds them: a wait that can never
// end is an error that names the knot, nobody starves, several guards are updated
// all or none, and tests find the order that will hang on another day.
//
// # Give the work a name: package task
//
//	var Resize = task.Define("resize", resize)
//
//	thumb, err := Resize.Do(ctx, task.Here, img) // on a goroutine
//	thumb, err := Resize.Do(ctx, cpu, img)       // on a CPU pool
//
// A named function runs on any rung with one contract, see
// [github.com/hemgo/hem/task]; tasktest proves it of every rung.
//
// # Leave a processor free: package pool
//
// CPU work that fills every processor makes everybody else wait for 10 ms time
// slices. A [github.com/hemgo/hem/pool] leaves one free, bounds its queue, and
// says no in time.
//
// # Ask how it failed: package fault
//
// [github.com/hemgo/hem/fault] answers what kind of failure it was, whether the
// work had begun, and whether it is worth another try, without matching text.
//
// # Look: package inspect
//
// [github.com/hemgo/hem/inspect] shows the live tree: what runs, who started
// it, what it waits for and on whom, and what is wrong.
//
// # Below
//
// Every wait goes through one function of internal/graph, which is where
// deadlocks are found, slots are lent and dumps are read. docs/design holds the
// decisions, refusals included.
package hem
