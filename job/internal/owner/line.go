package owner

import "slices"

// A line is of requests, in order of arrival.
type line struct {
	all  []*Request
	head int // those before it have left
}

func (l *line) len() int { return len(l.all) - l.head }

// each is those in the line, oldest first. It is good until the line changes.
func (l *line) each() []*Request { return l.all[l.head:] }

func (l *line) front() *Request { return l.all[l.head] }

func (l *line) push(r *Request) {
	if l.head > 0 && len(l.all) == cap(l.all) {
		l.keep(l.each())
	}
	l.all = append(l.all, r)
}

// pushFront puts back r, which came before all that are in the line.
func (l *line) pushFront(r *Request) { l.all = slices.Insert(l.all, l.head, r) }

func (l *line) pop() *Request {
	r := l.all[l.head]
	l.all[l.head] = nil
	l.head++
	if l.head == len(l.all) {
		l.all, l.head = l.all[:0], 0
	}
	return r
}

// remove takes out r, which is in the line.
func (l *line) remove(r *Request) {
	i, _ := slices.BinarySearchFunc(l.each(), r.arrival, func(o *Request, arrival uint64) int {
		switch {
		case o.arrival < arrival:
			return -1
		case o.arrival > arrival:
			return 1
		}
		return 0
	})
	l.all = slices.Delete(l.all, l.head+i, l.head+i+1)
	if l.len() == 0 {
		l.all, l.head = l.all[:0], 0
	}
}

// keep leaves these in the line, of those that are in it, in the same order.
func (l *line) keep(these []*Request) {
	n := copy(l.all, these)
	clear(l.all[n:])
	l.all, l.head = l.all[:n], 0
}
