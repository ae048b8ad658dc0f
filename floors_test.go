package hem_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestFloorsHold(t *testing.T) {
	for _, complaint := range judge(readFloors(t), unitsOf(loadTree(t))) {
		t.Error(complaint)
	}
}

// An unlisted module would be built, vetted and tested by nobody.
func TestFloorsKnowEveryModule(t *testing.T) {
	work, err := os.ReadFile("go.work")
	if err != nil {
		t.Fatal(err)
	}
	used := strings.Fields(string(work))
	err = filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name != "." && d.IsDir() && goIgnores(d.Name()) {
			return filepath.SkipDir
		}
		if d.Name() != "go.mod" {
			return nil
		}
		dir := filepath.ToSlash(filepath.Dir(name))
		if dir != "." && !slices.Contains(used, "./"+dir) {
			t.Errorf("go.work does not use ./%s", dir)
		}
		if dir != "." && moduleOf(hemPath+"/"+dir) != dir {
			t.Errorf("design note 0001 has no place for a module at %s", dir)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRootModuleRequiresNothing(t *testing.T) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mod)) {
		verb, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch verb {
		case "", "module", "go", "//":
		default:
			t.Errorf("go.mod says %q: the root module needs only the standard library", strings.TrimSpace(line))
		}
	}
}

// The controls. What follows feeds the checker trees and tables that break one
// rule each; a checker that has gone blind fails here first.

// controlTable is a small table with a sideways assertion.
const controlTable = `
	NONE < fault;  # the ground
	fault < internal/graph
	      < lock, scope;
	scope < task;
	lock, task < pool;
	scope < scope/scopetest;
	pool < node/natslog < node;

	lock !< scope; scope !< lock;
`

// controlTree returns a tree that keeps every rule, in which name, created if
// need be, imports imports besides.
func controlTree(name string, imports ...string) []unit {
	tree := map[string][]string{
		"hem":             nil,
		"fault":           {"errors"},
		"internal/graph":  {"sync", "fault"},
		"lock":            {"context", "fault", "internal/graph"},
		"scope":           {"context", "fault", "internal/graph"},
		"task":            {"encoding/json", "scope", "fault"},
		"pool":            {"lock", "task", "internal/graph"},
		"scope/scopetest": {"testing", "scope"},
		"node/natslog":    {"github.com/nats-io/nats.go", "pool"},
		"node":            {"net/http", "node/natslog", "pool"},
		"bench":           {"testing", "pool", "bench/rivals", "github.com/panjf2000/ants/v2"},
		"bench/rivals":    {"fmt"},
	}
	tree[name] = append(tree[name], imports...)
	var units []unit
	for _, name := range sortedKeys(tree) {
		u := unit{path: controlPath(tree, name)}
		for _, imp := range tree[name] {
			u.imports = append(u.imports, controlPath(tree, imp))
		}
		units = append(units, u)
	}
	return units
}

// controlPath is the import path of a name in a control tree: a package of the
// tree if there is one, and itself otherwise.
func controlPath(tree map[string][]string, name string) string {
	switch _, ours := tree[name]; {
	case name == "hem":
		return hemPath
	case ours:
		return hemPath + "/" + name
	}
	return name
}

// complain checks that judging units brings exactly the complaints in want.
func complain(t *testing.T, units []unit, want ...string) {
	t.Helper()
	f, err := parseFloors(controlTable)
	if err != nil {
		t.Fatal(err)
	}
	got := judge(f, units)
	if !slices.Equal(got, want) {
		t.Errorf("got:\n\t%s\nwant:\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func TestFloorsAcceptATreeThatKeepsThem(t *testing.T) {
	complain(t, controlTree("fault", "time"))
}

func TestFloorsRejectAnUpwardImport(t *testing.T) {
	complain(t, controlTree("scope", "task"),
		"scope imports task, which is not on a floor below it")
}

func TestFloorsRejectASidewaysImport(t *testing.T) {
	complain(t, controlTree("scope", "lock"),
		"scope imports lock, which is not on a floor below it",
		"lock !< scope, yet scope -> lock")
}

func TestFloorsRejectASidewaysImportThroughAnother(t *testing.T) {
	complain(t, controlTree("scope", "pool"),
		"scope imports pool, which is not on a floor below it",
		"lock !< scope, yet scope -> pool -> lock")
}

func TestFloorsRejectAnyImportByTheTour(t *testing.T) {
	complain(t, controlTree("hem", "scope"),
		"hem imports scope, which is not on a floor below it")
}

func TestFloorsRejectGraphForThoseWhoAreNotNamed(t *testing.T) {
	complain(t, controlTree("task", "internal/graph"),
		"task imports internal/graph, which only the packages named in the note may")
}

func TestFloorsRejectTestingInProduction(t *testing.T) {
	complain(t, controlTree("pool", "testing"),
		"pool imports testing, which only packages ending in test may")
	complain(t, controlTree("node", "testing/synctest"),
		"node imports testing/synctest, which only packages ending in test may")
}

func TestFloorsRejectATestPackageInProduction(t *testing.T) {
	complain(t, controlTree("pool", "scope/scopetest"),
		"pool imports scope/scopetest, which is not on a floor below it",
		"pool imports scope/scopetest, which only packages ending in test may")
}

func TestFloorsRejectAThirdPartyInTheRootModule(t *testing.T) {
	complain(t, controlTree("pool", "golang.org/x/sync/errgroup"),
		"pool imports golang.org/x/sync/errgroup: the root module needs only the standard library")
	complain(t, controlTree("pool", "C"),
		"pool imports C: the root module needs only the standard library")
	complain(t, controlTree("pool", "node"),
		"pool imports node, which is not on a floor below it",
		"pool imports node: the root module needs only the standard library",
		"nats is reachable from node alone, yet pool -> node -> node/natslog -> github.com/nats-io/nats.go")
}

func TestFloorsRejectAThirdPartyInTestsOfTheRootModule(t *testing.T) {
	units := controlTree("fault")
	i := slices.IndexFunc(units, func(u unit) bool { return short(u.path) == "fault" })
	units[i].tests = []string{"testing", "github.com/stretchr/testify/assert", hemPath + "/node"}
	complain(t, units,
		"fault imports github.com/stretchr/testify/assert: the root module needs only the standard library",
		"fault imports node: the root module needs only the standard library")
}

func TestFloorsRejectNATSBesideItsOneDoor(t *testing.T) {
	complain(t, controlTree("node", "github.com/nats-io/nats-server/v2/server"),
		"node imports github.com/nats-io/nats-server/v2/server, which only node/natslog may")
}

func TestFloorsRejectImportingWhatIsNeverImported(t *testing.T) {
	complain(t, controlTree("node", "bench/rivals"),
		"node imports bench/rivals: bench is never imported",
		"node imports bench/rivals, which is not on a floor below it")
	complain(t, controlTree("examples/checker", "bench/rivals"),
		"examples/checker imports bench/rivals: bench is never imported")
}

func TestFloorsRejectAPackageWithoutAFloor(t *testing.T) {
	complain(t, controlTree("flow", "scope"), "flow is not in the table of floors")
	complain(t, controlTree("node/internal/wire"), "node/internal/wire is not in the table of floors")
}

func TestFloorsTableThatIsWrong(t *testing.T) {
	for _, c := range []struct{ name, table, want string }{
		{"no relation", "NONE < fault;\nfault scope;", `line 2: no < in "fault scope"`},
		{"no comma", "NONE < fault;\n\nfault < lock scope;", `line 3: "lock scope" is not a package name`},
		{"no name", "NONE < fault, ;", `line 1: "" is not a package name`},
		{"no semicolon", "NONE < fault;\nfault < scope", `the table ends without a ; after "fault < scope"`},
		{"unknown relation", "NONE < a; a !! < b;", `"a !!" is not a package name`},
		{"twice", "NONE < a, b; a < b;", "b is defined twice"},
		{"ground on top", "NONE < a; a < NONE;", "NONE is the ground: it stands on nothing"},
		{"upside down", "NONE < a; b < c; a < b;", "b is used before it is defined"},
		{"cycle", "NONE < a; a, d < b; b < c; c < d;", "cycle: b < c < d < b"},
		{"own neighbour", "a < a;", "cycle: a < a"},
		{"asserted, direct", "NONE < a; a < b; a !< b;", "a !< b, yet the table lets b import a"},
		{"asserted, transitive", "NONE < a < b < c; a !< c;", "a !< c, yet the table lets c import a"},
		{"asserted of nobody", "NONE < a; a !< lok;", "lok stands in a !< and is nowhere defined"},
	} {
		_, err := parseFloors(c.table)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want %q", c.name, err, c.want)
		}
	}
}
