package check

import (
	"go/ast"
	"go/token"
)

// guardConstants bounds constant strings, declared or concatenated in place.
func (d *decls) guardConstants(lim Limits) error {
	solved := d.solve(func(s *spec, of func([]int) extent) extent {
		size := 0
		if s.tok == token.CONST {
			for _, e := range s.exprs {
				size = plus(size, d.constantSize(s.file, e, of))
			}
		}
		return extent{size: size}
	})
	total := 0
	for i, n := range d.nodes {
		if total = plus(total, solved[i].size); total > lim.Growth {
			return tooComplex(n.where(), "constant strings too long in all", lim.Growth)
		}
	}
	of := func(ids []int) extent { return largestOf(solved, ids) }
	for _, f := range d.files {
		ast.Inspect(f.tree, func(n ast.Node) bool {
			if sum, ok := n.(*ast.BinaryExpr); ok && sum.Op == token.ADD {
				total = plus(total, d.constantSize(f, sum, of))
				return false
			}
			return true
		})
		if total > lim.Growth {
			return tooComplex(f.name, "concatenated constants too long in all", lim.Growth)
		}
	}
	return nil
}

// constantSize returns the bytes of all string literals and named constants
// in an expression.
func (d *decls) constantSize(f *scopedFile, root ast.Expr, of func([]int) extent) int {
	size := 0
	ast.Inspect(root, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			if n.Kind == token.STRING {
				size = plus(size, len(n.Value))
			}
		case *ast.Ident:
			size = plus(size, of(d.lookup(f, n)).size)
		case *ast.SelectorExpr:
			size = plus(size, of(d.lookup(f, n)).size)
		}
		return true
	})
	return size
}
