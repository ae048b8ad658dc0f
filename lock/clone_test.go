//lint:file-ignore U1000 what types hold is looked into by reflection

package lock_test

import (
	"bytes"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/lock"
)

// Types that a guard can copy, or not.
type (
	plainValue struct {
		Name string
		N    [3]int
		At   time.Time // has a pointer
		in   struct{ f func() }
		ch   chan int
		any  any
		next *plainValue
		big  *big.Int
		atom *atomic.Int64
		mu   sync.Locker
		err  error
		_    [0]func() // not comparable
	}

	namedMap       map[string]int
	cloneByValue   struct{ m map[string]int }
	cloneByPointer struct{ m map[string]int }
	pointerClone   struct{ m map[string]int }
	talkingClone   struct{ m map[string]int }
	failingClone   struct{ m map[string]int }
	heirOfClone    struct{ cloneByValue } // its Clone is cloneByValue's
	deepValue      struct{ rows [2]struct{ cells []int } }
	familyTree     struct{ kids []familyTree }
	ringOfPointers struct{ next *ringOfPointers }
	withMutex      struct{ mu sync.Mutex }
	withNamedMap   struct{ t namedMap } // the field could, the struct cannot
	unneededClone  struct{ n int }      // has a Clone of another kind, and no need of one
	mindsItsMutex  struct {             // has a mutex and takes care of it
		mu sync.Mutex
		n  int
	}
	pointedAt      struct{ m map[string]int } // guarded behind a pointer
	shapeWithClone interface{ Clone() shapeWithClone }
	squareShape    struct{ side []int }
	pairOf[T any]  struct{ a, b T }
)

func (t namedMap) Clone() namedMap {
	c := make(namedMap, len(t))
	for k, v := range t {
		c[k] = v
	}
	return c
}
func (v cloneByValue) Clone() cloneByValue          { return cloneByValue{namedMap(v.m).Clone()} }
func (v *cloneByPointer) Clone() cloneByPointer     { return cloneByPointer{namedMap(v.m).Clone()} }
func (v pointerClone) Clone() *pointerClone         { return &v }
func (v *talkingClone) Clone(really ...bool) error  { return nil }
func (v failingClone) Clone() (failingClone, error) { return v, nil }
func (unneededClone) Clone() int                    { return 0 }
func (s *mindsItsMutex) Clone() mindsItsMutex       { return mindsItsMutex{n: s.n} }
func (p *pointedAt) Clone() *pointedAt              { return &pointedAt{namedMap(p.m).Clone()} }
func (s *squareShape) Clone() shapeWithClone        { return &squareShape{slices.Clone(s.side)} }

// complaintAbout returns what NewGuard says against a T, "" if nothing.
func complaintAbout[T any]() (complaint string) {
	defer func() {
		if r := recover(); r != nil {
			complaint = fmt.Sprint(r)
		}
	}()
	var zero T
	lock.NewGuard(zero)
	return ""
}

func TestNewGuardTakesWhatItCanCopy(t *testing.T) {
	for name, complaint := range map[string]string{
		"int":                   complaintAbout[int](),
		"string":                complaintAbout[string](),
		"plain":                 complaintAbout[plainValue](),
		"array":                 complaintAbout[[4]plainValue](),
		"time":                  complaintAbout[time.Time](),
		"empty struct":          complaintAbout[struct{}](),
		"any":                   complaintAbout[any](),
		"error":                 complaintAbout[error](),
		"func":                  complaintAbout[func()](),
		"chan":                  complaintAbout[chan []int](),
		"pointer to a mutex":    complaintAbout[*sync.Mutex](),
		"pointer to a map":      complaintAbout[*map[string]int](),
		"ring":                  complaintAbout[ringOfPointers](),
		"locker":                complaintAbout[struct{ sync.Locker }](),
		"embedded pointer":      complaintAbout[struct{ *sync.Mutex }](),
		"Clone by value":        complaintAbout[cloneByValue](),
		"Clone by pointer":      complaintAbout[cloneByPointer](),
		"named map":             complaintAbout[namedMap](),
		"Clone that is no need": complaintAbout[unneededClone](),
		"Clone minds its mutex": complaintAbout[mindsItsMutex](),
		"pointer with Clone":    complaintAbout[*pointedAt](),
		"interface with Clone":  complaintAbout[shapeWithClone](),
		"generic":               complaintAbout[pairOf[int]](),
		"a guard's pointer":     complaintAbout[*lock.Guard[int]](),
	} {
		if complaint != "" {
			t.Errorf("%s: %s", name, complaint)
		}
	}
}

func TestNewGuardSaysWhyItCannotCopy(t *testing.T) {
	const (
		clone  = "; it needs a method Clone() "
		nature = " that returns a copy which shares nothing with it"
		unlock = " cannot be copied; a guard locks by itself, so leave it out, or keep a pointer to it"
	)
	for _, c := range []struct{ complaint, want string }{
		{complaintAbout[map[string]int](), "map[string]int: it is a map (map[string]int), which copies would share; " +
			"in its place, define a type with a method Clone that returns a copy which shares nothing with it"},
		{complaintAbout[[]int](), "[]int: it is a slice"},
		{complaintAbout[struct{ b []byte }](), "struct { b []uint8 }: field b is a slice ([]uint8), which copies would share; in its place"},
		{complaintAbout[deepValue](), "lock_test.deepValue: field rows[].cells is a slice ([]int), which copies would share" + clone + "lock_test.deepValue" + nature},
		{complaintAbout[[2]deepValue](), "[2]lock_test.deepValue: element [].rows[].cells is a slice"},
		{complaintAbout[familyTree](), "lock_test.familyTree: field kids is a slice ([]lock_test.familyTree)"},
		{complaintAbout[withNamedMap](), "lock_test.withNamedMap: field t is a map (lock_test.namedMap)"},
		{complaintAbout[bytes.Buffer](), "bytes.Buffer: field buf is a slice"},
		{complaintAbout[pairOf[[]int]](), "field a is a slice"},
		{complaintAbout[big.Int](), "big.Int: field abs is a slice"},

		// A wrong Clone is named.
		{complaintAbout[pointerClone](), nature + ", and has Clone() *lock_test.pointerClone"},
		{complaintAbout[talkingClone](), nature + ", and has Clone(...bool) error"},
		{complaintAbout[failingClone](), nature + ", and has Clone() (lock_test.failingClone, error)"},
		{complaintAbout[heirOfClone](), "lock_test.heirOfClone: field cloneByValue.m is a map (map[string]int), which copies would share" + clone + "lock_test.heirOfClone" + nature + ", and has Clone() lock_test.cloneByValue"},

		// What stays put.
		{complaintAbout[sync.Mutex](), "sync.Mutex: it" + unlock},
		{complaintAbout[withMutex](), "lock_test.withMutex: field mu (sync.Mutex)" + unlock},
		{complaintAbout[[1]withMutex](), "[1]lock_test.withMutex: element [].mu (sync.Mutex)" + unlock},
		{complaintAbout[atomic.Int64](), unlock},
		{complaintAbout[atomic.Pointer[int]](), unlock},
		{complaintAbout[struct{ n atomic.Bool }](), unlock},
		{complaintAbout[sync.WaitGroup](), unlock},
		{complaintAbout[sync.Once](), unlock},
		{complaintAbout[sync.Map](), unlock},
		{complaintAbout[sync.Pool](), unlock},
		{complaintAbout[sync.Cond](), unlock},
		{complaintAbout[lock.Mutex](), unlock},
		{complaintAbout[lock.RWMutex](), unlock},
		{complaintAbout[lock.Guard[int]](), unlock},
		{complaintAbout[struct{ _ [0]sync.Mutex }](), unlock}, // as go vet has it
	} {
		if !strings.HasPrefix(c.complaint, "lock: NewGuard of ") || !strings.Contains(c.complaint, c.want) {
			t.Errorf("got  %s\nwant %s", c.complaint, c.want)
		}
	}
}

func TestNewGuardComplainsEveryTime(t *testing.T) {
	if first, again := complaintAbout[withMutex](), complaintAbout[withMutex](); first == "" || first != again {
		t.Errorf("first %q, then %q", first, again)
	}
}

func TestAGuardsValueIsACopyOfWhatItWasMadeOf(t *testing.T) {
	mine := cloneByPointer{map[string]int{"a": 1}}
	g := lock.NewGuard(mine)
	mine.m["a"] = 2
	got, err := g.Get(t.Context())
	if err != nil || got.m["a"] != 1 {
		t.Errorf("got %v, %v", got, err)
	}
	got.m["a"] = 3
	if again, _ := g.Get(t.Context()); again.m["a"] != 1 {
		t.Errorf("what Get returned was the guard's own: %v", again)
	}
}

// A nil pointer or interface is copied without asking its method.
func TestANilPointerWithCloneIsItsOwnCopy(t *testing.T) {
	if got, err := lock.NewGuard[*pointedAt](nil).Get(t.Context()); got != nil || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := lock.NewGuard[shapeWithClone](nil).Get(t.Context()); got != nil || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestPointersAndInterfacesAreClonedIfTheyCanBe(t *testing.T) {
	p := &pointedAt{map[string]int{"a": 1}}
	got, err := lock.NewGuard(p).Get(t.Context())
	if err != nil || got == p || got.m["a"] != 1 {
		t.Errorf("got %v, %v", got, err)
	}
	s := &squareShape{[]int{4}}
	copied, err := lock.NewGuard[shapeWithClone](s).Get(t.Context())
	if err != nil || copied == shapeWithClone(s) || copied.(*squareShape).side[0] != 4 {
		t.Errorf("got %v, %v", copied, err)
	}
}

// Pointers lead out of the guard's protection, by decision: see NewGuard.
func TestWhatPointersLeadToIsShared(t *testing.T) {
	n := 1
	got, err := lock.NewGuard(struct{ p *int }{&n}).Get(t.Context())
	if err != nil || got.p != &n {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestAGuardIsCalledAfterItsClassOrItsLine(t *testing.T) {
	var g *lock.Guard[int] // of no name: it says of itself what it is
	for _, c := range []struct {
		g    *lock.Guard[int]
		want string
	}{
		{lock.NewGuard(0, lock.Name("stock")), `"stock"`},
		{lock.NewGuard(0, lock.In(lock.NewClass("account"))), `"account"`},
		{lock.NewGuard(0), `"clone_test.go:`},
		{g, "lock: view: the Guard is nil"},
	} {
		err := c.g.View(t.Context(), nil)
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want one of %s", err, c.want)
		}
	}
}

func TestNewGuardRefusesOptionsOfOthers(t *testing.T) {
	defer func() {
		if r := recover(); r == nil || !strings.Contains(fmt.Sprint(r), "lock: NewGuard with a Rank") {
			t.Errorf("panicked with %v", r)
		}
	}()
	lock.NewGuard(0, lock.Rank(1))
}
