// Package job is durable work: what must happen, whatever happens to this
// process, and to this machine if the log is kept on others.
//
//	log, err := natslog.Open(ctx, dir, natslog.Config{})   // whoever opens closes
//	owner, err := job.Open(ctx, log, job.Config{})
//	jobs := owner.Client()
//	…
//	h, err := job.Enqueue(ctx, jobs, Resize, photo)        // nil: it will be done
//
//	s, err := jobs.Session(ctx, job.SessionConfig{})       // who works
//	leases, err := s.Claim(ctx, 10, job.Filter{})
//	out, err := Resize.Serve(ctx, task.Here, leases[0].Input())
//	err = leases[0].Complete(ctx, out)
//
// # What it promises
//
//   - A job that was accepted stays until it has ended. [Enqueue] returns nil
//     when the log has it on its disk; a crash at any moment loses nothing that
//     was acknowledged.
//   - At least one attempt, and of several one counts. A job is tried until
//     somebody completes it, it is cancelled, or it has failed for good and is a
//     dead letter. Two workers may be at it when one was given up for lost; of
//     these only the later is heard: the other is [fault.Fenced]. [FencingToken] lets a
//     database hold to the same.
//   - An error says whether it may have happened: [fault.Started]. What has not
//     started left no trace, and may be done elsewhere.
//   - Timers are never early. A clock that is set back slows them down and does
//     not stop them; one that is set forward makes due what is due by it.
//   - One live job for each task and key: see [Key].
//   - After [Client.Cancel] of a job that nobody has claimed nobody will.
//   - Bounds hold: never more live jobs than Config.Depth, nor than a queue may
//     have. Who finds no room waits, or is told.
//   - One owner. [Open] takes over by appending to the log; whoever owned it
//     before cannot append any more, and tells those who wait that it is over.
//
// # From Enqueue to the log, drawn
//
//	Enqueue ─┐                       ┌▶ durable ─▶ answers, to all of them
//	Enqueue ─┼▶ inbox ─▶ the owner ──┴─ one record ─▶ Log.Append ─┐
//	Claim   ─┘             ▲   decides: state + requests          │ one at a time
//	                       └──────────────────────────────────────┘
//
// The log is the only truth. What arrives while a record is being appended is
// decided as one, and shares the next; so the more there are, the less each
// costs. Reads wait for the record as well: nobody is told what a power cut could
// take back. Now and then the owner writes all it has into the log, a page with
// each record, and forgets the records before.
//
// # Order
//
// Jobs become ready in the order in which they were accepted, and are claimed so,
// with [Priority] and its ageing in between. Who waits, for room or for a job, is
// served in order of arrival; for room, nobody overtakes in a queue. What one
// caller has been told happened before what it asks next.
//
// # What it refuses
//
//   - Exactly once. Nobody can promise that of work which does something outside;
//     one attempt that counts, and a token that fences the others, is what there
//     is.
//   - Acknowledging what is not yet on the disk, for speed. Sharing appends is
//     faster, and can be explained afterwards.
//   - A queue without bounds: see Config.Depth.
//   - Large inputs: 256 KiB is the most. What is larger has a place of its own,
//     and the job says where.
//   - Guessing over a damaged log: [ErrDamaged] says which record, and what to do.
//   - Polling, and timeouts by which a job is given to somebody else while its
//     worker is alive.
//
// # Cost
//
// One append for all who come during the one before, and some 3 µs of processor
// time for each job of 256 bytes, its producer's included. On two processors that
// others used as well, with a log that takes 0.25 ms and callers who each wait for
// their own: 50,000 a second with 16 of them, 110,000 with 64, 220,000 with 256
// (go test -bench Enqueue ./job).
package job
