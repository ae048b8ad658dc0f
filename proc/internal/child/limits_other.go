//go:build !linux

package child

// limit does nothing: no other system can set the limits of a process that
// runs. Confinement says so.
func limit(pid int, l Limits, data int64) error { return nil }

func niceSession(pid, nice int) error { return nil }
