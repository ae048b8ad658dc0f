// Package tasktest holds every rung to the one contract of package task.
//
// What it promises:
//
//   - [Exercise] runs the same cases on any [task.Runner], each a subtest whose
//     name is the sentence that must hold. A runner that passes can be put in
//     the place of another that passes.
//   - The cases speak to the runner through calls, results and errors only, so
//     they can run where the functions are in another process: [Tasks] are the
//     functions, for that process to serve.
//   - [Loopback] is a runner that passes, in which everything crosses as bytes,
//     in one process and without waiting: a fake of a rung with memory of its
//     own for tests of what uses one.
//   - The suite fails for runners that break the contract: its own tests run it
//     against more than two dozen, each broken in one way, and each is caught
//     by the sentence that it breaks.
//
// A runner's test is one function:
//
//	func TestPoolKeepsTheContractOfTask(t *testing.T) {
//		tasktest.Exercise(t, tasktest.Traits{SharedMemory: true}, func(t *testing.T, _ ...task.Task) task.Runner {
//			cpu, err := pool.New(pool.Config{})
//			…
//			t.Cleanup(cpu.Close)
//			return cpu
//		})
//	}
//
// # Order
//
// The cases run one after another on one runner, those that hurt it (panics,
// Goexit, functions that ignore their context) before the one that loads it, so
// that a runner which does not recover is found. They take about two seconds
// together.
//
// # What it refuses
//
//   - Virtual time. A process has its own clock, and the suite must be the same
//     for all; a rung's own tests are the place for it.
//   - Asking for speed or order. They differ, and each rung says its own.
//   - Cases by request. Traits say what a rung is, and never what it leaves out:
//     a runner that leaves out a part of the contract is not a Runner.
package tasktest
