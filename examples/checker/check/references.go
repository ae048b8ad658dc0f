package check

import "go/ast"

// guardReferences bounds the stack. To check a declaration at package level
// go/types first checks those it refers to, from where it refers to them;
// only function bodies wait.
func (d *decls) guardReferences(lim Limits) error {
	solved := d.solve(func(s *spec, of func([]int) extent) extent {
		if s.local {
			return extent{}
		}
		deepest := 0
		follow := func(level int, ids []int) {
			deepest = max(deepest, plus(level, of(ids).depth))
		}
		for _, root := range s.roots() {
			d.eachReference(s.file, root, follow)
		}
		return extent{depth: deepest + 1}
	})
	for i, e := range solved {
		if e.depth > lim.References {
			return tooComplex(d.nodes[i].where(), "declarations refer to one another too deep", lim.References)
		}
	}
	return nil
}

// roots returns the expressions that go/types checks on first use of a name.
func (s *spec) roots() []ast.Node {
	switch {
	case s.typ != nil:
		return []ast.Node{s.typ}
	case s.sig != nil:
		return []ast.Node{s.sig}
	}
	roots := make([]ast.Node, len(s.exprs))
	for i, e := range s.exprs {
		roots[i] = e
	}
	return roots
}

// eachReference calls follow for each name used in a tree, with its level in
// it. Function bodies are left out.
func (d *decls) eachReference(f *scopedFile, root ast.Node, follow func(level int, ids []int)) {
	level := 0
	var visit func(ast.Node) bool
	visit = func(n ast.Node) bool {
		if n == nil {
			level--
			return true
		}
		switch n := n.(type) {
		case *ast.BlockStmt:
			return false
		case *ast.Field: // its names are declared, not used
			ast.Inspect(n.Type, visit)
			return false
		case *ast.Ident:
			follow(level+1, d.find(nil, f.unit, n.Name))
		case *ast.SelectorExpr:
			follow(level+1, d.find(nil, f.unit, "."+n.Sel.Name))
			ast.Inspect(n.X, visit)
			return false
		}
		level++
		return true
	}
	ast.Inspect(root, visit)
}
