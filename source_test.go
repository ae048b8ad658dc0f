package hem_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// hemPath is the import path of the root package and the prefix of all others.
const hemPath = "github.com/hemgo/hem"

// neverImported are the modules that serve the repository and no user.
var neverImported = []string{"bench", "examples", "tools"}

// A pkg is one directory of Go files, parsed and not type-checked: policy must
// be able to judge a tree that does not compile.
type pkg struct {
	path  string // import path
	name  string // as its files declare it
	fset  *token.FileSet
	files []*ast.File // what a user's build may compile, on any platform
	tests []*ast.File // everything else: tests, and files under go:build ignore
}

// short is how people, and the floors' table, name a package.
func short(importPath string) string {
	if importPath == hemPath {
		return "hem"
	}
	return strings.TrimPrefix(importPath, hemPath+"/")
}

// isHem reports whether importPath is a package of this repository.
func isHem(importPath string) bool {
	return importPath == hemPath || strings.HasPrefix(importPath, hemPath+"/")
}

// moduleOf returns the directory of the module that a package of this
// repository is in, "." for the root module.
func moduleOf(importPath string) string {
	top, _, _ := strings.Cut(short(importPath), "/")
	if top == "node" || slices.Contains(neverImported, top) {
		return top
	}
	return "."
}

// released reports whether users may import what this package's module holds.
func released(importPath string) bool {
	return !slices.Contains(neverImported, moduleOf(importPath))
}

// loadTree parses every package of the repository, sorted by import path.
func loadTree(t *testing.T) []*pkg {
	t.Helper()
	var tree []*pkg
	err := filepath.WalkDir(".", func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if dir != "." && goIgnores(d.Name()) {
			return filepath.SkipDir
		}
		p, err := loadDir(dir)
		if p != nil {
			tree = append(tree, p)
		}
		if err != nil {
			t.Error(err) // and go on: half of a package is still worth judging
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(tree) < 2 {
		t.Fatalf("found %d packages below the working directory; this test runs at the root", len(tree))
	}
	return tree
}

// goIgnores reports whether the go command passes over a file or a directory
// with this name.
func goIgnores(name string) bool {
	return name == "testdata" || name == "vendor" || name[0] == '.' || name[0] == '_'
}

// loadDir parses the Go files of one directory, and returns nil if it has none.
func loadDir(dir string) (*pkg, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	var errs []error
	sources := make(map[string]string)
	for _, name := range names {
		if goIgnores(filepath.Base(name)) {
			continue
		}
		text, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // an editor saved over it between Glob and here
		}
		errs = append(errs, err)
		sources[filepath.ToSlash(name)] = string(text)
	}
	if len(sources) == 0 {
		return nil, errors.Join(errs...)
	}
	p, err := parsePkg(path.Join(hemPath, filepath.ToSlash(dir)), sources)
	return p, errors.Join(append(errs, err)...)
}

// parsePkg makes a package of sources, a map from file name to text. A file
// with syntax errors contributes what could be read of it.
func parsePkg(importPath string, sources map[string]string) (*pkg, error) {
	p := &pkg{path: importPath, fset: token.NewFileSet()}
	var errs []error
	for _, name := range sortedKeys(sources) {
		file, err := parser.ParseFile(p.fset, name, sources[name], parser.ParseComments|parser.SkipObjectResolution)
		errs = append(errs, err)
		switch {
		case file == nil:
		case strings.HasSuffix(name, "_test.go") || neverBuilt(file):
			p.tests = append(p.tests, file)
		default:
			p.files = append(p.files, file)
			p.name = file.Name.Name
		}
	}
	return p, errors.Join(errs...)
}

// neverBuilt reports whether file is a program kept beside a package, such as
// a generator, rather than a part of it.
func neverBuilt(file *ast.File) bool {
	for _, group := range file.Comments {
		if group.Pos() > file.Package {
			break
		}
		for _, line := range group.List {
			if line.Text == "//go:build ignore" {
				return true
			}
		}
	}
	return false
}

// importsOf returns the import paths of files, sorted, each once.
func importsOf(files []*ast.File) []string {
	var paths []string
	for _, file := range files {
		for _, spec := range file.Imports {
			if p, err := strconv.Unquote(spec.Path.Value); err == nil {
				paths = append(paths, p)
			}
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// receiverBase returns the type name in a receiver such as *Future[T].
func receiverBase(recv ast.Expr) string {
	switch e := recv.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.StarExpr:
		return receiverBase(e.X)
	case *ast.ParenExpr:
		return receiverBase(e.X)
	case *ast.IndexExpr:
		return receiverBase(e.X)
	case *ast.IndexListExpr:
		return receiverBase(e.X)
	}
	return ""
}

// sortedKeys makes iteration over m repeatable.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
