package check

import (
	"go/ast"
	"go/token"
)

// A flow follows the sizes of types through the variables of one function, or
// of all packages.
type flow struct {
	growth map[string]growth
	std    map[string]bool
	base   int            // the largest type written down
	outer  map[string]int // sizes of package-level variables

	defs  map[string][]ast.Expr // what each variable is defined from
	sizes map[string]int

	spent   int // sizes of all instances
	largest int
}

// define collects the variables defined in a tree with a type inferred.
func (w *flow) define(root ast.Node) {
	if w.defs == nil {
		w.defs = make(map[string][]ast.Expr)
	}
	from := func(names []ast.Expr, values ...ast.Expr) {
		for i, name := range names {
			id, ok := name.(*ast.Ident)
			switch {
			case !ok || id.Name == "_":
			case len(values) == len(names):
				w.defs[id.Name] = append(w.defs[id.Name], values[i])
			default:
				w.defs[id.Name] = append(w.defs[id.Name], values...)
			}
		}
	}
	ast.Inspect(root, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				from(n.Lhs, n.Rhs...)
			}
		case *ast.ValueSpec:
			for i, name := range n.Names {
				if n.Type == nil && len(n.Values) == len(n.Names) {
					from([]ast.Expr{name}, n.Values[i])
				} else if n.Type == nil {
					from([]ast.Expr{name}, n.Values...)
				}
			}
		case *ast.RangeStmt:
			if n.Tok == token.DEFINE {
				from([]ast.Expr{n.Key}, n.X)
				from([]ast.Expr{n.Value}, n.X)
			}
		}
		return true
	})
}

// settle computes the sizes of all variables, each after those it is defined
// from. Definitions in a ring, which are shadows of one another, are taken to
// grow by all growths in the ring.
func (w *flow) settle() {
	w.sizes = make(map[string]int)
	var names []string
	index := make(map[string]int)
	for name := range w.defs {
		index[name] = len(names)
		names = append(names, name)
	}
	edges := make([][]int, len(names))
	for i, name := range names {
		for _, e := range w.defs[name] {
			ast.Inspect(e, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok {
					if j, ok := index[id.Name]; ok {
						edges[i] = append(edges[i], j)
					}
				}
				return true
			})
		}
	}
	for _, group := range components(edges) {
		size := 1
		if len(group) > 1 || contains(edges[group[0]], group[0]) {
			size = w.ring(group, names)
		} else {
			for _, e := range w.defs[names[group[0]]] {
				size = max(size, w.size(e))
			}
		}
		for _, i := range group {
			w.sizes[names[i]] = size
		}
	}
	w.spent, w.largest = 0, 0 // counted when walked
}

// ring returns the largest size in a ring of definitions.
func (w *flow) ring(group []int, names []string) int {
	size, all := 1, growth{1, 0}
	for _, i := range group {
		for _, e := range w.defs[names[i]] {
			size = plus(size, w.size(e))
			ast.Inspect(e, func(n ast.Node) bool {
				var g growth
				switch n := n.(type) {
				case *ast.Ident:
					g = w.growth[n.Name]
				case *ast.SelectorExpr:
					g = w.growth["."+n.Sel.Name]
				}
				all = growth{timesInt(all.times, max(1, g.times)), plus(all.plus, g.plus)}
				return true
			})
		}
	}
	return plus(timesInt(size, all.times), timesInt(all.plus, all.times))
}

// walk adds up the instances in a tree.
func (w *flow) walk(root ast.Node) {
	ast.Inspect(root, func(n ast.Node) bool {
		if e, ok := n.(ast.Expr); ok {
			w.size(e)
			return false
		}
		return true
	})
}

// size returns how large the type of an expression can be, and counts the
// instances in it.
func (w *flow) size(e ast.Expr) int {
	switch e := e.(type) {
	case nil:
		return 1
	case *ast.Ident:
		if n, ok := w.sizes[e.Name]; ok {
			return n
		}
		return max(w.base, w.outer[e.Name])
	case *ast.ParenExpr:
		return w.size(e.X)
	case *ast.StarExpr:
		return w.size(e.X)
	case *ast.UnaryExpr:
		return plus(w.size(e.X), 1)
	case *ast.BinaryExpr:
		return max(w.size(e.X), w.size(e.Y))
	case *ast.SliceExpr:
		return w.size(e.X)
	case *ast.IndexExpr:
		w.size(e.Index)
		return w.size(e.X)
	case *ast.IndexListExpr:
		return w.size(e.X)
	case *ast.TypeAssertExpr:
		return max(w.base, w.size(e.X))
	case *ast.SelectorExpr:
		return w.selector(e)
	case *ast.CallExpr:
		return w.call(e)
	case *ast.FuncLit:
		w.walk(e.Body)
	case *ast.CompositeLit:
		for _, elt := range e.Elts {
			w.size(elt)
		}
	case *ast.KeyValueExpr:
		w.size(e.Key)
		w.size(e.Value)
	}
	return w.base // a type written down
}

// selector is the size of a field, method or imported name.
func (w *flow) selector(e *ast.SelectorExpr) int {
	size := max(w.size(e.X), w.outer[e.Sel.Name])
	if x, ok := e.X.(*ast.Ident); ok && w.std[x.Name] {
		return w.instantiate(size, growth{1, 0})
	}
	for _, name := range []string{e.Sel.Name, "." + e.Sel.Name} {
		if g, ok := w.growth[name]; ok {
			size = w.instantiate(size, g)
		}
	}
	return size
}

// call is the size of what a call returns.
func (w *flow) call(e *ast.CallExpr) int {
	size := 1
	for _, arg := range e.Args {
		size = max(size, w.size(arg))
	}
	fun := ast.Unparen(e.Fun)
	switch x := fun.(type) {
	case *ast.IndexExpr:
		fun = x.X
	case *ast.IndexListExpr:
		fun = x.X
	}
	switch fun := fun.(type) {
	case *ast.Ident:
		if g, ok := w.growth[fun.Name]; ok {
			return w.instantiate(size, g)
		}
		return plus(max(size, w.size(fun)), 1) // of new, append, a conversion
	case *ast.SelectorExpr:
		// Its growth applies to the arguments as well as to the receiver.
		for _, name := range []string{fun.Sel.Name, "." + fun.Sel.Name} {
			if g, ok := w.growth[name]; ok {
				return max(w.instantiate(size, g), w.selector(fun))
			}
		}
		if x, ok := fun.X.(*ast.Ident); ok && w.std[x.Name] {
			return w.instantiate(size, growth{1, 1})
		}
	}
	return max(size, w.size(fun))
}

// instantiate counts an instance for a type and returns what it grows to.
func (w *flow) instantiate(size int, g growth) int {
	size = plus(timesInt(size, g.times), g.plus)
	w.spent = plus(w.spent, size)
	w.largest = max(w.largest, size)
	return size
}
