package check

import "go/ast"

// guardTypes bounds types by value: go/types walks each declared type down to
// its last field, remembering nothing, and each method set is written out.
func (d *decls) guardTypes(lim Limits) error {
	byValue := func(s *spec, of func([]int) extent) extent {
		if s.typ == nil {
			return extent{}
		}
		e := d.byValue(s.file, s.typ.Type, of)
		return extent{e.size, e.depth + 1}
	}
	solved := d.solve(byValue)
	total := 0
	for i, n := range d.nodes {
		total = plus(total, timesInt(solved[i].size, len(n.specs)))
		switch {
		case solved[i].depth > lim.Nesting:
			return tooComplex(n.where(), "types contain one another too deep", lim.Nesting)
		case total > lim.Growth:
			return tooComplex(n.where(), "types contain too many fields and methods", lim.Growth)
		}
	}
	return d.guardInstances(solved, total, lim)
}

// guardInstances adds the types instantiated anywhere, each of which is walked
// as the declared ones are. And since a pass may walk the type of each value
// copied, it bounds the largest type times the places where values are.
func (d *decls) guardInstances(solved []extent, total int, lim Limits) error {
	of := func(ids []int) extent { return largestOf(solved, ids) }
	largest, copies := 1, 0
	for _, e := range solved {
		largest = max(largest, e.size)
	}
	for _, f := range d.files {
		ast.Inspect(f.tree, func(n ast.Node) bool {
			copies += copiesIn(n)
			if d.instantiates(f, n) {
				size := d.byValue(f, n.(ast.Expr), of).size
				total = plus(total, size)
				largest = max(largest, size)
			}
			return total <= lim.Growth
		})
		switch {
		case total > lim.Growth:
			return tooComplex(f.name, "instantiated types contain too many fields", lim.Growth)
		case timesInt(largest, copies) > timesInt(64, lim.Growth):
			return tooComplex(f.name, "too large a type among so many copies, in all", timesInt(64, lim.Growth))
		}
	}
	return nil
}

// copiesIn returns how many values a node may copy, those in its children not
// counted.
func copiesIn(n ast.Node) int {
	switch n := n.(type) {
	case *ast.AssignStmt:
		return len(n.Rhs)
	case *ast.ValueSpec:
		return len(n.Values)
	case *ast.ReturnStmt:
		return len(n.Results)
	case *ast.CallExpr:
		return len(n.Args) + 1
	case *ast.CompositeLit:
		return len(n.Elts)
	case *ast.RangeStmt:
		return 2
	case *ast.FuncType:
		return n.Params.NumFields() + n.Results.NumFields()
	}
	return 0
}

// instantiates reports whether n may be a type argument list applied to a
// type of this source.
func (d *decls) instantiates(f *scopedFile, n ast.Node) bool {
	var generic ast.Expr
	switch n := n.(type) {
	case *ast.IndexExpr:
		generic = n.X
	case *ast.IndexListExpr:
		generic = n.X
	default:
		return false
	}
	for _, id := range d.lookup(f, ast.Unparen(generic)) {
		for _, s := range d.nodes[id].specs {
			if s.typ != nil && s.typ.TypeParams != nil {
				return true
			}
		}
	}
	return false
}

// byValue returns the extent of a type, not following pointers.
func (d *decls) byValue(f *scopedFile, e ast.Expr, of func([]int) extent) extent {
	switch e := e.(type) {
	case *ast.Ident, *ast.SelectorExpr:
		return d.named(f, e, of)
	case *ast.ParenExpr:
		return d.byValue(f, e.X, of)
	case *ast.UnaryExpr: // ~T
		return d.byValue(f, e.X, of)
	case *ast.BinaryExpr: // T | U
		return d.byValue(f, e.X, of).and(d.byValue(f, e.Y, of))
	case *ast.ArrayType:
		if e.Len != nil {
			return d.byValue(f, e.Elt, of)
		}
	case *ast.StructType:
		return d.fields(f, e.Fields, of)
	case *ast.InterfaceType:
		return d.fields(f, e.Methods, of)
	case *ast.IndexExpr:
		return product(d.byValue(f, e.X, of), d.byValue(f, e.Index, of))
	case *ast.IndexListExpr:
		args := extent{}
		for _, arg := range e.Indices {
			args = args.and(d.byValue(f, arg, of))
		}
		return product(d.byValue(f, e.X, of), args)
	}
	return extent{1, 0}
}

func (d *decls) fields(f *scopedFile, list *ast.FieldList, of func([]int) extent) extent {
	all := extent{1, 0}
	for _, field := range list.List {
		e := d.byValue(f, field.Type, of)
		all = all.and(extent{timesInt(e.size, max(1, len(field.Names))), e.depth})
	}
	return all
}

// named returns the extent of a name, at least that of an imported one.
func (d *decls) named(f *scopedFile, e ast.Expr, of func([]int) extent) extent {
	x := of(d.lookup(f, e))
	return extent{max(1, x.size), x.depth}
}

// product is the extent of a generic type whose type arguments are args: each
// of its parts may be a type parameter.
func product(generic, args extent) extent {
	return extent{timesInt(generic.size, max(1, args.size)), plus(generic.depth, args.depth)}
}
