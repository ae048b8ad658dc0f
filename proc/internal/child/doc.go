// Package child starts processes that end before their owner does: with all
// that they have started, whatever they do, and also when the owner is killed.
//
// # What it promises
//
//   - A child's tree is the child and everything it started. When the child
//     ends, or Kill is called, the whole tree ends, and only then is the child
//     reaped. Until then its pid cannot be anybody else's.
//   - Each child is waited for by its own pid, never by Wait4(-1): exit statuses
//     of others' children are theirs.
//   - When the host is killed, its guard kills what is left, at once.
//   - What a child prints is read to the end, line by line, without ever
//     blocking it or being waited for when a grandchild holds the pipe.
//
// # How a tree is told
//
// By its cgroup, where there is a delegated one. Otherwise by the session, which
// is the child's own, and by a mark in the environment, which is inherited:
// Jenkins' ProcessTreeKiller has found lost processes so for many years. A
// process that has left the session and cleared its environment as well is found
// by a cgroup only.
//
//	host ──starts──▶ guard      (one for each host: its own binary, waits for EOF)
//	  │  └──starts──▶ child ──▶ grandchildren      (a session, a mark, a cgroup)
//	  └─lifeline, a pipe─▶ guard: EOF means that the host is dead
package child
