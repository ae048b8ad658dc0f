package turns

import "time"

// Looks has the watchdog of a run that took steps between its looks, and then
// none, look twice, and returns what the second look panicked with.
func Looks(steps int) (first, second any) {
	s := newSchedule(1)
	w := &watchdog{s: s, timer: time.NewTimer(time.Hour)}
	defer w.stop()
	look := func() (p any) {
		defer func() { p = recover() }()
		w.look()
		return nil
	}
	for i := range steps {
		s.trace = append(s.trace, Step{i, "run", ""})
	}
	return look(), look()
}
