// Package guides_test compiles the code in the guides, which otherwise rots.
package guides_test

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	preamble = regexp.MustCompile(`(?s)<!-- preamble\n(.*?)-->`)
	block    = regexp.MustCompile("(?s)```go\n(.*?)```")
)

// TestTheCodeInEveryGuideCompiles type-checks each Go block of each guide as a
// package of its own, after the guide's preamble of imports and names.
func TestTheCodeInEveryGuideCompiles(t *testing.T) {
	guides, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(guides) == 0 {
		t.Fatalf("no guides found: %v", err)
	}
	fset := token.NewFileSet()
	from := importer.ForCompiler(fset, "source", nil)
	for _, guide := range guides {
		text, err := os.ReadFile(guide)
		if err != nil {
			t.Fatal(err)
		}
		before := ""
		if m := preamble.FindSubmatch(text); m != nil {
			before = string(m[1])
		}
		for i, m := range block.FindAllSubmatch(text, -1) {
			for _, err := range compile(fset, from, "package guide\n"+before+"\n"+string(m[1])) {
				t.Errorf("%s, block %d: %v", filepath.Base(guide), i+1, err)
			}
		}
	}
}

func TestACodeBlockThatDoesNotCompileIsFound(t *testing.T) {
	fset := token.NewFileSet()
	from := importer.ForCompiler(fset, "source", nil)
	for _, broken := range []string{
		"package guide\nfunc f() { return 1 }",
		"package guide\nfunc f( {",
		"package guide\nimport \"strings\"\nvar x = strings.Nonesuch",
	} {
		if len(compile(fset, from, broken)) == 0 {
			t.Errorf("%q compiles", broken)
		}
	}
}

// compile returns what is wrong with src. A preamble serves all of a guide's
// blocks, so an import that one of them does not use is not wrong.
func compile(fset *token.FileSet, from types.Importer, src string) (errs []error) {
	f, err := parser.ParseFile(fset, "block.go", src, 0)
	if err != nil {
		return []error{err}
	}
	conf := types.Config{Importer: from, Error: func(err error) {
		if !strings.Contains(err.Error(), "imported and not used") {
			errs = append(errs, err)
		}
	}}
	conf.Check("guide", fset, []*ast.File{f}, nil)
	return errs
}
