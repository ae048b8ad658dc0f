package check_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"unsafe"
)

type (
	empty  struct{}
	padded struct {
		A byte
		B int64
		C byte
	}
	tail struct {
		A int32
		B struct{}
	}
	nested struct {
		A byte
		B padded
		C [3]tail
	}
	words struct {
		A *nested
		B []byte
		C string
		D any
		E map[int]int
		F func()
		G chan int
		H complex64
		I [0]int64
	}
	atomics struct {
		A byte
		B atomic.Int64
		C atomic.Bool
	}
)

const sameTypes = `package p
import ("sync/atomic"; "unsafe")
type (
	empty   struct{}
	padded  struct { A byte; B int64; C byte }
	tail    struct { A int32; B struct{} }
	nested  struct { A byte; B padded; C [3]tail }
	words   struct { A *nested; B []byte; C string; D any; E map[int]int; F func(); G chan int; H complex64; I [0]int64 }
	atomics struct { A byte; B atomic.Int64; C atomic.Bool }
)
`

// TestSizesAreThoseOfTheCompiler compares what go/types is told with what the
// compiler made of this program.
func TestSizesAreThoseOfTheCompiler(t *testing.T) {
	var b strings.Builder
	b.WriteString(sameTypes)
	for _, c := range []struct {
		expr string
		want uintptr
	}{
		{"Sizeof(empty{})", unsafe.Sizeof(empty{})},
		{"Sizeof(padded{})", unsafe.Sizeof(padded{})},
		{"Sizeof(tail{})", unsafe.Sizeof(tail{})},
		{"Sizeof(nested{})", unsafe.Sizeof(nested{})},
		{"Sizeof(words{})", unsafe.Sizeof(words{})},
		{"Sizeof(atomics{})", unsafe.Sizeof(atomics{})},
		{"Sizeof([7]nested{})", unsafe.Sizeof([7]nested{})},
		{"Alignof(nested{})", unsafe.Alignof(nested{})},
		{"Alignof(words{})", unsafe.Alignof(words{})},
		{"Offsetof(padded{}.C)", unsafe.Offsetof(padded{}.C)},
		{"Offsetof(nested{}.C)", unsafe.Offsetof(nested{}.C)},
		{"Offsetof(words{}.I)", unsafe.Offsetof(words{}.I)},
		{"Offsetof(atomics{}.C)", unsafe.Offsetof(atomics{}.C)},
	} {
		fmt.Fprintf(&b, "var _ [unsafe.%s]int = [%d]int{}\n", c.expr, c.want)
	}
	rep, err := checkFile(t, b.String())
	if err != nil {
		t.Fatal(err)
	}
	if got := found(rep); got != "" {
		t.Errorf("got\n%s", got)
	}
}
