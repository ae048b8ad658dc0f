package hem_test

import (
	"fmt"
	"slices"
	"strings"
)

// graphImporters may import internal/graph directly; everyone else builds on
// exported names.
var graphImporters = []string{
	"scope", "lock", "pipe", "actor", "pool", "proc", "job", "inspect", "schedtest",
	"internal/turns",
}

// A unit is a package as the floors see it. Paths are full import paths.
type unit struct {
	path    string
	imports []string // by production files
	tests   []string // by the other files
}

// unitsOf forgets everything about a tree but who imports whom.
func unitsOf(tree []*pkg) []unit {
	var units []unit
	for _, p := range tree {
		units = append(units, unit{p.path, importsOf(p.files), importsOf(p.tests)})
	}
	return units
}

// judge holds units to the table and to the sentences of design note 0001,
// and returns a complaint for each import, or package, that breaks one.
func judge(f *floors, units []unit) []string {
	var complaints []string
	for _, u := range units {
		complaints = slices.Concat(complaints, judgeServants(u))
		if !released(u.path) {
			continue
		}
		complaints = slices.Concat(complaints,
			judgeFloor(f, u), judgeGraph(u), judgeTesting(u), judgeStandard(u), judgeNATS(u))
	}
	return slices.Concat(complaints, judgeReach(f, units))
}

// judgeFloor holds one package's imports against the table.
func judgeFloor(f *floors, u unit) (complaints []string) {
	name := short(u.path)
	under, known := f.below[name]
	if u.path == hemPath {
		known = true // the tour is on no floor, and so has nothing beneath it
	}
	if !known {
		return []string{name + " is not in the table of floors"}
	}
	for _, imp := range u.imports {
		if isHem(imp) && !under[short(imp)] {
			complaints = append(complaints, fmt.Sprintf("%s imports %s, which is not on a floor below it", name, short(imp)))
		}
	}
	return complaints
}

// judgeGraph keeps the mechanism to those whose business it is.
func judgeGraph(u unit) []string {
	const graph = hemPath + "/internal/graph"
	if !slices.Contains(u.imports, graph) || slices.Contains(graphImporters, short(u.path)) {
		return nil
	}
	return []string{short(u.path) + " imports internal/graph, which only the packages named in the note may"}
}

// judgeTesting keeps test code, ours and the standard library's, out of users'
// binaries.
func judgeTesting(u unit) (complaints []string) {
	if strings.HasSuffix(u.path, "test") {
		return nil
	}
	for _, imp := range u.imports {
		standard := imp == "testing" || strings.HasPrefix(imp, "testing/")
		ours := isHem(imp) && strings.HasSuffix(imp, "test")
		if standard || ours {
			complaints = append(complaints, fmt.Sprintf("%s imports %s, which only packages ending in test may", short(u.path), short(imp)))
		}
	}
	return complaints
}

// judgeStandard keeps the root module, tests included, free of dependencies.
// In a workspace the compiler does not: any module's requirements serve all.
func judgeStandard(u unit) (complaints []string) {
	if moduleOf(u.path) != "." {
		return nil
	}
	for _, imp := range slices.Concat(u.imports, u.tests) {
		switch {
		case isHem(imp) && moduleOf(imp) == ".":
		case !isHem(imp) && standardLibrary(imp):
		default:
			complaints = append(complaints, fmt.Sprintf("%s imports %s: the root module needs only the standard library", short(u.path), short(imp)))
		}
	}
	return complaints
}

// standardLibrary decides as the go command does: no dot in the first element.
// cgo's C is no package, and would need a compiler that users may not have.
func standardLibrary(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".") && importPath != "C"
}

// judgeServants keeps bench, examples and tools from being imported by anyone
// outside themselves, tests included.
func judgeServants(u unit) (complaints []string) {
	for _, imp := range slices.Concat(u.imports, u.tests) {
		if isHem(imp) && !released(imp) && moduleOf(imp) != moduleOf(u.path) {
			complaints = append(complaints, fmt.Sprintf("%s imports %s: %s is never imported", short(u.path), short(imp), moduleOf(imp)))
		}
	}
	return complaints
}

// isNATS reports whether importPath belongs to the one dependency that node
// exists to contain.
func isNATS(importPath string) bool {
	return strings.HasPrefix(importPath, "github.com/nats-io/")
}

// judgeNATS keeps node/natslog the one door to NATS.
func judgeNATS(u unit) (complaints []string) {
	for _, imp := range u.imports {
		if isNATS(imp) && short(u.path) != "node/natslog" {
			complaints = append(complaints, fmt.Sprintf("%s imports %s, which only node/natslog may", short(u.path), imp))
		}
	}
	return complaints
}

// judgeReach looks at what packages reach through others: the negative
// assertions, and NATS from outside node. It catches what one import at a time
// cannot show, and names the way.
func judgeReach(f *floors, units []unit) (complaints []string) {
	imports := make(map[string][]string)
	for _, u := range units {
		imports[u.path] = u.imports
	}
	for _, n := range f.never {
		below := hemPath + "/" + n.below
		way := reach(imports, hemPath+"/"+n.above, func(p string) bool { return p == below })
		if way != "" {
			complaints = append(complaints, fmt.Sprintf("%v, yet %s", n, way))
		}
	}
	for _, u := range units {
		if !released(u.path) || moduleOf(u.path) == "node" {
			continue
		}
		if way := reach(imports, u.path, isNATS); way != "" {
			complaints = append(complaints, "nats is reachable from node alone, yet "+way)
		}
	}
	return complaints
}

// reach returns the shortest way down from a package to one that hit accepts,
// as "a -> b -> c", or "".
func reach(imports map[string][]string, from string, hit func(string) bool) string {
	seen := map[string]bool{from: true}
	ways := [][]string{{from}}
	for len(ways) > 0 {
		way := ways[0]
		ways = ways[1:]
		for _, imp := range imports[way[len(way)-1]] {
			next := append(slices.Clone(way), imp)
			if hit(imp) {
				for i := range next {
					next[i] = short(next[i])
				}
				return strings.Join(next, " -> ")
			}
			if !seen[imp] {
				seen[imp] = true
				ways = append(ways, next)
			}
		}
	}
	return ""
}
