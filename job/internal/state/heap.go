package state

// A heap has the jobs of one place in the order of a number, those with the same
// in the order of their ids. It has four children to a node, which makes it half
// as deep and keeps what is compared in one cache line.
type heap []entry

type entry struct {
	at   int64
	slot uint32
}

func (s *State) before(a, b entry) bool {
	if a.at != b.at {
		return a.at < b.at
	}
	return s.jobs.at(a.slot).id < s.jobs.at(b.slot).id
}

func (s *State) push(h *heap, at int64, slot uint32) {
	*h = append(*h, entry{})
	s.up(*h, len(*h)-1, entry{at, slot})
}

// remove takes the job at pos out.
func (s *State) remove(h *heap, pos uint32) {
	last := len(*h) - 1
	e := (*h)[last]
	*h = (*h)[:last]
	if int(pos) == last {
		return
	}
	if pos > 0 && s.before(e, (*h)[(pos-1)/4]) {
		s.up(*h, int(pos), e)
	} else {
		s.down(*h, int(pos), e)
	}
}

func (s *State) up(h heap, i int, e entry) {
	for i > 0 {
		parent := (i - 1) / 4
		if !s.before(e, h[parent]) {
			break
		}
		s.set(h, i, h[parent])
		i = parent
	}
	s.set(h, i, e)
}

func (s *State) down(h heap, i int, e entry) {
	for {
		least := 4*i + 1
		if least >= len(h) {
			break
		}
		for c := least + 1; c < min(4*i+5, len(h)); c++ {
			if s.before(h[c], h[least]) {
				least = c
			}
		}
		if !s.before(h[least], e) {
			break
		}
		s.set(h, i, h[least])
		i = least
	}
	s.set(h, i, e)
}

func (s *State) set(h heap, i int, e entry) {
	h[i] = e
	s.jobs.at(e.slot).pos = uint32(i)
}
