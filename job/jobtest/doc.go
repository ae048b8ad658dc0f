// Package jobtest holds every [job.Log] to its contract, and has one for tests
// whose disk fails when a test says so.
//
// What it promises:
//
//   - [Exercise] runs the same cases on any Log, each a subtest whose name is
//     the sentence that must hold, each on a new log. It speaks to the log
//     through its methods only.
//   - [Memory] is a Log that passes. Left alone it never fails; a function that
//     the test gives decides, call by call, what befalls it ([Memory.Faults]:
//     failed, slow, lost, late and reordered appends, stale reads, anything
//     that [Script] or [Random] say), and its methods do what happens to a disk
//     ([Memory.Crash], [Memory.Flip], [Memory.Truncate], [Memory.SetCapacity]
//     and so on).
//   - A Memory is deterministic: it has no randomness and no clock of its own.
//     The same calls with the same faults end the same.
//   - The suite fails for logs that break the contract: its own tests run it
//     against more than two dozen, each broken in one way, and each is caught
//     by the sentence that it breaks.
//
// A log's test is one function:
//
//	func TestDiskKeepsTheContractOfLog(t *testing.T) {
//		jobtest.Exercise(t, func(t *testing.T) (job.Log, func() job.Log) {
//			dir := t.TempDir()
//			open := func() job.Log { … }
//			return open(), open
//		})
//	}
//
// # What it refuses
//
//   - Virtual time in Exercise. A real log has a real disk. Memory waits on
//     timers only, so what uses it can run in a bubble of testing/synctest.
//   - Asking for speed, or for what a crash leaves: a log must be killed by its
//     own tests, which know how.
//   - Faults that no log has. A Memory never answers nil to an Append whose
//     record it then loses, unless the test itself damages it.
package jobtest
