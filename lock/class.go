package lock

import (
	"path"
	"runtime"
	"strconv"
	"sync"
	"weak"

	"github.com/hemgo/hem/fault"
)

// A Class is what locks that play the same part have in common, such as "the
// mutex of an account". Orders are between classes, so that one account and
// one stock teach what holds for all. See [CheckOrder].
type Class struct {
	name string
	rank int

	orders orders // guarded by order.mu
}

// NewClass makes a class. Give it to locks by their field Class, or by [In].
//
// NewClass takes [Rank]; it panics if name is empty or an option is another.
func NewClass(name string, opts ...Option) *Class {
	if name == "" {
		panic("lock: NewClass without a name")
	}
	o := merge("NewClass", opts)
	if o.name != "" || o.class != nil || o.priority {
		panic("lock: NewClass takes Rank and nothing else")
	}
	return &Class{name: name, rank: o.rank}
}

// String returns the class's name.
func (c *Class) String() string { return c.name }

// classes are those made by lines of code. A line without a name has its class
// for good; there are as many as there are lines. Names may be made up without
// end, so a named class goes when its last lock has, and what it knew with it.
var classes struct {
	mu     sync.Mutex
	lines  map[uintptr]*Class
	titled map[siteName]weak.Pointer[Class]
}

type siteName struct {
	site uintptr
	name string
}

// classAt returns the class of the locks that the line at site makes by that
// name.
func classAt(site uintptr, name string) *Class {
	classes.mu.Lock()
	defer classes.mu.Unlock()
	if name != "" {
		return titledLocked(siteName{site, name})
	}
	c := classes.lines[site]
	if c == nil {
		f := fault.FrameAt(site)
		c = &Class{name: path.Base(f.File) + ":" + strconv.Itoa(f.Line)}
		if classes.lines == nil {
			classes.lines = make(map[uintptr]*Class)
		}
		classes.lines[site] = c
	}
	return c
}

func titledLocked(key siteName) *Class {
	if c := classes.titled[key].Value(); c != nil {
		return c
	}
	c := &Class{name: key.name}
	if classes.titled == nil {
		classes.titled = make(map[siteName]weak.Pointer[Class])
	}
	classes.titled[key] = weak.Make(c)
	runtime.AddCleanup(c, forget, key)
	return c
}

// forget removes a class that is garbage, unless another has its place.
func forget(key siteName) {
	classes.mu.Lock()
	defer classes.mu.Unlock()
	if classes.titled[key].Value() == nil {
		delete(classes.titled, key)
	}
}
