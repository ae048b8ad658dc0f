package check

import "go/ast"

// guardEmbedding bounds the search for a field or method, which goes through
// all that is embedded, pointers followed, at each selector.
func (d *decls) guardEmbedding(lim Limits) error {
	solved := d.solve(func(s *spec, of func([]int) extent) extent {
		if s.typ == nil {
			return extent{}
		}
		e := d.embedded(s.file, s.typ.Type, of)
		return extent{e.size, e.depth + 1}
	})
	largest := 0
	for i, n := range d.nodes {
		if solved[i].depth > lim.Nesting {
			return tooComplex(n.where(), "types embed one another too deep", lim.Nesting)
		}
		largest = max(largest, solved[i].size)
	}
	selectors := 0
	for _, f := range d.files {
		ast.Inspect(f.tree, func(n ast.Node) bool {
			if _, ok := n.(*ast.SelectorExpr); ok {
				selectors++
			}
			return true
		})
		if timesInt(largest, selectors) > timesInt(64, lim.Growth) {
			return tooComplex(f.name, "too much embedded in a type among so many selectors, in all", timesInt(64, lim.Growth))
		}
	}
	return nil
}

// embedded returns the extent of what a selector may have to look through.
func (d *decls) embedded(f *scopedFile, e ast.Expr, of func([]int) extent) extent {
	switch e := e.(type) {
	case *ast.Ident, *ast.SelectorExpr:
		return d.named(f, e, of)
	case *ast.ParenExpr:
		return d.embedded(f, e.X, of)
	case *ast.StarExpr:
		return d.embedded(f, e.X, of)
	case *ast.IndexExpr:
		return d.embedded(f, e.X, of)
	case *ast.IndexListExpr:
		return d.embedded(f, e.X, of)
	case *ast.StructType:
		all := extent{1, 0}
		for _, field := range e.Fields.List {
			if len(field.Names) > 0 {
				all.size = plus(all.size, len(field.Names))
			} else {
				all = all.and(d.embedded(f, field.Type, of))
			}
		}
		return all
	}
	return extent{1, 0}
}
