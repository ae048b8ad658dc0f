package lock

import "context"

// ForgetSuppressions undoes SuppressOrder.
func ForgetSuppressions() {
	order.mu.Lock()
	defer order.mu.Unlock()
	order.suppressed = nil
}

// PauseOrder has nobody want orders checked, whatever the environment says,
// until resume is called.
func PauseOrder() (resume func()) {
	order.mu.Lock()
	n := order.users
	order.mu.Unlock()
	for range n {
		order.stop()
	}
	return func() {
		for range n {
			order.start()
		}
	}
}

// KnownHolders returns how many the checker knows to hold something.
func KnownHolders() int {
	order.mu.Lock()
	defer order.mu.Unlock()
	return len(order.holders)
}

// Knowledge returns how much c knows: classes that come after it, situations,
// examples.
func (c *Class) Knowledge() (classes, situations, examples int) {
	order.mu.Lock()
	defer order.mu.Unlock()
	for _, e := range c.orders.after {
		classes++
		situations += len(e.situations)
		for _, s := range e.situations {
			examples += len(s.examples)
		}
	}
	return
}

// OrderedLock locks l as one of several that are taken in one order.
func (l *RWMutex) OrderedLock(ctx context.Context) (Held, error) { return l.lock(ctx, ordered) }

// TitledClasses returns how many classes with a name are known of the line whose
// class without one is given.
func TitledClasses(line *Class) int {
	classes.mu.Lock()
	defer classes.mu.Unlock()
	for _, o := range classes.lines {
		if o.class == line {
			return len(o.titled)
		}
	}
	return 0
}

// Hooks calls what locks call when they are watched, for l.
func Hooks(ctx context.Context, l *Mutex) {
	orderWants(nil, l.seen(), 0)
	orderGot(nil, l.seen(), 0, false)
	orderMoved(nil, nil, l.seen(), 0, false)
	orderDropped(nil, l.seen(), 0)
}
