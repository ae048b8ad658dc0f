// Package invariant checks what must always hold, in builds that ask for it.
//
// Under -tags invariants, a broken invariant panics at once with the message
// "invariant broken: …". In every other build, Enabled is the constant false
// and the checks compile to nothing, so they may stand in the hottest path.
//
// What an argument costs is not ours to remove: a condition that calls a
// function is guarded by its caller.
//
//	if invariant.Enabled {
//		invariant.Check(s.sumLocked() == s.size, "S1: units are neither lost nor made")
//	}
//
// It refuses to log and go on, and to be switched at run time. A program whose
// invariants are broken has nothing true left to say, and a variable would
// cost a load at every check.
package invariant

import "fmt"

// Check panics if ok is false and invariants are enabled. The message cites
// the invariant by number: "S1: 0 <= free <= size".
func Check(ok bool, msg string) {
	if Enabled && !ok {
		panic("invariant broken: " + msg)
	}
}

// Checkf is Check with a message as [fmt.Sprintf] makes it.
func Checkf(ok bool, format string, args ...any) {
	if Enabled && !ok {
		panic("invariant broken: " + fmt.Sprintf(format, args...))
	}
}
