// Package scope is structured concurrency: whatever is started in a scope has
// ended when the scope returns.
//
//	err := scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
//		s.Go(fetchUser)
//		s.Go(fetchOrders)
//		return nil
//	})
//
// # What it promises
//
//   - Every task has an owner, which ends after it: [Run] returns when its body
//     and all its tasks have ended, whatever way they end.
//   - The first failure cancels the others and is what Run returns, with its
//     identity untouched and never hidden by the echoes of those it cancelled.
//   - A panic takes its scope down, not the program at once: siblings are
//     cancelled, the stack is logged when it happens, and Run panics with a
//     [*fault.Panic] that knows who started the task and who started that one.
//   - A wait that can never end is an error, not a hang: [Future.Await] returns
//     a [*fault.Deadlock] that names every task of the knot. It never raises a
//     false alarm; it does not see what waits outside Hem.
//   - Nobody hangs in silence: a task that goes on though its context ended
//     [Grace] ago is reported by name and stack, once.
//
// # One scope, drawn
//
//	Run ─▶ open ──body returns──▶ joining ──last task──▶ daemons told ──last──▶ deferred ─▶ closed
//	        │                        │
//	        └── failure, Cancel, ────┴─▶ context ended: level-triggered, with its cause
//	            parent, Timeout              (after the OnStop hooks, if it was Stop)
//
// # Order
//
// Tasks start in no order. Results of [Map] are in the order of its items.
// [Scope.Defer] functions run last first, after everything has ended. A
// future's callbacks run in the order of their [Future.OnDone] calls.
//
// # Contexts
//
// The context that a body or a task gets is that scope's and that task's: use
// it, not an outer one. It identifies the task to Hem's primitives on the
// task's own goroutine. Another goroutine may use it too, as net/http does with
// BaseContext: then it carries cancellation and values and no identity, and
// what that goroutine waits for is not part of any verdict. [Scope.Do] adopts
// such a goroutine as a task.
//
// # What it refuses
//
//   - A child without an owner. What must outlive its caller belongs to another
//     scope: start it there.
//   - Limiting a scope's tasks by blocking Go: a parent that waits for room
//     among its own children is a deadlock (errgroup's SetLimit has it). Use
//     [Map], [Each] or a pool.
//   - Collecting every error: it retains them without bound in a service. Use
//     [Settle], or [Supervise].
//   - Killing a goroutine, which Go cannot do. Work that may have to be killed
//     belongs in a process.
//   - Goroutine-local state and detached contexts with no bound: see [Shield].
package scope
