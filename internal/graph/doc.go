// Package graph is Hem's live registry and the one place where it waits.
//
// Every task that Hem starts is entered here, under its owner, and every
// blocking operation in Hem blocks in [Wait.Park]. So who runs, who waits for
// what, who can never be helped, what a cancellation reaches, when a pool's
// slot is lent and which schedule a test runs are each answered once.
//
// # Glossary
//
//	task      one strand of work, acting through one goroutine; a context
//	group     an owner's list of children: a scope, seen from below
//	root      a task that no group's task owns: an adopted goroutine
//	outside   a caller that acts for no task; it may wait, and counts as running
//	resource  what one can wait for; it answers Blocked
//	wait      one wait for one resource; what the field calls an edge
//	knot      tasks of which each would wait for ever if only they were left
//	verdict   the error that one task of a knot gets instead of waiting
//	slot      a place to run, lent while its task waits; never part of a knot
//	bell      how a parked goroutine is made to look: granted, or asked for its stack
//	tick      a moment of the coarse clock, by which ages are told
//
// # Rules
//
// They are the architecture's, numbered G1 to G9 there and restated as the
// invariants T, L, W and K beside the fields they hold for.
//
//	identity  A context is not a goroutine. A task is the caller only if the
//	          running goroutine is its own, compared by the runtime's g, which
//	          cannot be reused while the task lives.
//	edges     The waiter publishes its wait under the resource's lock after its
//	          last attempt has failed. The waker retires it, by Claim, before it
//	          transfers anything.
//	verdict   Before it blocks, Park asks whether it closes a knot: the greatest
//	          fixpoint of Blocked, believed only if the same waits still stand
//	          after all holders were read. Under one lock the first of a knot's
//	          tasks to prove it gets the verdict. Grant beats verdict beats
//	          context. A wait that a context of its own can end counts as
//	          running; so does one whose context has ended. A join cannot
//	          return early: its scope makes the verdict its cause.
//	slots     A slot is lent before the wait can be seen and taken back without
//	          waiting, over size if need be.
//	channels  A waiter makes its own channel, so a wait is durable in a
//	          testing/synctest bubble. No lock here is held while parking.
//
// The algorithm descends from deadlock detection on AND-OR wait-for graphs
// (Knapp, "Deadlock Detection in Distributed Databases", ACM Computing Surveys
// 19(4), 1987) with optimistic validation in place of a global lock.
//
// # Cost
//
//	Current         a type assertion and a compare under the task's own context,
//	                a walk of Value under a derived one
//	Group.Add       one short lock, sharded once two spawners have met; no clock
//	Park            one channel operation each way and, before it, a look at
//	                who would have to act: nothing is allocated if they run. A
//	                task that has parked often listens to its bell alone, since
//	                its group rings when the context ends: 1.05 to 1.3 of a
//	                native select on a context, else 1.5
//	a walk          about 130 ns for each waiting task it visits; a join visits
//	                all its children that wait
//	a verdict       some 10 µs, most of it for the stacks
//	Group.Tasks     no lock; yields every 256 tasks
//
// # What it refuses
//
// Killing a goroutine. Holder lists instead of Blocked: they can express
// neither weights nor queue order. A verdict where identity is no proof: on
// architectures without the six lines of assembly a knot is a finding.
package graph
