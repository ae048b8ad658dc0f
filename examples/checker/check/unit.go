package check

import (
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"go/types"
	"go/version"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A unit is one package of a source, on its way through the check.
type unit struct {
	dir   string
	path  string // its import path; without a go.mod, its directory or name
	files []*file

	// broken units have syntax errors. They are not type-checked, and whoever
	// imports one is not blamed for it.
	broken bool
	// unproven units may contain types that expand without end, or import
	// such a unit: passes that follow types must not see them.
	unproven bool

	deps    map[string]*unit // imported units of the same source, by path
	imports importMap        // what go/types will be given

	pkg    *types.Package
	info   *types.Info
	errors []types.Error // the first of them
	last   *typeError    // being reported
	hard   bool          // an error that leaves something without a type
}

// A file is one parsed file of a unit.
type file struct {
	name string
	src  []byte // as posted
	tree *ast.File
}

// trees returns the syntax trees of the files.
func (u *unit) trees() []*ast.File {
	trees := make([]*ast.File, len(u.files))
	for i, f := range u.files {
		trees[i] = f.tree
	}
	return trees
}

// A module is what a go.mod file says, so far as it matters here.
type module struct {
	dir       string
	path      string
	goVersion string // such as go1.22, or empty
}

// findModule returns the outermost module of a source and the directories of
// the others. Without a go.mod the module has no path.
func findModule(src *Source) (mod module, nested []string, err error) {
	var found []File
	for _, f := range src.Files {
		if path.Base(f.Name) == "go.mod" {
			found = append(found, f)
		}
	}
	if len(found) == 0 {
		return module{dir: "."}, nil, nil
	}
	slices.SortFunc(found, func(a, b File) int {
		if d := strings.Count(a.Name, "/") - strings.Count(b.Name, "/"); d != 0 {
			return d
		}
		return strings.Compare(a.Name, b.Name)
	})
	for _, f := range found[1:] {
		nested = append(nested, path.Dir(f.Name))
	}
	mod, err = parseModule(found[0])
	return mod, nested, err
}

// parseModule reads the module and go directives of a go.mod file.
func parseModule(f File) (module, error) {
	mod := module{dir: path.Dir(f.Name)}
	for line := range strings.Lines(string(f.Data)) {
		line, _, _ = strings.Cut(line, "//")
		words := strings.Fields(line)
		if len(words) != 2 {
			continue
		}
		switch words[0] {
		case "module":
			mod.path = words[1]
			if s, err := strconv.Unquote(words[1]); err == nil {
				mod.path = s
			}
		case "go":
			mod.goVersion = "go" + words[1]
		}
	}
	switch {
	case mod.path == "" || badName(mod.path) != "":
		return mod, &InputError{Reason: Malformed, Op: "read module", Name: f.Name, What: "no module path"}
	case mod.goVersion != "" && !version.IsValid(mod.goVersion):
		return mod, &InputError{Reason: Malformed, Op: "read module", Name: f.Name, What: "not a Go version: " + shorten(mod.goVersion[2:])}
	}
	return mod, nil
}

// layOut sorts the Go files of a source into units, by directory, leaving out
// what is not of the module or not built here.
func layOut(src *Source, mod module, nested []string) []*unit {
	byDir := make(map[string]*unit)
	var units []*unit
	for _, f := range src.Files {
		if path.Ext(f.Name) != ".go" {
			continue
		}
		dir := path.Dir(f.Name)
		if src.Archive && (!within(mod.dir, dir) || !buildable(f.Name, f.Data)) {
			continue
		}
		if slices.ContainsFunc(nested, func(n string) bool { return within(n, dir) }) {
			continue
		}
		u := byDir[dir]
		if u == nil {
			u = &unit{dir: dir, path: unitPath(src, mod, dir), deps: make(map[string]*unit), imports: importMap{}}
			byDir[dir] = u
			units = append(units, u)
		}
		u.files = append(u.files, &file{name: f.Name, src: f.Data})
	}
	slices.SortFunc(units, func(a, b *unit) int { return strings.Compare(a.dir, b.dir) })
	for _, u := range units {
		slices.SortFunc(u.files, func(a, b *file) int { return strings.Compare(a.name, b.name) })
	}
	return units
}

// within reports whether dir is root or below it.
func within(root, dir string) bool {
	return root == "." || dir == root || strings.HasPrefix(dir, root+"/")
}

// unitPath returns the import path of a directory, or empty.
func unitPath(src *Source, mod module, dir string) string {
	switch {
	case src.Path != "":
		return src.Path
	case mod.path == "":
		return ""
	case mod.dir != ".":
		dir = strings.TrimPrefix(strings.TrimPrefix(dir, mod.dir), "/")
	}
	return path.Join(mod.path, dir)
}

// parse parses one file from the clean form of its source, and reports its
// syntax errors.
func (u *unit) parse(f *file, clean []byte, fset *token.FileSet, found *collector) {
	tree, err := parser.ParseFile(fset, f.name, clean, parser.SkipObjectResolution|parser.ParseComments)
	f.tree = tree
	if err == nil {
		return
	}
	u.broken = true
	list, ok := err.(scanner.ErrorList)
	if !ok {
		found.addAt(token.Position{Filename: f.name}, CodeSyntax, err.Error())
	}
	for _, e := range list {
		found.addAt(e.Pos, CodeSyntax, e.Msg)
	}
}

// importsOf calls yield once for each path that a unit imports, with the
// first place where it does.
func (u *unit) importsOf(yield func(path string, at token.Pos)) {
	seen := make(map[string]bool)
	for _, f := range u.files {
		for _, spec := range f.tree.Imports {
			p, err := strconv.Unquote(spec.Path.Value)
			if err != nil || seen[p] {
				continue
			}
			seen[p] = true
			yield(p, spec.Path.Pos())
		}
	}
}
