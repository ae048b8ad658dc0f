// Package natslog keeps a log of jobs on this machine: a [job.Log] on NATS
// JetStream, whose server runs inside this process.
//
//	log, err := natslog.Open(ctx, "/var/lib/shop/jobs", natslog.Config{})
//	…
//	defer log.Close()
//	owner, err := job.Open(ctx, log, job.Config{})
//
// # What it promises
//
//   - A record for which Append has returned nil is on the disk: it survives the
//     end of this process and a loss of power.
//   - Nothing that was stored goes missing in silence. The end of the log is
//     noted outside of it, before Append returns. A store that is shorter, that
//     is another's, or that has lost a record in the middle, is refused with
//     job.ErrDamaged, which says where.
//   - One log has the directory, of all processes. Whoever comes second is told
//     so at once.
//   - Room ends in an orderly way. Low comes first, then job.ErrFull. A disk that
//     was full, or has failed to write, is gone on with when it is well again,
//     without a restart; the directory stays locked meanwhile.
//   - It listens nowhere and opens no socket: the server is spoken to through
//     memory. It handles no signals, and leaves no goroutine after Close.
//
// # Order
//
// Appends go one at a time, whoever comes: a record is sent when the fate of the
// one before it is known, or its caller has given up. Reads, and trims in steps
// of a few megabytes, run beside them.
//
// # The directory, drawn
//
//	DIR/LOCK         held by flock while a Log is open; has the store's id in it
//	DIR/head         what the log must contain: two slots, see below
//	DIR/jetstream/   the server's: one stream, one replica, flushed at each record
//	DIR/clean        there while no Log is open, if the last was closed in good order
//	DIR/shelter/     second names of the stream's files, while the server opens it
//
//	head   0                       4096
//	       │ slot │                │ slot │
//	       each: count, id, last record and its hash, oldest record, CRC32C
//
//	Append: record ─▶ stream ─fsync─▶ slot A ─▶ nil      slot B is as it was synced
//	each second:                      slot A ─fsync      then B is the one written
//	Trim:   slot, oldest ─fsync─▶ stream, step by step
//	Open:   flock ─▶ newest whole slot ─▶ stream ─▶ compare ─▶ finish a trim
//
// # What it refuses
//
//   - Making a store anew where one has been. It is made where the directory does
//     not exist or is empty, and nowhere else: an empty log in the place of a lost
//     one would forget every job without a word.
//   - A directory with other things in it, before anything in it is touched; one
//     that a newer version wrote; one without a lock.
//   - Trusting the store to know its own end. One flipped bit makes it forget
//     what came after, and a deleted file is an empty log. What the head cannot
//     see is a loss of power together with damage to records of the last second.
//   - Repairing. What is damaged is left as it is, for a person to look at.
//   - Message ids. The owner sends the same bytes after the same record until it
//     knows what became of them, and its state knows requests that are repeated:
//     that takes no table of a window of time in memory.
//
// # Cost
//
// An append of up to 64 KiB takes 1.4 to 1.5 times what writing and flushing its
// bytes does, and one of 512 KiB up to 1.9 times, for it is copied several times
// on its way: BenchmarkAppend measures it. Half a gigabyte of records of that
// size is read in a second. Open takes some milliseconds and what it takes to read
// the store once, for it looks at the numbers of all records. An open log takes 20
// goroutines and some 20 MiB, and a program that imports this package 20 MiB
// more on the disk. The server also registers the handlers of net/http/pprof on
// http.DefaultServeMux when it is imported: who serves that mux to strangers
// should not.
package natslog
