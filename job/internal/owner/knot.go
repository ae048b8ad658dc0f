package owner

import "github.com/hemgo/hem/job/internal/state"

// tied refuses r if its Asker would wait for itself. What was carried out already is
// answered as before.
func (c *Core) tied(r *Request) bool {
	if r.Asker.Job == 0 || c.repeated(r) {
		return false
	}
	if knot := c.knot(r); knot != nil {
		c.refuse(r, knot)
		return true
	}
	return false
}

func (c *Core) knot(r *Request) *state.KnotError {
	by := r.Asker
	switch {
	case r.Op == Await:
		return either(c.state.KnotOfWait(by.Job, by.Epoch, r.Job), c.ringOf(r, r.Job))
	case r.Op == Enqueue && r.Follow:
		knot := c.state.KnotOfCall(by.Job, by.Epoch, &r.Specs[0])
		held, ok := c.state.Holder(&r.Specs[0])
		if knot != nil || !ok {
			return knot
		}
		return c.ringOf(r, held)
	case r.Op == Enqueue && r.Wait:
		return c.state.KnotOfRoom(by.Job, by.Epoch, r.Specs)
	case r.Op == Pause, r.Op == Drained:
		knot := either(c.state.KnotOfDrain(by.Job, by.Epoch, r.Name), c.ring(r, func(job uint64) bool { return c.state.RunsIn(job, r.Name) }))
		if knot != nil {
			knot.Queue = r.Name
		}
		return knot
	}
	return nil
}

func either(a, b *state.KnotError) *state.KnotError {
	if a != nil {
		return a
	}
	return b
}

// ringOf is ring for one who waits for a job. One that has not begun waits for nobody.
func (c *Core) ringOf(r *Request, job uint64) *state.KnotError {
	if !c.state.Runs(job) {
		return nil
	}
	return c.ring(r, func(asker uint64) bool { return asker == job })
}

// mostRing is how many jobs of a ring its error names.
const mostRing = 16

// ring says why r would close a ring of jobs whose handlers wait for each other, if it
// would: who waits for its Asker, or for one who does, has a job that closes holds of.
// A wait that is given up at some time is left out, since it ends by itself. It takes as
// long as there are jobs that wait for the Asker's, most often those above it.
func (c *Core) ring(r *Request, closes func(job uint64) bool) *state.KnotError {
	by := r.Asker
	if !by.Endless || !c.state.Asks(by.Job, by.Epoch) {
		return nil
	}
	next := map[uint64]uint64{by.Job: 0} // whom each waits for
	for line := []uint64{by.Job}; len(line) > 0; line = line[1:] {
		of := line[0]
		for _, all := range [...][]*Request{c.awaits[of], c.follows[of], c.drains} {
			for _, o := range all {
				a := o.Asker
				if _, seen := next[a.Job]; seen || !a.Endless || !c.state.Asks(a.Job, a.Epoch) || o.Op == Drained && !c.state.RunsIn(of, o.Name) {
					continue
				}
				if next[a.Job] = of; closes(a.Job) {
					knot := &state.KnotError{By: by.Job}
					for job := a.Job; job != by.Job && len(knot.Ring) < mostRing; job = next[job] {
						knot.Ring = append(knot.Ring, job)
					}
					return knot
				}
				line = append(line, a.Job)
			}
		}
	}
	return nil
}
