package graph

import "sync"

// strangers holds the waits of callers outside every task for things whose
// holder may end: nobody else could find them then.
var strangers strangerList

type strangerList struct {
	mu  sync.Mutex
	all map[*Wait]struct{}
}

func (l *strangerList) enter(w *Wait) {
	if _, ok := w.res.(Estate); !ok {
		return
	}
	w.listed = true
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = make(map[*Wait]struct{})
	}
	l.all[w] = struct{}{}
}

func (l *strangerList) leave(w *Wait) {
	if !w.listed {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.all, w)
}

func (l *strangerList) waits() (all []*Wait) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for w := range l.all {
		all = append(all, w)
	}
	return all
}
