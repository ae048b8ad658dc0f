package check

import "math"

// An extent is how large something grows when names are replaced by what they
// stand for. It saturates, far beyond every limit.
type extent struct {
	size  int // how many parts
	depth int // how many levels
}

const saturated = math.MaxInt / 4

// plus and timesInt saturate.
func plus(a, b int) int { return min(a+b, saturated) }

func timesInt(a, b int) int {
	if a != 0 && b > saturated/a {
		return saturated
	}
	return a * b
}

// and is the extent of two things side by side.
func (e extent) and(o extent) extent {
	return extent{plus(e.size, o.size), max(e.depth, o.depth)}
}

// A measure returns the extent of one declaration, given those of the names
// in it. It asks for the same names however it is answered.
type measure func(s *spec, of func(ids []int) extent) extent

// solve measures all nodes, each after those it refers to.
func (d *decls) solve(m measure) []extent {
	refs := make([][]int, len(d.nodes))
	for i, n := range d.nodes {
		record := func(ids []int) extent {
			refs[i] = append(refs[i], ids...)
			return extent{1, 1}
		}
		for _, s := range n.specs {
			m(s, record)
		}
	}
	solved := make([]extent, len(d.nodes))
	for _, group := range components(refs) {
		if len(group) == 1 && !contains(refs[group[0]], group[0]) {
			solved[group[0]] = d.largest(group[0], m, solved)
			continue
		}
		e := d.cyclic(group, m, solved)
		for _, i := range group {
			solved[i] = e
		}
	}
	return solved
}

// largest returns the largest extent among the declarations of a node.
func (d *decls) largest(i int, m measure, solved []extent) extent {
	var most extent
	for _, s := range d.nodes[i].specs {
		e := m(s, func(ids []int) extent { return largestOf(solved, ids) })
		most = extent{max(most.size, e.size), max(most.depth, e.depth)}
	}
	return most
}

func largestOf(solved []extent, ids []int) extent {
	most := extent{}
	for _, id := range ids {
		most = extent{max(most.size, solved[id].size), max(most.depth, solved[id].depth)}
	}
	return most
}

// cyclic returns an extent that no node of a cycle exceeds. At package level
// a cycle is legal where the measure does not follow it, or an error that
// go/types finds at the first turn: each declaration counts once. Inside
// functions what looks like a cycle by name may be a spiral of shadows, in
// which each declaration multiplies the one before.
func (d *decls) cyclic(group []int, m measure, solved []extent) extent {
	inside := make(map[int]bool, len(group))
	for _, i := range group {
		inside[i] = true
	}
	sum, product := extent{}, 1
	for _, i := range group {
		for _, s := range d.nodes[i].specs {
			turns := 0
			e := m(s, func(ids []int) extent {
				outside := extent{1, 1}
				for _, id := range ids {
					if inside[id] {
						turns++
					} else {
						outside = extent{max(outside.size, solved[id].size), max(outside.depth, solved[id].depth)}
					}
				}
				return outside
			})
			sum = extent{plus(sum.size, e.size), plus(sum.depth, e.depth)}
			if s.local {
				product = timesInt(product, max(1, turns))
			}
		}
	}
	return extent{timesInt(sum.size, product), sum.depth}
}

func contains(list []int, x int) bool {
	for _, y := range list {
		if x == y {
			return true
		}
	}
	return false
}

// components returns the strongly connected components of a graph, each after
// those it points to: Tarjan's algorithm.
func components(edges [][]int) [][]int {
	var (
		groups  [][]int
		stack   []int
		index   = make([]int, len(edges)) // order of discovery, from 1
		low     = make([]int, len(edges))
		onStack = make([]bool, len(edges))
		found   int
		visit   func(int)
	)
	visit = func(v int) {
		found++
		index[v], low[v] = found, found
		stack = append(stack, v)
		onStack[v] = true
		for _, w := range edges[v] {
			if index[w] == 0 {
				visit(w)
				low[v] = min(low[v], low[w])
			} else if onStack[w] {
				low[v] = min(low[v], index[w])
			}
		}
		if low[v] != index[v] {
			return
		}
		for i := len(stack) - 1; ; i-- {
			onStack[stack[i]] = false
			if stack[i] == v {
				groups = append(groups, append([]int(nil), stack[i:]...))
				stack = stack[:i]
				return
			}
		}
	}
	for v := range edges {
		if index[v] == 0 {
			visit(v)
		}
	}
	return groups
}
