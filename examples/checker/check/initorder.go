package check

import (
	"cmp"
	"go/ast"
	"go/token"
	"slices"
)

// guardInitOrder bounds the graph from which go/types finds the order of
// initialization. It takes functions out of the graph by joining whatever
// uses each to whatever it uses: five thousand variables on either side of one
// function make twenty-five million edges. So do the same here, by name, and
// stop in time.
func (d *decls) guardInitOrder(units []*unit, lim Limits) error {
	for _, u := range units {
		g := d.initGraph(u)
		if edges := g.removeFunctions(lim.Growth); edges > lim.Growth {
			return tooComplex(u.path, "too many initialization dependencies", lim.Growth)
		}
	}
	return nil
}

// An initGraph has a vertex for each name in a package that initialization
// may depend on.
type initGraph struct {
	isFunc     []bool
	pred, succ []map[int32]bool
	edges      int
}

// initGraph builds the graph of one unit.
func (d *decls) initGraph(u *unit) *initGraph {
	g := new(initGraph)
	vertex := make(map[int]int32) // by node
	of := func(id int) int32 {
		v, ok := vertex[id]
		if !ok {
			v = int32(len(g.isFunc))
			vertex[id] = v
			g.isFunc = append(g.isFunc, d.nodes[id].isFunc())
			g.pred = append(g.pred, nil)
			g.succ = append(g.succ, nil)
		}
		return v
	}
	for id, n := range d.nodes {
		if n.key.unit != u {
			continue
		}
		for _, s := range n.specs {
			if s.local || s.typ != nil {
				continue
			}
			for _, root := range s.all() {
				d.eachUse(s.file, root, func(used int) {
					if d.nodes[used].isDependency() {
						g.connect(of(id), of(used))
					}
				})
			}
		}
	}
	return g
}

// eachUse calls yield for each name of the package used in a tree, function
// bodies and all.
func (d *decls) eachUse(f *scopedFile, root ast.Node, yield func(id int)) {
	ast.Inspect(root, func(n ast.Node) bool {
		name := ""
		switch n := n.(type) {
		case *ast.Ident:
			name = n.Name
		case *ast.SelectorExpr:
			name = "." + n.Sel.Name
		default:
			return true
		}
		if id, ok := d.byKey[declKey{f.unit, name}]; ok {
			yield(id)
		}
		return true
	})
}

// all returns everything a declaration's initialization may depend on.
func (s *spec) all() []ast.Node {
	if s.body != nil {
		return []ast.Node{s.body}
	}
	if s.sig != nil {
		return nil
	}
	return s.roots()
}

// isFunc reports whether a name is that of a function or method.
func (n *node) isFunc() bool {
	return slices.ContainsFunc(n.specs, func(s *spec) bool { return s.sig != nil })
}

// isDependency reports whether a name is that of a function, or a variable or
// constant of the package.
func (n *node) isDependency() bool {
	return slices.ContainsFunc(n.specs, func(s *spec) bool {
		return s.sig != nil || !s.local && (s.tok == token.VAR || s.tok == token.CONST)
	})
}

func (g *initGraph) connect(from, to int32) {
	if g.succ[from][to] {
		return
	}
	if g.succ[from] == nil {
		g.succ[from] = make(map[int32]bool)
	}
	if g.pred[to] == nil {
		g.pred[to] = make(map[int32]bool)
	}
	g.succ[from][to] = true
	g.pred[to][from] = true
	g.edges++
}

// removeFunctions takes functions out, cheapest first as go/types does, until
// more than limit edges have been made. It returns how many were.
func (g *initGraph) removeFunctions(limit int) int {
	var funcs []int32
	for v, is := range g.isFunc {
		if is {
			funcs = append(funcs, int32(v))
		}
	}
	cost := func(v int32) int { return len(g.pred[v]) * len(g.succ[v]) }
	slices.SortStableFunc(funcs, func(a, b int32) int { return cmp.Compare(cost(a), cost(b)) })
	for _, v := range funcs {
		// Of the edges to make, at most g.edges are there already.
		if made := timesInt(max(0, len(g.pred[v])-1), max(0, len(g.succ[v])-1)); made > plus(limit, g.edges) {
			return made
		}
		for p := range g.pred[v] {
			if p == v {
				continue
			}
			for s := range g.succ[v] {
				if s != v {
					g.connect(p, s)
				}
			}
			delete(g.succ[p], v)
			if g.edges > limit {
				return g.edges
			}
		}
		for s := range g.succ[v] {
			delete(g.pred[s], v)
		}
		g.pred[v], g.succ[v] = nil, nil
	}
	return g.edges
}
