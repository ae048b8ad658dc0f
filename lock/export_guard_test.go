package lock

import "context"

// Changes returns how many changes of its value g knows of.
func Changes[T any](g *Guard[T]) uint64 { return g.moved.count.Load() }

// NoteChange does the first half of what follows a change: those who wait are
// still to be woken.
func NoteChange[T any](g *Guard[T]) { g.moved.changed() }

// AwaitChange waits as one does who has looked when there were so many changes.
func AwaitChange[T any](ctx context.Context, g *Guard[T], seen uint64) error {
	return g.moved.await(ctx, seen)
}
