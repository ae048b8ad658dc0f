// Package state is what a shard of durable jobs is: a state machine that a log
// of transitions drives.
//
// What it promises:
//
//   - Applying is pure. The same records give the same state, whoever applies
//     them: there is no I/O, no clock, no randomness in it, and nothing depends
//     on the order of a map. [State.AppendCanonical] writes a state so that two
//     can be compared byte by byte.
//   - A transition is carried out whole, or refused with the state as it was.
//   - A snapshot ([State.Snapshot], [Restore]) is the state at one point, taken
//     while later transitions go on. What they touch is saved first.
//   - A job costs some 150 bytes of memory beside its input, no pointer that the
//     collector would have to follow, and no allocation of its own.
//
// # Order
//
// Of the jobs that a claim may take, the first is the one that has been ready
// longest, where each step of priority counts as having come [Limits.Ageing]
// earlier. As all wait equally fast, this order never changes while they wait:
// a job is overtaken only by those that come within priority × Ageing after it.
//
// # What it refuses
//
//   - Deciding. Which job a session gets, when a record is written and who is
//     told, are the owner's: package owner.
//   - A clock of its own. The time is that of the record, and timers are due
//     when a record says so.
//   - Removing names. Tasks and queues are few; there may be 65,536 of each.
package state
