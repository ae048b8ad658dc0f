// Package owner decides for a shard of jobs: it is an owner without I/O.
//
// A [Core] reads a log, takes it over and then turns the requests that arrive
// into records, one at a time. It has no goroutine, no clock and no randomness:
// a shell does what each [Next] says and tells how it went. Package job is one
// shell; the simulation is another, and drives the same Core.
//
//	 Start ─▶ reading ──TakeOver──▶ sending ◀───────────────────┐
//	  Replay ──┘  ▲                │ │    ▲ stale read:         │ Decide:
//	              │                │ │    │ same bytes again    │ a record
//	              │   conflict     │ │    │                     │
//	              ├── in a ────────┘ │  looking (a conflict      │
//	              │   takeover       │    │      after unknown)  │
//	              └──────────────────┼────┤                     │
//	                    landed, or   │    │ the same bytes      │
//	                                 ▼    ▼ are there           │
//	                                owning ─────────────────────┘
//	                                 │ conflict: deposed; a log that is closed
//	sending, looking, owning ──────▶ │ or damaged; End
//	                                 ▼
//	                               ended
//
// What it promises:
//
//   - Nothing is told before it is certain. An acknowledgement, a refusal that
//     the state gave and a read wait until the record in flight has landed.
//   - A record is appended until it is known to be stored, by these very bytes,
//     or known not to be. So whoever gets a [*LostError] that denies it can ask
//     again elsewhere.
//   - The state is what a replay of the log gives, byte by byte. Deciding applies
//     each transition as it is encoded, and what is refused is not logged.
//   - Who waits is served in order of arrival: for room, by queue, and in one line
//     over all queues for the shard's own limits; for a job, those whose filters
//     let them have it.
//   - A log that is trimmed opens with a snapshot that is complete.
//
// # What it refuses
//
//   - Guessing. A log that no owner can have written is a [*DamageError], and has
//     no owner until a person has acted.
//   - Two records at once. Pipelining them would save a shard some waiting and
//     cost it the certainty of what was refused.
//   - Overtaking. A small Enqueue does not pass a large one that waits for room in
//     the same queue, or for the shard's.
package owner
