package state

import (
	"hash/crc32"
	"slices"
)

// A client is somebody who numbers requests, with the answers it may not have
// had.
type client struct {
	id      uint64
	low     uint64
	seen    int64
	answers []answer // those of requests from low on, by number

	older, newer uint32 // its neighbours in the order of seen; 0 is none
}

type answer struct {
	n        uint64
	sum      uint32 // of the transition, so that another one is not taken for it
	epoch    uint32
	status   Status
	ids      []uint64
	existing []bool
}

// clients has slots from 1.
type clients struct {
	all            []client
	free           []uint32
	byID           map[uint64]uint32
	next           uint64
	oldest, newest uint32
}

// clientSpan is how long a client that asks for nothing is remembered, in
// microseconds. It is part of the log's format.
const clientSpan = 3600 * 1e6

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (s *State) openClient(r *reader, out *Outcome) error {
	if !r.whole() {
		return ErrMalformed
	}
	id := s.clients.next
	s.clients.next++
	slot := s.clients.take()
	s.clients.all[slot] = client{id: id, seen: s.now}
	s.clients.byID[id] = slot
	s.clients.append(slot)
	out.IDs = append(out.IDs, id)
	return nil
}

// applyRequest carries out what a request asks for, unless it has been.
func (s *State) applyRequest(t []byte, out *Outcome) error {
	r := reader{b: t[1:]}
	q := Request{Client: r.uint(), N: r.uint(), Low: r.uint()}
	if r.bad || q.Low == 0 || q.Low > q.N || len(r.b) == 0 || r.b[0] == tagRequest {
		return ErrMalformed
	}
	sum := crc32.Checksum(r.b, castagnoli)
	slot, known := s.clients.byID[q.Client]
	if known && !Mutant.ForgetsRequest {
		if done, err := s.repeated(&s.clients.all[slot], q, sum, out); done {
			return err
		}
	} else if !known {
		return ErrOutdated
	}
	if err := s.apply(r.b, out); err != nil {
		return err
	}
	s.remember(q, answer{q.N, sum, out.Epoch, out.Status, slices.Clone(out.IDs), slices.Clone(out.Existing)})
	return nil
}

// repeated answers a request that must not be carried out (again).
func (s *State) repeated(c *client, q Request, sum uint32, out *Outcome) (done bool, err error) {
	if q.N < c.low {
		return true, ErrOutdated
	}
	i, found := c.find(q.N)
	if !found {
		if q.N-max(q.Low, c.low) >= MaxOpen {
			return true, ErrOpen
		}
		return false, nil
	}
	a := &c.answers[i]
	if a.sum != sum {
		return true, ErrDifferent
	}
	out.IDs = append(out.IDs, a.ids...)
	out.Existing = append(out.Existing, a.existing...)
	out.Epoch, out.Status, out.Again = a.epoch, a.status, true
	return true, nil
}

// Recall gives the answer to a request that was carried out, whatever it asked for.
// It fails if there is none, or none any more.
func (s *State) Recall(q Request, out *Outcome) error {
	out.reset()
	slot, known := s.clients.byID[q.Client]
	if !known {
		return ErrOutdated
	}
	c := &s.clients.all[slot]
	i, found := c.find(q.N)
	if q.N < c.low || !found {
		return ErrOutdated
	}
	_, err := s.repeated(c, q, c.answers[i].sum, out)
	return err
}

// Knows reports whether a request of this name is not carried out (any more): it
// was, or it is refused whatever it asks for.
func (s *State) Knows(q Request) bool {
	slot, known := s.clients.byID[q.Client]
	if !known {
		return true
	}
	done, _ := s.repeated(&s.clients.all[slot], q, 0, &s.ignored)
	s.ignored.reset()
	return done
}

func (c *client) find(n uint64) (int, bool) {
	return slices.BinarySearchFunc(c.answers, n, func(a answer, n uint64) int {
		switch {
		case a.n < n:
			return -1
		case a.n > n:
			return 1
		}
		return 0
	})
}

// remember keeps an answer, and forgets those that the client has had.
func (s *State) remember(q Request, a answer) {
	slot := s.clients.byID[q.Client]
	s.clients.unlink(slot)
	c := &s.clients.all[slot]
	c.seen = s.now
	if q.Low > c.low {
		c.low = q.Low
		had, _ := c.find(c.low)
		c.answers = slices.Delete(c.answers, 0, had)
	}
	if i, found := c.find(a.n); !found {
		c.answers = slices.Insert(c.answers, i, a)
	}
	s.clients.append(slot)
}

// forgetClients forgets at most n clients that have not asked for long, and
// returns how many.
func (s *State) forgetClients(n int) (gone int) {
	for ; gone < n && s.clients.oldest != 0; gone++ {
		slot := s.clients.oldest
		c := &s.clients.all[slot]
		if c.seen+clientSpan > s.now {
			break
		}
		s.clients.unlink(slot)
		delete(s.clients.byID, c.id)
		*c = client{}
		s.clients.free = append(s.clients.free, slot)
	}
	return gone
}

func (l *clients) take() uint32 {
	if len(l.all) == 0 {
		l.all = append(l.all, client{})
	}
	return vacant(&l.all, &l.free)
}

// append puts a client, which is in no list, at the newest end.
func (l *clients) append(slot uint32) {
	c := &l.all[slot]
	c.older, c.newer = l.newest, 0
	if l.newest != 0 {
		l.all[l.newest].newer = slot
	} else {
		l.oldest = slot
	}
	l.newest = slot
}

func (l *clients) unlink(slot uint32) {
	c := &l.all[slot]
	if c.older != 0 {
		l.all[c.older].newer = c.newer
	} else {
		l.oldest = c.newer
	}
	if c.newer != 0 {
		l.all[c.newer].older = c.older
	} else {
		l.newest = c.older
	}
	c.older, c.newer = 0, 0
}
