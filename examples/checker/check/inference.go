package check

import (
	"go/ast"
	"go/token"
	"path"
	"strconv"
)

// guardInference bounds the types inferred for variables: in each function it
// follows, from variable to variable by name, how large their types can be,
// and adds up the sizes of those that generic calls are instantiated with.
func (d *decls) guardInference(lim Limits) error {
	aliases := d.aliasSizes()
	g := d.collectGrowth(aliases)
	base := d.largestWritten(aliases)
	global := &flow{growth: g, base: base}
	for _, f := range d.files {
		for _, top := range f.tree.Decls {
			if gen, ok := top.(*ast.GenDecl); ok && gen.Tok == token.VAR {
				global.define(gen)
			}
		}
	}
	global.settle()
	total := 0
	for _, f := range d.files {
		std := stdGenerics(f.tree)
		if len(g) == 0 && len(std) == 0 {
			continue
		}
		for _, top := range f.tree.Decls {
			body := &flow{growth: g, base: base, std: std, outer: global.sizes}
			if fn, ok := top.(*ast.FuncDecl); ok && fn.Body != nil {
				body.define(fn.Body)
				body.settle()
			}
			body.walk(top)
			if total = plus(total, body.spent); total > 16*lim.Growth || body.largest > lim.Growth {
				return tooComplex(f.name, "inferred types grow too large", lim.Growth)
			}
		}
	}
	return nil
}

// largestWritten returns the size of the largest type that is written down
// anywhere other than as the declaration of a name of its own.
func (d *decls) largestWritten(aliases []extent) int {
	of := func(ids []int) extent { return largestOf(aliases, ids) }
	largest := 1
	for _, a := range aliases {
		largest = max(largest, a.size)
	}
	for _, f := range d.files {
		var declared ast.Node // the type that a name stands for
		ast.Inspect(f.tree, func(n ast.Node) bool {
			switch t := n.(type) {
			case *ast.TypeSpec:
				declared = t.Type
			case *ast.StructType, *ast.InterfaceType, *ast.FuncType:
				if n == declared {
					return true
				}
				largest = max(largest, d.writtenOut(f, n.(ast.Expr), of))
				return false
			case *ast.IndexExpr, *ast.IndexListExpr:
				if d.instantiates(f, n) {
					largest = max(largest, d.writtenOut(f, n.(ast.Expr), of))
					return false
				}
			}
			return true
		})
	}
	return largest
}

// stdGenerics returns the names by which a file imports standard packages
// that have generic functions. A package renamed is taken to be one.
func stdGenerics(tree *ast.File) map[string]bool {
	names := make(map[string]bool)
	for _, imp := range tree.Imports {
		p, _ := strconv.Unquote(imp.Path.Value)
		switch path.Base(p) {
		case "slices", "maps", "iter", "cmp", "sync", "atomic", "unique", "weak", "errors", "reflect", "rand":
			names[path.Base(p)] = true
		}
		if imp.Name != nil {
			names[imp.Name.Name] = true
		}
	}
	return names
}
