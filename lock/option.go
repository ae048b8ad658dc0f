package lock

import "fmt"

// An Option varies how a lock, a class or a request is made. Each says where
// it may be given; elsewhere it panics.
type Option struct {
	name     string
	class    *Class
	rank     int
	level    int8
	priority bool
}

// Name names a lock made by [NewMutex], [NewRWMutex], [NewSemaphore] or
// [NewGuard] in reports. Without a name it is called after the line that made
// it.
func Name(name string) Option { return Option{name: name} }

// In puts a lock made by [NewMutex], [NewRWMutex] or [NewGuard] in class c.
// Without a class, the locks made by one line are one, those that one statement
// makes included.
//
// In panics if c is nil.
func In(c *Class) Option {
	if c == nil {
		panic("lock: In with a nil class")
	}
	return Option{class: c}
}

// Rank gives a class made by [NewClass] its place in the order: a lock may be
// waited for only by who holds locks of lower ranks, or of classes without.
//
// Rank panics if n is not above zero.
func Rank(n int) Option {
	if n <= 0 {
		panic(fmt.Sprintf("lock: Rank %d is not above zero", n))
	}
	return Option{rank: n}
}

// merge lays opts over each other; who is named in its panics.
func merge(who string, opts []Option) (o Option) {
	for _, x := range opts {
		if x.name != "" {
			o.name = x.name
		}
		if x.class != nil {
			o.class = x.class
		}
		if x.rank != 0 {
			o.rank = x.rank
		}
		if x.priority {
			o.level, o.priority = x.level, true
		}
	}
	return o
}

// made returns the class of a lock that the line at site makes with opts.
func made(who string, site uintptr, opts []Option) *Class {
	o := merge(who, opts)
	switch {
	case o.rank != 0:
		panic("lock: " + who + " with a Rank: ranks are of classes, see NewClass")
	case o.priority:
		panic("lock: " + who + " with a Priority: priorities are of requests, see Semaphore.Acquire")
	case o.class != nil && o.name != "":
		panic("lock: " + who + " with both a class and a name: the class has one")
	case o.class != nil:
		return o.class
	}
	return classAt(site, o.name)
}
