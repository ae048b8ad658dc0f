package check

import (
	"go/types"
	"math"
	"runtime"
)

// sizes computes the sizes of types as types.SizesFor does, remembering them.
// The original visits each field of a struct more than once, so that a chain
// of forty nested structs takes it the age of the universe.
type sizes struct {
	plain types.Sizes // for types without elements
	known map[types.Type]layout
}

// A layout is the size and alignment of a type; size is -1 if it is too large
// to say.
type layout struct{ size, align int64 }

func newSizes() *sizes {
	return &sizes{types.SizesFor("gc", runtime.GOARCH), make(map[types.Type]layout)}
}

// Sizeof implements types.Sizes.
func (s *sizes) Sizeof(t types.Type) int64 { return s.layout(t).size }

// Alignof implements types.Sizes.
func (s *sizes) Alignof(t types.Type) int64 { return s.layout(t).align }

// Offsetsof implements types.Sizes.
func (s *sizes) Offsetsof(fields []*types.Var) []int64 {
	offsets, _, _ := s.place(fields)
	return offsets
}

func (s *sizes) layout(t types.Type) layout {
	if l, ok := s.known[t]; ok {
		return l
	}
	var l layout
	switch u := t.Underlying().(type) {
	case *types.Array:
		elem := s.layout(u.Elem())
		l = layout{times(elem.size, u.Len()), elem.align}
	case *types.Struct:
		l = s.structLayout(t, u)
	default:
		l = layout{s.plain.Sizeof(t), s.plain.Alignof(t)}
	}
	s.known[t] = l
	return l
}

func (s *sizes) structLayout(t types.Type, u *types.Struct) layout {
	if u.NumFields() == 0 {
		if isAlign64(t) {
			return layout{0, 8}
		}
		return layout{0, 1}
	}
	fields := make([]*types.Var, u.NumFields())
	for i := range fields {
		fields[i] = u.Field(i)
	}
	_, end, align := s.place(fields)
	// A pointer past a last field of no size must stay inside the struct.
	if last := s.layout(fields[len(fields)-1].Type()); last.size == 0 && end > 0 {
		end++
	}
	return layout{roundUp(end, align), align}
}

// place lays out fields one after another. What begins or ends too far is at
// -1.
func (s *sizes) place(fields []*types.Var) (offsets []int64, end, align int64) {
	offsets = make([]int64, len(fields))
	align = 1
	for i, f := range fields {
		l := s.layout(f.Type())
		align = max(align, l.align)
		end = roundUp(end, l.align)
		offsets[i] = end
		if end < 0 || l.size < 0 || end > math.MaxInt64-l.size {
			end = -1
		} else {
			end += l.size
		}
	}
	return offsets, end, align
}

// times returns size*n, or -1 if it is too large.
func times(size, n int64) int64 {
	switch {
	case n <= 0 || size == 0:
		return 0
	case size < 0 || size > math.MaxInt64/n:
		return -1
	}
	return size * n
}

// roundUp returns the least multiple of align not below n, or -1.
func roundUp(n, align int64) int64 {
	if n < 0 || n > math.MaxInt64-align {
		return -1
	}
	return (n + align - 1) / align * align
}

// isAlign64 recognizes the empty struct by which sync/atomic asks for 64-bit
// alignment.
func isAlign64(t types.Type) bool {
	named, ok := types.Unalias(t).(*types.Named)
	if !ok || named.Obj().Name() != "align64" || named.Obj().Pkg() == nil {
		return false
	}
	path := named.Obj().Pkg().Path()
	return path == "sync/atomic" || path == "internal/runtime/atomic"
}
