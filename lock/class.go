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

// classes are those that lines of code make. There are as many as there are
// lines, and they stay.
var classes struct {
	mu    sync.Mutex
	at    map[uintptr]*origin // a line that was inlined has several addresses
	lines map[fileLine]*origin
	named map[string]int // how many lines are called so
}

type fileLine struct {
	file string
	line int
}

// An origin is a line that makes locks. Names may be made up without end, so a
// class with a name of its own goes when its last lock has, and what it knew
// with it.
type origin struct {
	class  *Class // of those without a name
	titled map[string]weak.Pointer[Class]
}

// classAt returns the class of the locks that the line at site makes by that
// name.
func classAt(site uintptr, name string) *Class {
	classes.mu.Lock()
	defer classes.mu.Unlock()
	o := originLocked(site)
	if name != "" {
		return o.titledLocked(name)
	}
	return o.class
}

func originLocked(site uintptr) *origin {
	if o := classes.at[site]; o != nil {
		return o
	}
	if classes.at == nil {
		classes.at = make(map[uintptr]*origin)
		classes.lines = make(map[fileLine]*origin)
		classes.named = make(map[string]int)
	}
	f := fault.FrameAt(site)
	at := fileLine{f.File, f.Line}
	o := classes.lines[at]
	if o == nil {
		o = &origin{class: &Class{name: at.nameLocked()}}
		classes.lines[at] = o
	}
	classes.at[site] = o
	return o
}

// nameLocked returns what a line that is new is called: "order.go:41", or
// "order.go:41 (2)" if one in another folder is already.
func (at fileLine) nameLocked() string {
	name := path.Base(at.file) + ":" + strconv.Itoa(at.line)
	classes.named[name]++
	if n := classes.named[name]; n > 1 {
		name += " (" + strconv.Itoa(n) + ")"
	}
	return name
}

func (o *origin) titledLocked(name string) *Class {
	if c := o.titled[name].Value(); c != nil {
		return c
	}
	c := &Class{name: name}
	if o.titled == nil {
		o.titled = make(map[string]weak.Pointer[Class])
	}
	o.titled[name] = weak.Make(c)
	runtime.AddCleanup(c, o.forget, name)
	return c
}

// forget removes a class that is garbage, unless another has its place.
func (o *origin) forget(name string) {
	classes.mu.Lock()
	defer classes.mu.Unlock()
	if o.titled[name].Value() == nil {
		delete(o.titled, name)
	}
}
