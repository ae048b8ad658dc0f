package graph

import (
	"maps"
	"runtime"
	"slices"
	"sync"
	"weak"
)

// A Place is somewhere work runs, such as a CPU pool, shown by inspect.
type Place interface {
	Label() Label
	// Figures returns what there is to tell now, in the order to show it.
	Figures() []Figure
}

// Figure is one named number or text of a place.
type Figure struct {
	Name  string
	Value any
}

// places holds every place weakly: one that its user forgets is forgotten.
var places struct {
	mu   sync.Mutex
	next uint64
	all  map[uint64]func() Place
}

// AddPlace registers p until remove is called or p is garbage.
func AddPlace[T any, P interface {
	*T
	Place
}](p P) (remove func()) {
	ref := weak.Make((*T)(p))
	places.mu.Lock()
	defer places.mu.Unlock()
	if places.all == nil {
		places.all = make(map[uint64]func() Place)
	}
	id := places.next
	places.next++
	places.all[id] = func() Place {
		if v := ref.Value(); v != nil {
			return P(v)
		}
		return nil
	}
	runtime.AddCleanup((*T)(p), removePlace, id)
	return func() { removePlace(id) }
}

func removePlace(id uint64) {
	places.mu.Lock()
	defer places.mu.Unlock()
	delete(places.all, id)
}

// Places returns the registered places, oldest first.
func Places() []Place {
	places.mu.Lock()
	defer places.mu.Unlock()
	var all []Place
	for _, id := range slices.Sorted(maps.Keys(places.all)) {
		if p := places.all[id](); p != nil {
			all = append(all, p)
		}
	}
	return all
}
