// Package job is durable work: what must happen, whatever happens to this
// process, and to this machine if the log is kept on others.
//
//	log, err := natslog.Open(ctx, dir, natslog.Config{}) // whoever opens closes
//	owner, err := job.Open(ctx, log, job.Config{})
//	jobs := owner.Client()
//
//	h, err := job.Enqueue(ctx, jobs, Resize, photo)      // nil: it will be done
//	thumb, err := h.Wait(ctx)
//
//	thumb, err = Resize.Do(ctx, jobs, photo)             // as on any other rung
//
//	// In this process or in others, until ctx ends:
//	err = job.Work(ctx, jobs, job.WorkerConfig{Tasks: []task.Task{Resize}})
//
// # Whose a job is
//
//	              without a key: attached   with a key              Enqueue
//	              Do, Go                    Do, Go
//	ctx ends      cancelled                 cancelled, if nobody    –
//	                                        else waits
//	the caller    cancelled                 goes on, and is         goes on
//	dies                                    joined by its key
//	the worker    fault.Lost: there is      tried again             tried again
//	dies          one attempt
//
// In a handler [Current] is a client that is bound to its job. What is called
// through it is cancelled with the job; what has a key is found again by the job's
// next attempt, and is not done again once it is done. [Token] fences attempts that
// overlap, in a database of the handler's.
//
// # What can be said of a job
//
// Options say when ([Delay], [At], [Deadline]), how often ([Attempts], [Backoff]) and how
// long ([Timeout]) it is tried, whose share it takes ([Group], [Priority]), and beside
// what it must not run ([Key], [Unique], [Limit]). The owner's Config has the weights,
// limits, rates and bounds. [Schedule] makes jobs by a rule:
//
//	err = job.Schedule(ctx, jobs, "sweep", job.Cron("0 3 * * *").In("Europe/Berlin"), Sweep, task.Void{})
//
// [Client.Search], [Client.Count] and [Client.Why] tell what there is and what it waits
// for; [Client.Cancel], [Client.Pause], [Client.Drain] and [Client.Replay] change it. The
// guides are docs/jobs.md, docs/attached-or-keyed.md and docs/schedules.md.
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
//   - After [Client.Cancel] of a job that nobody has claimed nobody will. The handler
//     of one that is running is told, with the cause, and so is all that it has begun.
//   - What is attached is cancelled in the very record in which what it is attached to
//     ends, and nothing can be begun there any more.
//   - Bounds hold: never more live jobs than Config.Depth, nor than a queue may
//     have, and never more of them claimed at a time, nor faster, than its queue and
//     its limit allow. Who finds no room waits, or is told.
//   - Each tick of a schedule once, however often it was said and whatever breaks.
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
// with [Priority] and its ageing in between. Groups of a queue take turns by their
// weights, whatever priorities their jobs have. Who waits, for room or for a job, is
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
//     worker is alive. A worker in another process counts as gone when nothing was
//     heard of it for ten seconds, and stops by itself before that.
//   - Being a part of your database's transactions. docs/from-river-and-asynq.md says
//     what takes the place of that.
//   - Middleware. A [task.Runner] that wraps another is one.
//
// # Cost
//
// One append for all who come during the one before, and some 3 µs of processor
// time for each job of 256 bytes, its producer's included. On two processors that
// others used as well, with a log that takes 0.25 ms and callers who each wait for
// their own: 50,000 a second with 16 of them, 110,000 with 64, 220,000 with 256
// (go test -bench Enqueue ./job).
package job
