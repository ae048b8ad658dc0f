package owner

import "fmt"

// Check returns what is wrong with the Core's own order: C1, C3, and that nobody
// waits for what has happened, or will never happen.
func (c *Core) Check() error {
	seen := make(map[*Request]place)
	put := func(r *Request, p place) error {
		if was, twice := seen[r]; twice {
			return fmt.Errorf("%s is in the list of place %d and in that of %d", r.Op, was, p)
		}
		if seen[r] = p; r.place != p {
			return fmt.Errorf("%s is in the list of place %d, and says %d", r.Op, p, r.place)
		}
		return nil
	}
	lists := map[place][]*Request{
		arrived: c.arrived.each(), lined: c.rooms.each(), claiming: c.claims.each(), decided: c.held,
		draining: c.drains, answered: c.answers[0],
	}
	for job, rs := range c.awaits {
		lists[awaiting] = append(lists[awaiting], rs...)
		for _, r := range rs {
			if r.Job != job {
				return fmt.Errorf("who awaits job %d stands with those of %d", r.Job, job)
			}
		}
	}
	for _, rs := range c.ears {
		lists[listening] = append(lists[listening], rs...)
	}
	for p, rs := range lists {
		for _, r := range rs {
			if err := put(r, p); err != nil {
				return err
			}
		}
	}
	for q, l := range c.rooms.lines {
		for _, r := range l.each() {
			if seen[r] != lined {
				return fmt.Errorf("%s stands in the line of %q alone", r.Op, q)
			}
		}
	}
	asked := 0
	for _, r := range c.rooms.each() {
		if r.Asker.Endless {
			asked++
		}
	}
	if asked != c.rooms.asked {
		return fmt.Errorf("%d ask, and %d are counted", asked, c.rooms.asked)
	}
	if c.phase != owning {
		return nil
	}
	return c.checkWaits()
}

// checkWaits is for a Core that has nothing in flight.
func (c *Core) checkWaits() error {
	if len(c.held)+len(c.follows) > 0 {
		return fmt.Errorf("%d are held and %d followed, and nothing is in flight", len(c.held), len(c.follows))
	}
	for job, rs := range c.awaits {
		if i, err := c.state.Job(job); err != nil || !i.Status.Live() || len(rs) == 0 {
			return fmt.Errorf("%d wait for job %d, which has status %d (%v)", len(rs), job, i.Status, err)
		}
	}
	for _, sessions := range []map[uint64]bool{keys(c.ears), keys(c.people.all), keys(c.people.filters)} {
		for id := range sessions {
			if !c.state.HasSession(id) {
				return fmt.Errorf("session %d has ended, and something is known of it", id)
			}
		}
	}
	for _, r := range c.claims.each() {
		if !c.state.HasSession(r.Session) {
			return fmt.Errorf("a claim of session %d waits, which has ended", r.Session)
		}
	}
	for _, r := range c.drains {
		if n, _, _ := c.state.QueueCounts(r.Name); n.Running == 0 {
			return fmt.Errorf("somebody waits for %q to be drained, and it is", r.Name)
		}
	}
	for _, s := range c.state.Sessions() {
		if p := c.people.all[s.ID]; s.Remote && (p == nil || !p.remote) {
			return fmt.Errorf("remote session %d need not be heard of", s.ID)
		}
	}
	return nil
}

func keys[V any](m map[uint64]V) map[uint64]bool {
	all := make(map[uint64]bool, len(m))
	for k := range m {
		all[k] = true
	}
	return all
}
