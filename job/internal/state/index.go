package state

import "slices"

// An index finds the slot of a job by its id. Ids come in order, and jobs are
// claimed and end in about that order, so a page of neighbours is found once for
// many of them. A page is small enough that one job which outlives its neighbours
// by years costs little.
type index struct {
	pages map[uint64]*indexPage
	order []uint64 // numbers of the pages there are, ascending
	n     int

	at   uint64 // the page that was found last, and its number
	page *indexPage
}

const indexPageLen = 64

type indexPage struct {
	slots [indexPageLen]uint32  // 0 is none
	is    [Cancelled + 1]uint64 // by status: a bit for each job that has it
	used  int
}

func newIndex() index { return index{pages: make(map[uint64]*indexPage)} }

// look returns the page that an id is on, nil if there is none.
func (x *index) look(id uint64) *indexPage {
	if at := id / indexPageLen; x.page == nil || x.at != at {
		p := x.pages[at]
		if p == nil {
			return nil
		}
		x.at, x.page = at, p
	}
	return x.page
}

func (x *index) get(id uint64) (slot uint32, ok bool) {
	p := x.look(id)
	if p == nil {
		return 0, false
	}
	slot = p.slots[id%indexPageLen]
	return slot, slot != 0
}

// put enters an id. It is false if it was there already.
func (x *index) put(id uint64, slot uint32) bool {
	p := x.look(id)
	if p == nil {
		p = new(indexPage)
		x.at, x.page = id/indexPageLen, p
		x.pages[x.at] = p
		i := len(x.order) // ids come in order, but for those of a snapshot
		if i > 0 && x.order[i-1] > x.at {
			i, _ = slices.BinarySearch(x.order, x.at)
		}
		x.order = slices.Insert(x.order, i, x.at)
	}
	if p.slots[id%indexPageLen] != 0 {
		return false
	}
	p.slots[id%indexPageLen] = slot
	p.used++
	x.n++
	return true
}

// remove takes out an id that is there.
func (x *index) remove(id uint64) {
	p := x.look(id)
	p.slots[id%indexPageLen] = 0
	x.n--
	if p.used--; p.used == 0 {
		delete(x.pages, id/indexPageLen)
		x.page = nil
		i, _ := slices.BinarySearch(x.order, id/indexPageLen)
		x.order = slices.Delete(x.order, i, i+1)
	}
}

// mark says that the job of an id has a status, or no longer.
func (x *index) mark(id uint64, status Status, has bool) {
	p := x.look(id)
	if has {
		p.is[status] |= 1 << (id % indexPageLen)
	} else {
		p.is[status] &^= 1 << (id % indexPageLen)
	}
}

// ids are all, in order.
func (x *index) ids() []uint64 {
	all := make([]uint64, 0, x.n)
	for _, at := range x.order {
		for i, slot := range x.pages[at].slots {
			if slot != 0 {
				all = append(all, at*indexPageLen+uint64(i))
			}
		}
	}
	return all
}
