// Package chaos is the tests of durable jobs on a real disk that is really taken
// away: it has no code but theirs. It kills processes, cuts the power, fills file
// systems and damages files, and holds what is there afterwards against what had
// been acknowledged.
//
//	go test ./node/chaos                   a short form of everything, half a minute
//	make chaos                             HEM_CHAOS=1: two minutes of each
//	HEM_CHAOS=1h go test -timeout 0 …      an hour of each
//	HEM_CHAOS_SEED=…                       what a failed test has told, to try that again
//
// # What is proved
//
//   - Kills. A process that enqueues, claims, completes, fails, cancels and replays
//     jobs is ended by SIGKILL at any moment, also while it opens, and another one
//     goes on. Nothing that was acknowledged is lost, no job ends twice, none is
//     claimed again after it has ended, none appears that nobody has enqueued, no
//     epoch of a job comes twice, and a key has one live job.
//   - Workers. Processes that work are killed, and stopped for longer than they are
//     waited for, under load with limits by key and under trees of attached jobs.
//     Nothing is lost and no limit exceeded; a tree whose root's process was killed
//     or stopped, or whose caller has gone, fails in time, and nothing of it begins
//     later.
//   - Owners. The owner's process is killed under workers and callers in others.
//     These find the next one, go on with what they have, and stop before it is given
//     to others when they are too late. Nothing that was accepted is lost, no child
//     runs again after its result was told, no limit is exceeded, and what a dead
//     caller has called for ends.
//   - Power cuts. The same on ext4, on a disk that loses its power at any write: it
//     keeps what was flushed, and of what was not, any sectors. Also while the store
//     is made, and while the file system recovers from the cut before.
//   - Full disks. New jobs are refused as overloaded, with a hint and with a time to
//     try again; those that are there go on; and when there is room again so does
//     everything, without a restart.
//   - Damage. Files of the store are changed, cut, deleted, doubled and swapped, and
//     records are replaced by others that are whole in themselves. Either all jobs
//     are as they were, or job.Open is refused, saying where.
//
// Kills and power cuts have controls, which must be found to lose things: a process
// that reports before anything was acknowledged, and one whose kernel answers fsync
// and does nothing. SIGKILL alone would not notice the second: what a process has
// written outlives it.
//
// # How it is made
//
//	test ──order──▶ life: this binary again, with a log and a load on it
//	 │ ▲             │
//	 │ └─── lines ───┘  "about to complete 7", "7 is completed"
//	 │                  a ledger takes them, and complains when they do not fit
//	 └──SIGKILL, or──▶ disk: a file by FUSE, in this process's memory
//	    power cut        ▲ write, flush
//	                    loop device ◀── ext4 ◀── the life's log
//
// The disk answers one request after another, so there is a moment at which its
// power goes, and it knows what had been flushed by then: no copy of an image,
// which takes time while the kernel goes on writing, could say either. It goes
// after a random number of writes. From then on nothing is answered, so what a
// life has acknowledged later rested on no disk; it is killed before its requests
// fail, and never sees them fail.
//
// # What it needs
//
// Linux. For power cuts and full disks root, with mount namespaces, /dev/fuse,
// loop devices and the programs mount and mkfs.ext4; for the second control
// seccomp filters. A test that lacks something is skipped, and says what. What is
// mounted is mounted in a namespace of a process that exists for it, and is gone
// when that is, however it ends; so are the processes.
//
// # What it does not prove
//
// That other file systems keep what ext4 keeps; that a real disk keeps what it has
// flushed; that a loss of power together with damage is seen. A disk here does not
// reorder across a flush, and writes ext4's superblock whole.
package chaos
