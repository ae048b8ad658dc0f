package scope

import "context"

// withValues is a context with the values of another one. Cancellation stays
// its own: the standard library finds a context's canceller under a key of
// type *int, which therefore is looked up at home first.
type withValues struct {
	context.Context
	values context.Context
}

func (c withValues) Value(key any) any {
	first, second := c.values, c.Context
	if _, ok := key.(*int); ok {
		first, second = second, first
	}
	if v := first.Value(key); v != nil {
		return v
	}
	return second.Value(key)
}
