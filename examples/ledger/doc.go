// Command ledger shows what [job.Token] is for: a worker that was given up for
// lost, and goes on all the same, must not write.
//
//	go run ./examples/ledger
//
// A job pays interest into an account of a database, here SQLite. Its worker reads
// the balance and is stopped, as a machine does that is out of memory, or whose
// network is gone. It is given up, another worker does the job, and then the first
// goes on where it was: it writes as well. No queue can prevent that, for a worker
// cannot be asked whether it has died. The database can: see fence.go, which is
// twenty lines to be copied.
//
//	INSERT INTO fences (log, job, epoch) VALUES (?, ?, ?)
//	ON CONFLICT (log, job) DO UPDATE SET epoch = excluded.epoch
//	WHERE fences.epoch <= excluded.epoch
//	RETURNING done
//
// This is the first statement of the transaction in which a job writes. Each claim
// of a job has a higher epoch than those before; the row has the highest that has
// written. Whoever comes with a lower one gets no row, and writes nothing.
//
// The fence is between attempts that overlap. One that follows another is let in,
// as it must be, also if the first had committed and its worker was lost before it
// could say so. For that there is done, which is set in the same transaction.
// Together they make what the job does to this database happen once.
//
// A row can be deleted when no worker can come back any more that had the job
// before: after a month, say.
//
// The program stages the race twice, without the fence and with it, on a durable
// log in a temporary directory, and ends. In the first run interest is paid twice;
// ledger_test.go asserts that as well, so that the second proves something.
package main
