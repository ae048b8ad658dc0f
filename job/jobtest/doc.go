// Package jobtest runs jobs in users' tests, in virtual time, and says what was
// enqueued. It also holds every [job.Log] to its contract, and has one for tests
// whose disk fails when a test says so.
//
// # Tests of what uses jobs
//
//	func TestSigningUpSendsAWelcome(t *testing.T) {
//		synctest.Test(t, func(t *testing.T) {
//			jobs := jobtest.New(t, job.Config{}, SendWelcome)
//			signUp(jobs.Client(), "ada@example.com")
//			jobtest.Require(t, jobs, SendWelcome, func(w Welcome) bool { return w.To == "ada@example.com" })
//			jobs.Run(t.Context())                    // what is ready
//			jobs.RunFor(t.Context(), 7*24*time.Hour) // and what becomes so in a week
//		})
//	}
//
// What it promises:
//
//   - It is the real thing: an owner and a worker of package job, and a log.
//     What handlers see, when they are tried again and what becomes of a job is
//     as it will be. Nothing runs but when the test says so, and then one handler
//     at a time, in the order of claims.
//   - [Jobs.Run] and its kin return when there is nothing left to do, and what
//     came of it is in the log. No test needs to sleep, or to ask again and again.
//   - In a bubble of testing/synctest time passes only while everybody waits:
//     delays, schedules and tries months apart take a moment, and each handler
//     runs at its time. All that [New] starts is in the bubble, and ends with it.
//   - [Enqueued] and [Require] look at the log, as the next owner would find it.
//     They change nothing.
//
// # Tests of logs, and of what must survive them
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
//   - Handlers on the test's own goroutine. They run as a worker runs them: a panic
//     fails the attempt, and t.Fatal is not for them. What a handler returned is
//     seen in its job.
//   - A fake client. Code that takes a *job.Client is given one; what must be
//     faked is what the handlers speak to.
//   - Running jobs behind the test's back. Code that waits for its job, by
//     task.Def.Do or [job.Handle.Wait], needs somebody who runs it meanwhile:
//     Jobs.RunFor in another goroutine, or [job.Work].
//   - Virtual time in Exercise. A real log has a real disk. Memory waits on
//     timers only, so what uses it can run in a bubble of testing/synctest.
//   - Asking for speed, or for what a crash leaves: a log must be killed by its
//     own tests, which know how.
//   - Faults that no log has. A Memory never answers nil to an Append whose
//     record it then loses, unless the test itself damages it.
package jobtest
