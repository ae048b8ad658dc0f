// Package lock has locks that can say who holds them: a mutex, a read-write
// lock, a semaphore, and values that cannot be reached without their lock.
//
//	stock := lock.NewGuard(Stock{Left: 10}, lock.Name("stock"))
//	err := stock.Update(ctx, func(s *Stock) error { s.Left--; return nil })
//
//	h, err := mu.Lock(ctx) // of a lock.Mutex
//	if err != nil {
//		return err
//	}
//	defer h.Unlock()
//
// docs/locks.md is the guide: which one when, how a report of a deadlock is
// read, and what to do about it.
//
// # What it promises
//
//   - A wait that can never end is refused by a [*fault.Deadlock] that names
//     every task, lock and line of the knot. It may go through anything that Hem
//     waits for: locks, units of a semaphore, guards, futures, joins. One task
//     of a knot is told; when it has given up what it holds, the others go on.
//     There are no false alarms.
//   - Nobody starves: see Order.
//   - A context bounds waiting and nothing else. What is free is taken though
//     ctx has ended; a wait that ended has left the queue as though it had never
//     joined it.
//   - Only who holds a lock gives it up. [Held] is the hold, not the lock: an
//     Unlock too many, or on another task's goroutine, panics and unlocks
//     nothing. [Held.Handoff] gives a hold away.
//   - What a task leaves locked when it ends is lost and not free: its users get
//     an error of kind [fault.Lost] until somebody has repaired what is
//     protected and calls Reset.
//   - [Guard.Update] commits if its function returns nil and on nothing else;
//     [Update2], [Update3] and [UpdateAll] commit all or none.
//   - [CheckOrder], which scopetest switches on in tests, tells of orders that
//     could become a deadlock on another day.
//   - Waiting is durable in a testing/synctest bubble, and seen by inspect.
//
// # One mutex, drawn
//
//	free ──Lock──▶ held by a task ──the task ends──▶ lost ──Reset──▶ free
//	  ▲              │ ▲  └──Handoff──▶ on its way ──Take──▶ held by another
//	  └────Unlock────┤ │
//	                 └─┘ Unlock, and a waiter is owed it
//
// # Order
//
// A free [Mutex] goes to whoever asks first; waiters are woken oldest first, and
// one that was woken in vain after a millisecond is handed the mutex. Readers and
// writers of an [RWMutex] alternate: a reader waits for the reading under way and
// for one writing. A [Semaphore] is first come, first served; with a [Priority]
// the urgent go first, and 100 ms of waiting are worth a level.
//
// # Who is who
//
// The context says which task calls, on that task's own goroutine. All other
// callers are outside: goroutines that a plain go statement started, and tasks
// under a context that does not lead to them. They may use every lock, count as
// running, and are in no verdict; their holds are never lost, and any goroutine
// may unlock them. So use the context that your function was given, and adopt
// other goroutines by scope.Scope.Do.
//
// # What it refuses
//
//   - Wrappers of atomics. sync/atomic is good, nobody waits there, and so there
//     is nothing that a wrapper could know.
//   - Recursive locks. A function that locks may count on what the lock protects
//     to be consistent, and who holds it is just making it inconsistent: to let
//     the one into the other hides the broken invariant. It is a deadlock of one
//     task, and is told so. Lock in one place, and call what expects the lock to
//     be held.
//   - Condition variables. Their users wait without a loop, signal before the
//     wait, or wait where no context ends it. [Guard.Wait] and
//     [Guard.UpdateWhen] do what they are for: no change is missed, and what is
//     waited for is in the call.
//   - Barriers. The join of a scope is one, for which everybody knows who is
//     missing; phases are scopes one after the other.
//   - Making a reader a writer. Two who try wait for each other. The first gets
//     [ErrUpgrade] already, and not the second now and then.
//   - Unlocking on a whim of any goroutine, as sync.Mutex allows: who holds could
//     not be known, and no deadlock proved.
//   - Ending the process. What is found is an error, or a finding.
//
// # Cost
//
// An uncontended lock is some plain loads and stores dearer than that of sync; it
// allocates nothing and reads no clock. What has to wait allocates its wait, and
// looks for a knot before it sleeps. "go run ./bench -suite lock" measures both
// beside sync, x/sync and go-deadlock; the figures are with the types.
package lock
