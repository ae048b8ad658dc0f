// Package task is work with a name, and the one contract that it runs under on
// every rung: a goroutine, a CPU pool, another process, a durable queue.
//
//	var Resize = task.Define("resize", resize)
//
//	thumb, err := Resize.Do(ctx, task.Here, photo) // a goroutine
//	thumb, err := Resize.Do(ctx, cpu, photo)       // a bounded pool
//	thumb, err := Resize.Do(ctx, kids, photo)      // a child process
//
// What it promises, whatever the rung:
//
//   - What can be defined can travel. [Define] looks at the types when the
//     program starts, and refuses those of which something would be lost.
//   - [Def.Do] returns when the work has ended, and not before: nothing that it
//     started uses the caller's memory any more. Code that ignores its context
//     is awaited where memory is shared, and killed in a process.
//   - The error answers the same questions: [errors.Is] finds every
//     fault.Sentinel and the errors of package context, fault.KindOf says in
//     what way it failed, fault.Started whether it may have begun.
//   - The function sees the caller's deadline, and when its context ends the
//     caller's cause. A call whose context has ended already does not begin.
//   - A panic is a *fault.Panic with the stack of where it happened, and
//     runtime.Goexit likewise. Neither takes anybody else down.
//   - [Progress] arrives in order, one at a time, the last one before Do
//     returns. The [Trace] of the caller is that of the function.
//
// Where rungs differ:
//
//	                    shared memory (Here, pool)   memory of its own (proc, job)
//	input and output    the caller's own             copies, by JSON
//	the function's      untouched, the same value    fault.Decode of it
//	error
//	a NaN, a string     nothing special              fault.Invalid, naming the place
//	that is not UTF-8
//	size                no limit                     the runner's, fault.Invalid
//	ignores its context awaited, success counts      killed after a grace
//
// tasktest.Exercise holds every [Runner] to this contract, and
// tasktest.Loopback is one that has everything of a wire but the other side.
//
// # Order
//
// None between calls: that is the runner's. One call is one goroutine's at a
// time. Whoever has called Do sees all that the function did, and the function
// all that its caller did before.
//
// # What it refuses
//
//   - A registry. Tasks are values; a worker is given those that it knows. A
//     package that registers itself when imported makes every binary that
//     imports it a worker of everything.
//   - Other codecs. One form that a person, another language and next year's
//     version can read beats a choice that both sides must make alike. A type
//     that needs another has MarshalJSON, and a
//     []byte travels as it is.
//   - Options on Do. How a call is run belongs to the runner, and views of one
//     carry it: [Retry], and those of package pool.
//   - Middleware. A Runner that wraps a Runner is one.
package task
