package child

import (
	"os"
	"sync/atomic"
)

// guardKey is the variable of the environment that makes a process a guard.
const guardKey = "HEM_PROC_GUARD"

var prepared atomic.Bool

// Prepare is to be called first thing in main. In a process that was started
// to be a guard it does that and never returns. In another it remembers that it
// was called, so that the program may start guards: a program whose main does
// not call it would run main again.
func Prepare() {
	if os.Getenv(guardKey) == "" {
		prepared.Store(true)
		return
	}
	// What this process starts must not take itself for a guard.
	os.Unsetenv(guardKey)
	if isPipe(lifelineFD) {
		guard(os.NewFile(lifelineFD, "lifeline"), os.NewFile(statusFD, "status"))
		os.Exit(0)
	}
	prepared.Store(true) // somebody else's environment was handed on
}

// Prepared reports whether Prepare has been called.
func Prepared() bool { return prepared.Load() }
