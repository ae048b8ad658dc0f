package check

import "go/ast"

// guardAliases bounds types that have no name of their own: an alias stands
// for its type, written out in messages, keys and comparisons.
func (d *decls) guardAliases(lim Limits) error {
	solved := d.aliasSizes()
	total := 0
	for i, n := range d.nodes {
		if solved[i].size > 1 {
			total = plus(total, timesInt(solved[i].size, len(n.specs)))
		}
		if total > lim.Growth {
			return tooComplex(n.where(), "alias stands for too large a type", lim.Growth)
		}
	}
	return nil
}

// aliasSizes returns how many names each alias stands for, and one for what is
// not an alias.
func (d *decls) aliasSizes() []extent {
	return d.solve(func(s *spec, of func([]int) extent) extent {
		if s.typ == nil || !s.typ.Assign.IsValid() {
			return extent{size: 1}
		}
		return extent{size: d.writtenOut(s.file, s.typ.Type, of)}
	})
}

// writtenOut returns how many names a type is made of once aliases are
// replaced.
func (d *decls) writtenOut(f *scopedFile, root ast.Expr, of func([]int) extent) int {
	size := 0
	ast.Inspect(root, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			size = plus(size, d.named(f, n, of).size)
		case *ast.SelectorExpr:
			size = plus(size, d.named(f, n, of).size)
			return false
		case *ast.Field:
			size = plus(size, timesInt(d.writtenOut(f, n.Type, of), max(1, len(n.Names))))
			return false
		case *ast.IndexExpr:
			size = plus(size, timesInt(d.writtenOut(f, n.X, of), d.writtenOut(f, n.Index, of)))
			return false
		case *ast.IndexListExpr:
			args := 0
			for _, arg := range n.Indices {
				args = plus(args, d.writtenOut(f, arg, of))
			}
			size = plus(size, timesInt(d.writtenOut(f, n.X, of), args))
			return false
		}
		return true
	})
	return size
}
