// Package check type-checks and vets Go source held in memory, and promises
// to answer with diagnostics or an error whatever the source says.
//
// A [Source] comes from a tar archive ([FromTar]), one file ([FromFile]) or
// the installed standard library ([FromStd]). [Checker.Check] parses it,
// checks it with go/types, runs the passes of go vet over it and returns a
// [Report]. Nothing is built, run, downloaded or written, and nothing is read
// from disk but the sources of the standard library.
//
//	Source ──scan──▶ tokens ──parse──▶ trees ──guard──▶ ──go/types──▶ ──passes──▶ Report
//	         │                │                 │          ▲
//	         └────────────────┴── InputError ◀──┘          └ standard library, cached
//
// # What a caller may assume
//
//   - A Checker is safe for concurrent use. The packages of the standard
//     library that a source imports are checked once, without their function
//     bodies, and shared from then on.
//   - One call uses one goroutine, and uses it hard: a check is arithmetic on
//     memory from end to end, except that a standard package nobody has
//     imported yet is read from disk.
//   - Diagnostics are sorted by position, positions are those of the bytes
//     posted (a //line directive is not obeyed), and the same source gets the
//     same report.
//   - Bad input is an [*InputError]; a panic of go/types or of a pass is an
//     [*InternalError] naming it. Neither escapes as a panic.
//
// # What it refuses, and why
//
// Files named *_test.go and directories named testdata or vendor, or whose
// name begins with a dot or an underscore, are skipped: they are other
// packages, or nobody's. So are modules nested in the posted one. Imports
// resolve to the standard library and to the posted module, nothing else; cgo
// is off. Passes that need facts about imported packages have them for the
// packages posted and for the functions of the standard library known to end
// the program, not for all of the standard library.
//
// Go source of a few hundred bytes can make go/types compute for hours, take
// all memory, or overflow the stack, which no recover survives. [Limits] says
// what is measured before go/types may look, and the source that exceeds it is
// refused: bracket nesting, depth of the tree, length of chains of
// declarations, and the sizes that types, interfaces, constant strings,
// inferred type arguments and the initialization graph would grow to.
//
// # What it cannot bound
//
// Go/types and the passes cannot be interrupted: cancelling ctx is noticed only
// between steps. What remains after the limits is time polynomial in the size
// of the source. Sources at the limits, written for the purpose, have held a
// goroutine for half a minute and taken 450 MB (BenchmarkSlowestAllowed has
// them: a struct of six thousand fields copied forty thousand times, forty
// thousand methods looked up by an interface); others may do worse. The guards
// count by name and by shape, and three explosions are known that they do not
// see: a search through types that never end, types that multiply in such a
// search, and a chain of method signatures that overflows the stack. A service
// that faces strangers should run Check in a child process that it can limit and
// kill: the checker's own hostile_test.go does, with these three.
package check
