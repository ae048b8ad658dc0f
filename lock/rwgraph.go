package lock

import (
	"maps"
	"slices"

	"github.com/hemgo/hem/internal/graph"
)

// seenRWMutex is an RWMutex as the graph and the order checker see it.
type seenRWMutex RWMutex

func (l *RWMutex) seen() *seenRWMutex { return (*seenRWMutex)(l) }

// Blocked is true if somebody is stuck whom t waits for: the writer whose turn
// it is waits for the readers, everybody else, reader or writer, for that
// writer.
func (l *seenRWMutex) Blocked(t *graph.Task, stuck func(*graph.Task) bool) (blocked bool) {
	rw := (*RWMutex)(l)
	if w := rw.rare().drainer.Load(); w != nil && w.Task() == t {
		for _, x := range rw.readers() {
			blocked = stuck(x) || blocked
		}
		return blocked
	}
	return l.turn.seen().Blocked(t, stuck)
}

// HeldBy is true of the writer who waits for the readers too: it has the turn,
// for which others wait.
func (l *seenRWMutex) HeldBy(t *graph.Task) bool {
	return l.turn.owner.Get() == t || (*RWMutex)(l).reads(t)
}

func (l *seenRWMutex) HolderEnded(t *graph.Task) { (*RWMutex)(l).holderEnded(t) }

func (l *seenRWMutex) Label() graph.Label { return label("rwmutex", l.Class, l) }

func (l *seenRWMutex) class() *Class {
	if l.Class != nil {
		return l.Class
	}
	return (*RWMutex)(l).rare().class()
}

// reads reports whether t is one of the readers.
func (l *RWMutex) reads(t *graph.Task) bool { return t != nil && slices.Contains(l.readers(), t) }

// readers returns the readers that are tasks.
func (l *RWMutex) readers() (all []*graph.Task) {
	if !l.read() {
		return nil
	}
	r := l.rare()
	r.mu.Lock()
	defer r.mu.Unlock()
	l.readersLocked(func(t *graph.Task) { all = append(all, t) })
	return all
}

// readersLocked calls f for the readers that are tasks.
func (l *RWMutex) readersLocked(f func(*graph.Task)) {
	if all := l.slots.Load(); all != nil {
		for i := range *all {
			if t := (*all)[i].owner.Get(); t != nil {
				f(t)
			}
		}
	}
	for t := range maps.Values(l.crowd.readers) {
		if t != nil {
			f(t)
		}
	}
}

// holderEnded tells those who wait, if t, which has ended, held l: a lost writer
// to all, a lost reader to the writer whose turn it is, since readers can go on
// beside it.
func (l *RWMutex) holderEnded(t *graph.Task) {
	l.turn.holderEnded(t)
	r := l.rare()
	r.mu.Lock()
	var told []*waiter
	if l.turn.owner.Get() == t {
		told = r.readers.claimAll()
		l.turn.clearLocked(mutexReaders)
	}
	for _, w := range told {
		w.lost = t
	}
	lost, w := l.lostReader(), r.drainer.Load()
	if w != nil && lost != nil && w.Claim() {
		r.drainer.Store(nil)
		w.lost = lost
		told = append(told, w)
	}
	r.mu.Unlock()
	wakeAll(told)
}

// reset is Reset, with repair called, if a writer was lost, while nobody can
// have l.
func (l *RWMutex) reset(repair func()) bool {
	r := l.rare()
	r.mu.Lock()
	needed := l.dropLostLocked()
	lost := l.turn.lostLocked()
	if lost != nil {
		if repair != nil {
			repair()
		}
		if graph.Watched.Load() != 0 {
			orderDropped(lost, l.seen(), 0)
		}
		l.turn.owner.Set(nil)
	}
	r.mu.Unlock()
	if lost != nil {
		l.turn.release(lost)
	}
	l.left()
	return needed || lost != nil
}

// dropLostLocked takes the places of lost readers from them.
func (l *RWMutex) dropLostLocked() (needed bool) {
	drop := func(t *graph.Task) {
		needed = true
		if graph.Watched.Load() != 0 {
			orderDropped(t, l.seen(), shared)
		}
	}
	if all := l.slots.Load(); all != nil {
		for i := range *all {
			at := &(*all)[i]
			if t := ended(&at.owner); t != nil {
				drop(t)
				at.owner.Set(nil)
				at.word.Add(1)
			}
		}
	}
	for n, t := range l.crowd.readers {
		if t != nil && t.Ended() {
			drop(t)
			delete(l.crowd.readers, n)
			l.crowd.n.Add(-1)
		}
	}
	return needed
}
