// Package inspect says what is happening now: who runs, who waits, for what and
// for whom, in one tree over every scope, and what looks wrong.
//
// What it promises:
//
//   - Every task is shown under the scope that owns it, every scope under the
//     task that opened it, and a goroutine that was adopted under another task's
//     context under that task.
//   - A wait is shown with its reason: the kind and name of what is waited for,
//     the tasks that could end it, and what those wait for in their turn, link
//     by link.
//   - Looking is cheap and in nobody's way. [Dump] and [DumpJSON] share no lock
//     with whoever starts or ends tasks, keep nothing of the tree in memory,
//     and let others run every few hundred tasks.
//   - A [Snapshot] is plain data: safe to keep, to send and to compare. It holds
//     nothing of the program.
//   - The names of the fields in JSON are an interface. They are not renamed and
//     not removed, and their meaning stays; new fields, states, kinds and codes
//     may come.
//
// What it does not promise: one instant. The program goes on while it is looked
// at. What is said of one task was true at one moment; a task that starts or
// ends meanwhile may or may not be shown, one that lives throughout is, and
// none is shown twice.
//
// # States
//
//	queued ──▶ running ◀──▶ waiting    in one of Hem's primitives
//	                  ◀──▶ joining    waiting for the tasks of its own scope
//
// "Running" is everything that Hem cannot see to be waiting: also a task blocked
// in a read, in time.Sleep, in a channel or a mutex of Go's own. [Stacks] tells.
//
// Ages come from a coarse clock, because starting a task must not read a real
// one. They are lower bounds, written "≥2s", and missing if nobody had looked
// since: [Take] and Dump move that clock, scope.Main does once a second.
//
// # Findings
//
// A [Finding] is something worth a person's look that was nobody's error. Codes:
//
//	scope.ignored-cancel      a task still runs though its context ended long ago
//	scope.overlong-grace      OnStop hooks took longer than their grace
//	scope.shared-context      a goroutine waits under a context that is another's
//	pool.saturated            a pool has had work waiting for long without a pause
//	graph.suspected-deadlock  tasks wait for each other, as far as can be known
//	lock.order-cycle          locks are taken in contrary orders
//	lock.same-class           a lock is wanted by who holds another of its class
//	lock.recursive-read       a reader reads the same lock again
//	lock.rank                 a lock is wanted by who holds one that comes later
//	lock.abandoned            a task ended while it held a lock
//	lock.long-wait            a lock was waited for for long
//	lock.long-hold            a lock was held for long while others waited
//	job.ignored-cancel        a handler still runs though its context ended long ago
//	proc.cannot-start         a worker process does not come up
//	proc.worker-lost          a worker process ended though it had no call
//
// The first four of package lock's are foreseen, not met: see lock.CheckOrder.
// Their stack is all stacks of the finding, one after the other; between them
// are frames with a heading for a function and no file.
//
// Codes not listed here pass through: they come from newer packages.
//
// # What it refuses
//
//   - Stacks of everybody. To read them stops the world, for 70 ms with 10,000
//     goroutines, so they are taken for a few tasks, when asked for.
//   - History. It shows now; what was is for traces. Findings alone are kept,
//     the newest 256.
//   - HTTP. A handler would bring net/http into every program that prints a
//     tree. Package console has one; by hand it is four lines, below.
//   - Waits of callers outside every task. They may use every primitive, and
//     nothing is known of them; adopt them with Scope.Do.
//
// The four lines:
//
//	http.HandleFunc("GET /debug/hem", func(w http.ResponseWriter, r *http.Request) {
//		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
//		inspect.Dump(w)
//	})
package inspect
