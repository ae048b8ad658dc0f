package sim_test

import "github.com/hemgo/hem/job/internal/owner"

// Nobody works on a job while another has it, if he obeys: a worker stops by itself
// in time, as its clock says, when owners do not answer. One that stands still does
// not work, and one whose clock stood still cannot know.

// begins is called when an owner has given jobs away.
func (w *world) begins(v *delivery) {
	for i := range v.r.Jobs {
		j := &v.r.Jobs[i]
		w.epochs[j.ID] = max(w.epochs[j.ID], j.Epoch)
	}
	for _, r := range w.remotes {
		r.checkAlone()
	}
}

func (r *remote) checkAlone() {
	if r.life == 0 || r.halted || r.unsure {
		return
	}
	for _, a := range r.works {
		if have := r.w.epochs[a.j.ID]; !a.over && have > a.j.Epoch {
			r.w.breaks(alone, "worker %d works on job %d/%d, and epoch %d was given away; its session %d was answered %d µs ago by its clock, which must be less than %d",
				r.n, a.j.ID, a.j.Epoch, have, r.session, r.clock()-r.said, int64(owner.SessionStop))
		}
	}
}
