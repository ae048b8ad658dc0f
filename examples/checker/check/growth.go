package check

import (
	"go/ast"
	"go/token"
)

// A growth is what naming a generic function, method or field can do to the
// size of a type: multiply and add. Twenty lines of
//
//	func pair[T any](x T) struct{ a, b T }
//	x1 := pair(x0)
//	x2 := pair(x1)
//	...
//
// infer a type of a million parts, which go/types writes out as the key of
// each instance.
type growth struct{ times, plus int }

// collectGrowth finds the growth of everything generic that a source
// declares. Methods and fields are named with a dot before.
func (d *decls) collectGrowth(aliases []extent) map[string]growth {
	all := make(map[string]growth)
	for _, f := range d.files {
		c := counter{d, f, func(ids []int) extent { return largestOf(aliases, ids) }}
		for _, top := range f.tree.Decls {
			switch top := top.(type) {
			case *ast.FuncDecl:
				c.ofFunc(top, all)
			case *ast.GenDecl:
				for _, s := range top.Specs {
					if s, ok := s.(*ast.TypeSpec); ok && s.TypeParams != nil {
						c.ofType(s, all)
					}
				}
			}
		}
	}
	return all
}

// A counter counts how often type parameters occur in types.
type counter struct {
	d     *decls
	file  *scopedFile
	alias func(ids []int) extent
}

// ofFunc adds the growth of a generic function or of a method of a generic
// type.
func (c counter) ofFunc(f *ast.FuncDecl, all map[string]growth) {
	if f.Type.Results == nil {
		return
	}
	if f.Recv != nil && len(f.Recv.List) > 0 {
		c.perParam(receiverParams(f.Recv.List[0].Type), f.Type.Results, "."+f.Name.Name, all)
		return
	}
	if f.Type.TypeParams == nil {
		return
	}
	params := c.weigh(f.Type.TypeParams)
	g := growth{1, 0}
	for _, r := range f.Type.Results.List {
		// Different parameters may be inferred from the same argument.
		in, other := c.occurrences(r.Type, params)
		g = largerGrowth(g, growth{max(1, in), other})
	}
	all[f.Name.Name] = largerGrowth(all[f.Name.Name], g)
}

// ofType adds the growth of the fields and methods in a generic type.
func (c counter) ofType(s *ast.TypeSpec, all map[string]growth) {
	var params []string
	for _, field := range s.TypeParams.List {
		for _, name := range field.Names {
			params = append(params, name.Name)
		}
	}
	ast.Inspect(s.Type, func(n ast.Node) bool {
		field, ok := n.(*ast.Field)
		if !ok {
			return true
		}
		list := &ast.FieldList{List: []*ast.Field{field}}
		for _, name := range field.Names {
			c.perParam(params, list, "."+name.Name, all)
		}
		if len(field.Names) == 0 {
			c.perParam(params, list, "."+baseName(field.Type), all)
		}
		return true
	})
}

// perParam adds the growth from a generic type to a type written in it, in
// terms of each type parameter alone: the generic type has one of each.
func (c counter) perParam(params []string, types *ast.FieldList, name string, all map[string]growth) {
	if len(params) == 0 {
		return
	}
	g := growth{1, 0}
	for _, t := range types.List {
		for _, p := range params {
			in, other := c.occurrences(elemType(t.Type), map[string]int{p: 1})
			if in > 0 {
				g = largerGrowth(g, growth{in, max(0, other-1)})
			}
		}
	}
	all[name] = largerGrowth(all[name], g)
}

// weigh returns how much each type parameter counts: more than one if its
// constraint lets go/types infer it as a type made of others.
func (c counter) weigh(list *ast.FieldList) map[string]int {
	weights := make(map[string]int)
	for _, field := range list.List {
		for _, name := range field.Names {
			weights[name.Name] = 1
		}
	}
	for range weights { // constraints may refer forward
		for _, field := range list.List {
			in, _ := c.constraint(field.Type, weights)
			for _, name := range field.Names {
				weights[name.Name] = max(weights[name.Name], in)
			}
		}
	}
	return weights
}

// constraint counts type parameters in a constraint, except behind a tilde:
// from those nothing is inferred that was not an argument already.
func (c counter) constraint(e ast.Expr, weights map[string]int) (in, other int) {
	if u, ok := e.(*ast.UnaryExpr); ok && u.Op == token.TILDE {
		return 0, 0
	}
	if i, ok := e.(*ast.InterfaceType); ok {
		for _, m := range i.Methods.List {
			n, o := c.constraint(m.Type, weights)
			in, other = plus(in, n), plus(other, o)
		}
		return in, other
	}
	in, other = c.occurrences(e, weights)
	if in > 0 {
		// A named constraint may use its type arguments any number of times.
		in = timesInt(in, c.generic(e))
	}
	return in, other
}

// generic returns how many names the declaration of an instantiated type
// holds.
func (c counter) generic(e ast.Expr) int {
	n := 1
	ast.Inspect(e, func(x ast.Node) bool {
		id, ok := x.(*ast.Ident)
		if !ok {
			return true
		}
		for _, node := range c.d.lookup(c.file, id) {
			for _, s := range c.d.nodes[node].specs {
				if s.typ == nil || s.typ.TypeParams == nil {
					continue
				}
				names := 0
				ast.Inspect(s.typ.Type, func(y ast.Node) bool {
					if _, ok := y.(*ast.Ident); ok {
						names++
					}
					return true
				})
				n = timesInt(n, max(1, names))
			}
		}
		return true
	})
	return n
}

// occurrences counts, in a type with its aliases replaced, the type
// parameters by weight and everything else.
func (c counter) occurrences(e ast.Expr, weights map[string]int) (in, other int) {
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			if w, ok := weights[n.Name]; ok {
				in = plus(in, w)
			} else {
				other = plus(other, max(1, c.alias(c.d.lookup(c.file, n)).size))
			}
		case *ast.SelectorExpr:
			other = plus(other, max(1, c.alias(c.d.lookup(c.file, n)).size))
			return false
		case *ast.Field:
			i, o := c.occurrences(n.Type, weights)
			names := max(1, len(n.Names))
			in, other = plus(in, timesInt(i, names)), plus(other, timesInt(o, names))
			return false
		case *ast.IndexExpr:
			in, other = c.instance(n.X, []ast.Expr{n.Index}, weights, in, other)
			return false
		case *ast.IndexListExpr:
			in, other = c.instance(n.X, n.Indices, weights, in, other)
			return false
		case *ast.StarExpr, *ast.ArrayType, *ast.MapType, *ast.ChanType, *ast.FuncType:
			other = plus(other, 1)
		}
		return true
	})
	return in, other
}

// instance adds the occurrences in generic[args] to in and other.
func (c counter) instance(generic ast.Expr, args []ast.Expr, weights map[string]int, in, other int) (int, int) {
	size := max(1, c.alias(c.d.lookup(c.file, generic)).size)
	other = plus(other, size)
	for _, arg := range args {
		i, o := c.occurrences(arg, weights)
		in, other = plus(in, timesInt(i, size)), plus(other, timesInt(o, size))
	}
	return in, other
}

func largerGrowth(a, b growth) growth {
	return growth{max(a.times, b.times, 1), max(a.plus, b.plus)}
}

// receiverParams returns the type parameters that a receiver type names.
func receiverParams(e ast.Expr) (names []string) {
	if star, ok := ast.Unparen(e).(*ast.StarExpr); ok {
		e = star.X
	}
	var args []ast.Expr
	switch e := ast.Unparen(e).(type) {
	case *ast.IndexExpr:
		args = []ast.Expr{e.Index}
	case *ast.IndexListExpr:
		args = e.Indices
	}
	for _, arg := range args {
		if id, ok := arg.(*ast.Ident); ok {
			names = append(names, id.Name)
		}
	}
	return names
}

// elemType strips what selecting, indexing and ranging strip too.
func elemType(e ast.Expr) ast.Expr {
	switch t := e.(type) {
	case *ast.StarExpr:
		return elemType(t.X)
	case *ast.ArrayType:
		return elemType(t.Elt)
	case *ast.ParenExpr:
		return elemType(t.X)
	}
	return e
}

// baseName returns the name by which an embedded type is selected.
func baseName(e ast.Expr) string {
	switch t := e.(type) {
	case *ast.Ident:
		return t.Name
	case *ast.StarExpr:
		return baseName(t.X)
	case *ast.ParenExpr:
		return baseName(t.X)
	case *ast.SelectorExpr:
		return t.Sel.Name
	case *ast.IndexExpr:
		return baseName(t.X)
	case *ast.IndexListExpr:
		return baseName(t.X)
	}
	return ""
}
