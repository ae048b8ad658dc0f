// Package pool runs CPU work in a bounded number of slots.
//
//	cpu, err := pool.New(pool.Config{})
//	…
//	err = cpu.Do(ctx, func(ctx context.Context) error { return compress(ctx, img) })
//	cpu.Go(s, index)                          // a task of scope s, fire and forget
//	sum := pool.Go(s, cpu, checksum)          // with a result
//	thumb, err := Resize.Do(ctx, cpu, img)    // a named task: see package task
//
// Work that fills every processor makes everybody else wait for time slices of
// 10 ms. A pool leaves one processor free, keeps what waits within bounds, and
// says no in time.
//
// # What it promises
//
//   - No more run at once than there are slots. A slot that a run lends while it
//     waits for something may be in use when it comes back: then nothing new
//     begins until that is repaid.
//   - Work may submit work, wait for it, and submit to a full queue, to any
//     depth, on one slot: whoever waits has lent its slot. This holds for waits
//     of Hem's primitives under the context that the work was given; a bare
//     channel, or another context, tells nobody that a slot is idle.
//   - A caller who waits runs the work itself, on its own goroutine with its
//     whole stack. An idle pool holds no goroutine, and a forgotten Close leaks
//     nothing.
//   - A context covers queueing and running: what ends in the queue has not
//     [fault.Started], and leaves at once.
//   - The queue is bounded. What happens at the bound is chosen: [Wait],
//     [Reject], or [Shed], which keeps it short as well.
//   - Work of any priority is served after a time that [Priority] states.
//   - What was accepted runs, or its submitter is told that it has not begun:
//     see [Pool.Close].
//
// # One slot, drawn
//
//	Do, Go ─▶ free? ─yes───────────────▶ runs ──ends──▶ next in the queue, or free
//	            │ no                     │  ▲
//	            ├─▶ queued ──its turn──▶ ┘  │ taken back, without waiting
//	            │     │                  waits: lent to the next in the queue
//	            │     └─ context, Shed, Close ─▶ told that it has not begun
//	            └─▶ full: at the door, or refused
//
// # Order
//
// First come, first served among equals; the urgent first, with ageing; the
// newest first in an overload that is Shed. A slot that is given up goes to who
// waits: a newcomer never passes somebody of its own priority or above. What
// runs is not interrupted, but may call [Yield].
//
// # What it refuses
//
//   - Killing a run. Go cannot; package proc can. A run that ignores its
//     context is awaited.
//   - A queue without a bound: it turns overload into memory and latency, and
//     tells nobody.
//   - Worker goroutines that wait for work, work stealing and queues per
//     worker: to steal in vain costs cycles just when there are none to spare,
//     and order can no longer be explained. One short lock was fast enough.
//   - Pinning work to threads: handing something from one locked thread to
//     another costs ten times a goroutine's switch.
//   - A default size for work that sleeps. Waiting needs no slot: use a scope.
//   - Crossing testing/synctest bubbles: a pool belongs to the one it was made
//     in.
//
// # Cost
//
// Do with a slot free costs a task 40 ns and no allocation. A trivial task from
// 16 submitters through a full queue, joined by its scope, costs 0.6 to 0.8 of
// what ants v2.12 takes for the same (go run ./bench -suite pool). The clock is read when something has to
// wait, and once for 64 runs that have not; see [Pool.Stats].
package pool
