//go:build amd64 || arm64

package graph

// certain says that getg tells goroutines apart, so that a task's identity is
// proof (G1) and a verdict may be an error.
const certain = true

// getg returns the address of the running goroutine's descriptor. The runtime
// cannot give it to another goroutine while this one lives.
func getg() uintptr

// Goroutine returns what tells the running goroutine from every other that
// lives; zero on architectures where nothing does.
func Goroutine() uintptr { return getg() }

// CallerPC returns the address its caller will return to: called first thing
// by Go, it is the line that wrote Go(...). It reads one word through the
// frame pointer, which Go keeps on these architectures; the caller must be
// marked noinline. The address is only ever printed, so that a toolchain which
// lays frames out otherwise costs a wrong line and nothing else.
func CallerPC() uintptr

// Pause lets the processor rest for about so many of its shortest rests, in a
// loop that waits for another processor.
//
//go:noescape
func Pause(rests uint32)
