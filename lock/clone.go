package lock

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// cloner is what a T must be, or a pointer to one, if assigning it is not
// enough to copy it.
type cloner[T any] interface{ Clone() T }

// A way is how values of a type are copied.
type way uint8

const (
	byAssignment way = iota
	byClone          // *T has Clone() T, perhaps because T has
	byOwnClone       // T is a pointer or an interface with Clone() T; nil is its own copy
)

// copier returns what copies values of type T. It panics if nothing can.
func copier[T any]() func(*T) T {
	switch wayOf[T]() {
	case byClone:
		return func(v *T) T { return any(v).(cloner[T]).Clone() }
	case byOwnClone:
		return func(v *T) T {
			var none T
			if any(*v) == any(none) {
				return none
			}
			return any(*v).(cloner[T]).Clone()
		}
	}
	return func(v *T) T { return *v }
}

// ways remembers types that can be copied: guards are made more often than
// types are. A program has few, so nothing is ever removed.
var ways sync.Map // of reflect.Type to way

// wayOf returns how values of type T are copied. It panics if they cannot be.
func wayOf[T any]() way {
	t := reflect.TypeFor[T]()
	if known, ok := ways.Load(t); ok {
		return known.(way)
	}
	how, complaint := judge(t, reflect.TypeFor[cloner[T]]())
	if complaint != "" {
		panic("lock: NewGuard of " + complaint)
	}
	ways.Store(t, how)
	return how
}

// judge returns how values of type t are copied, or why they cannot be. A type
// with a right Clone is taken at its word and not looked into.
func judge(t, cloner reflect.Type) (how way, complaint string) {
	switch {
	case t.Implements(cloner) && (t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface):
		return byOwnClone, ""
	case reflect.PointerTo(t).Implements(cloner):
		return byClone, ""
	}
	o := obstacleIn(t)
	switch {
	case o == nil:
		return byAssignment, ""
	case o.fixed:
		return 0, fmt.Sprintf("%v: %s cannot be copied; a guard locks by itself, so leave it out, or keep a pointer to it", t, o.what(t))
	case t.Name() == "": // it can have no methods
		return 0, fmt.Sprintf("%v: %s; in its place, define a type with a method Clone that returns a copy which shares nothing with it", t, o.what(t))
	}
	return 0, fmt.Sprintf("%v: %s; it needs a method Clone() %v that returns a copy which shares nothing with it%s", t, o.what(t), t, cloneFound(t))
}

// An obstacle is what keeps values from being copied by assignment.
type obstacle struct {
	path  string // of fields and elements, from the whole value; empty: itself
	t     reflect.Type
	fixed bool // it must stay where it is, as a mutex must; else it would be shared
}

// what is "field rows is a map[string]int", of a value of type whole.
func (o *obstacle) what(whole reflect.Type) string {
	place := "field " + strings.TrimPrefix(o.path, ".")
	switch {
	case o.path == "":
		place = "it"
	case strings.HasPrefix(o.path, "["):
		place = "element " + o.path
	}
	switch {
	case !o.fixed:
		return fmt.Sprintf("%s is a %v (%v), which copies would share", place, o.t.Kind(), o.t)
	case o.t == whole:
		return "it"
	}
	return fmt.Sprintf("%s (%v)", place, o.t)
}

// obstacleIn returns the first obstacle in t, nil if there is none. It does not
// look behind pointers, channels, functions and interfaces: those are shared,
// and so is what they lead to. Without them no type contains itself, hence the
// walk ends.
func obstacleIn(t reflect.Type) *obstacle {
	if staysPut(t) {
		return &obstacle{t: t, fixed: true}
	}
	switch t.Kind() {
	case reflect.Map, reflect.Slice:
		return &obstacle{t: t}
	case reflect.Array:
		return obstacleIn(t.Elem()).within("[]")
	case reflect.Struct:
		for f := range t.Fields() {
			if o := obstacleIn(f.Type).within("." + f.Name); o != nil {
				return o
			}
		}
	}
	return nil
}

// within returns o as it is seen from further out.
func (o *obstacle) within(step string) *obstacle {
	if o != nil {
		o.path = step + o.path
	}
	return o
}

var locker = reflect.TypeFor[sync.Locker]()

// staysPut reports whether values of type t must not be copied, by the rule
// that go vet has for it: a pointer to one can be locked, and itself cannot.
// That finds mutexes and all that have a noCopy in them: wait groups, atomics.
func staysPut(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(locker) && !t.Implements(locker)
}

// cloneFound tells of a method Clone of t which is not the one that is needed.
func cloneFound(t reflect.Type) string {
	m, ok := reflect.PointerTo(t).MethodByName("Clone") // a constant: the linker need not keep all methods
	if !ok {
		return ""
	}
	var in, out []reflect.Type
	for i := 1; i < m.Type.NumIn(); i++ { // the first is the receiver
		in = append(in, m.Type.In(i))
	}
	for i := range m.Type.NumOut() {
		out = append(out, m.Type.Out(i))
	}
	sig := reflect.FuncOf(in, out, m.Type.IsVariadic()).String()
	return ", and has Clone" + strings.TrimPrefix(sig, "func")
}
