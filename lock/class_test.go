package lock_test

import (
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/hemgo/hem/lock"
)

func TestLocksOfOneLineAreOneClass(t *testing.T) {
	var ms []*lock.Mutex
	for range 2 {
		ms = append(ms, lock.NewMutex())
	}
	other := lock.NewMutex()
	if ms[0].Class != ms[1].Class {
		t.Error("two of one line have two classes")
	}
	if ms[0].Class == other.Class {
		t.Error("two of two lines have one class")
	}
	if name := ms[0].Class.String(); !strings.HasPrefix(name, "class_test.go:") {
		t.Errorf("the class is called %q", name)
	}
}

// inlined is copied into its callers.
func inlined(opts ...lock.Option) *lock.Mutex { return lock.NewMutex(opts...) }

func TestALineIsOneWhereverItIsInlined(t *testing.T) {
	if a, b := inlined(), inlined(); a.Class != b.Class {
		t.Errorf("they are %v and %v", a.Class, b.Class)
	}
	if a, b := inlined(lock.Name("a")), inlined(lock.Name("a")); a.Class != b.Class {
		t.Error("by name they are two")
	}
}

func TestANameMakesAClassOfItsOwn(t *testing.T) {
	var ms []*lock.RWMutex
	for _, name := range []string{"a", "b", "a"} {
		ms = append(ms, lock.NewRWMutex(lock.Name(name)))
	}
	if ms[0].Class != ms[2].Class || ms[0].Class == ms[1].Class || ms[0].Class.String() != "a" {
		t.Errorf("the classes are %v, %v and %v", ms[0].Class, ms[1].Class, ms[2].Class)
	}
	if other := lock.NewRWMutex(lock.Name("a")); other.Class == ms[0].Class {
		t.Error("the same name on another line is the same class")
	}
}

func TestADeclaredClassIsItsLocks(t *testing.T) {
	c := lock.NewClass("account", lock.Rank(2))
	if m := lock.NewMutex(lock.In(c)); m.Class != c || c.String() != "account" {
		t.Errorf("the class is %v", m.Class)
	}
}

// Names may be made up without end: when a mutex is garbage its class is.
func TestANamedClassGoesWithItsLastLock(t *testing.T) {
	var kept []*lock.Mutex
	line := inlined().Class
	for i := range 1000 {
		m := inlined(lock.Name("connection " + strconv.Itoa(i)))
		if i%100 == 0 {
			kept = append(kept, m)
		}
	}
	for range 1000 {
		if lock.TitledClasses(line) == len(kept) {
			break
		}
		runtime.GC() // cleanups run on a goroutine of their own
		runtime.Gosched()
	}
	if n := lock.TitledClasses(line); n < len(kept) || n > len(kept)+2 {
		t.Errorf("%d classes are left of 1000, %d are used", n, len(kept))
	}
	if again := inlined(lock.Name("connection 100")); again.Class != kept[1].Class {
		t.Error("a class that is used has been forgotten")
	}
}

func TestAClassWithoutANameOrWithAnotherOptionPanics(t *testing.T) {
	tests := map[string]func(){
		"NewClass without a name":             func() { lock.NewClass("") },
		"NewClass takes Rank":                 func() { lock.NewClass("a", lock.Name("b")) },
		"In with a nil class":                 func() { lock.In(nil) },
		"Rank 0 is not above zero":            func() { lock.Rank(0) },
		"NewMutex with a Rank":                func() { lock.NewMutex(lock.Rank(1)) },
		"NewRWMutex with both a class":        func() { lock.NewRWMutex(lock.In(lock.NewClass("a")), lock.Name("b")) },
		"NewClass takes Rank and nothing els": func() { lock.NewClass("a", lock.In(lock.NewClass("b"))) },
	}
	for want, f := range tests {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.Contains(text, want) {
					t.Errorf("panicked with %q, want %q", text, want)
				}
			}()
			f()
		}()
	}
}
