package owner

import "github.com/hemgo/hem/job/internal/state"

// tied refuses r if its Asker would wait for itself. What was carried out already is
// answered as before.
func (c *Core) tied(r *Request) bool {
	if r.Asker.Job == 0 || c.repeated(r) {
		return false
	}
	var knot *state.KnotError
	switch by := r.Asker; r.Op {
	case Await:
		knot = c.state.KnotOfWait(by.Job, by.Epoch, r.Job)
	case Enqueue:
		knot = c.state.KnotOfCall(by.Job, by.Epoch, &r.Specs[0])
	case Pause:
		knot = c.state.KnotOfDrain(by.Job, by.Epoch, r.Name)
	}
	if knot != nil {
		c.refuse(r, knot)
	}
	return knot != nil
}
