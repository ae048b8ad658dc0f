package state

// Remembered is how much is held beside the jobs that nobody sees from outside:
// what has no need of it must go.
type Remembered struct {
	Past, Gates, GateTimes, Deadlines, Ticks int
}

// Remembered counts it.
func (s *State) Remembered() (r Remembered) {
	for i := range s.queues {
		r.Past += len(s.queues[i].past)
	}
	r.Gates = len(s.limiting.byKey)
	r.GateTimes, r.Deadlines, r.Ticks = len(s.limiting.times), len(s.deadlines), len(s.ticks)
	return r
}
