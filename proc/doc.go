// Package proc runs tasks in worker processes: work that may crash, leak or
// freeze, without hurting anyone.
//
//	func main() {
//		proc.Serve(Resize, Index) // first thing: a worker never gets further
//		kids, err := proc.New(proc.Config{})
//		…
//		thumb, err := Resize.Do(ctx, kids, photo)
//	}
//
// Workers are this program's own binary, started in advance, or any command that
// speaks the protocol of docs/worker-protocol.md.
//
// # What it promises
//
//   - A crash fails the one call that ran in the worker, with an [ExitError] that
//     says how it ended and what it printed last. The pool is whole again at once.
//   - Cancelling ends the work. The function's context ends first; when it has
//     not returned within Config.Grace its process is killed, and everything that
//     the process has started.
//   - Nothing is left: a worker ends before [Pool.Close] returns, with its whole
//     tree, and is reaped. If this process is killed, its workers and what they
//     started end within a second.
//   - Payloads travel on descriptors of their own. What a worker prints cannot
//     damage them; it goes to Config.Log.
//   - Limits on memory, processors, processes, files and time are held by the
//     kernel where it can, and inspect says by what.
//   - A worker is replaced before it retires. A command that cannot start says
//     why, quickly, and is tried again at growing intervals.
//
// # One worker, drawn
//
//	started ─▶ hello ─▶ idle ◀──────────────┐
//	   │                 │ call             │ result, failure
//	   │                 ▼                  │
//	   │               busy ────────────────┤
//	   │                 │ ctx ends: cancel ┘
//	   │                 │ still busy after Grace: killed
//	   ▼                 ▼
//	  gone ◀── crash, kill, retired (its replacement is ready)
//
// # Order
//
// As in a [pool.Pool] with Config.Workers slots: first come, first served among
// equals, and the urgent first: see [Pool.With]. A worker runs one call at a
// time; what it keeps in memory stays from call to call.
//
// # What it refuses
//
//   - Running main again. A program that never calls [Serve] is told so by [New]:
//     its binary, started as a worker, would do everything that main does.
//   - Several calls at once in one worker: a crash would fail them all, and
//     killing one for its deadline would kill the others.
//   - Standard input and output as the wire: one stray print breaks it.
//   - Waiting for any child but its own, by pid. Programs that use os/exec are
//     not disturbed.
//   - Running a call again that a worker had read. The error says that it may
//     have started: see [task.Retry].
//   - Being a sandbox. A worker has the rights of this process. What is hostile,
//     and not merely bad, needs an account or a container of its own around it;
//     Config.Command can be what makes one.
//
// # Where there is less
//
// Limits other than Wall, and the end of all that workers' descendants have
// become when this process is killed, are Linux's. Elsewhere on Unix a tree is
// its process group, and inspect says "none" of limits. On Windows New says that
// it cannot.
//
// # Cost
//
// A call costs what two messages through pipes do: 8 to 25 µs for 1 KiB there and
// back, since both sides look for some 10 µs before they sleep, where gRPC to a
// plugin takes 100 to 140. It costs the host about 12 µs of processor time. A
// mebibyte takes 2 to 3 ms (go run
// ./bench -suite proc). An idle Go worker has 3 MB of its own and takes 5 ms to
// start; the guard has 6 MB. docs/processes.md has the table, and the command
// that measures it on your machine.
package proc
