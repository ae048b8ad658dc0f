package hem_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestCommentsBeginWithTheNameOfWhatTheyDescribe(t *testing.T) {
	for _, p := range loadTree(t) {
		for _, complaint := range judgeComments(p) {
			t.Error(complaint)
		}
	}
}

// judgeComments checks that p has a package comment and, in a released module,
// that each exported name has a doc comment about itself.
func judgeComments(p *pkg) []string {
	complaints := judgePackageComment(p)
	if !released(p.path) {
		return complaints
	}
	complain := func(about ast.Node, problem string) {
		if problem != "" {
			pos := p.fset.Position(about.Pos())
			complaints = append(complaints, fmt.Sprintf("%s:%d: %s", pos.Filename, pos.Line, problem))
		}
	}
	for _, file := range p.files {
		for _, decl := range file.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				complain(decl, judgeFunc(decl))
			case *ast.GenDecl:
				for _, spec := range decl.Specs {
					complain(spec, judgeSpec(decl, spec))
				}
			}
		}
	}
	return complaints
}

// judgePackageComment asks for "Package scope ..." or "Command checker ...",
// and nothing else in that place: godoc joins the comments of all files.
func judgePackageComment(p *pkg) (complaints []string) {
	if len(p.files) == 0 {
		return nil // only tests
	}
	want := "Package " + p.name
	if p.name == "main" {
		want = "Command " + p.path[strings.LastIndex(p.path, "/")+1:]
	}
	found := false
	for _, file := range p.files {
		if file.Doc == nil {
			continue
		}
		found = true
		if !beginsWith(file.Doc.Text(), want) {
			pos := p.fset.Position(file.Package)
			complaints = append(complaints, fmt.Sprintf("%s:%d: the package comment does not begin with %q", pos.Filename, pos.Line, want))
		}
	}
	if !found {
		return []string{fmt.Sprintf("%s has no package comment", short(p.path))}
	}
	return complaints
}

// judgeFunc returns what is wrong with the comment of a function or method.
func judgeFunc(f *ast.FuncDecl) string {
	if !f.Name.IsExported() {
		return ""
	}
	name := f.Name.Name
	if f.Recv != nil && len(f.Recv.List) > 0 {
		base := receiverBase(f.Recv.List[0].Type)
		if !ast.IsExported(base) {
			return ""
		}
		name = base + "." + name
	}
	return judgeDoc(name, f.Doc, f.Name.Name)
}

// judgeSpec returns what is wrong with the comment of one declaration in d. A
// comment above a group speaks for its constants or variables, and for no type.
func judgeSpec(d *ast.GenDecl, spec ast.Spec) string {
	grouped := d.Lparen.IsValid()
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		doc := d.Doc
		if grouped {
			doc = spec.Doc
		}
		if name := spec.Name.Name; spec.Name.IsExported() {
			return judgeDoc(name, doc, name, "A "+name, "An "+name, "The "+name)
		}
	case *ast.ValueSpec:
		switch {
		case !grouped:
			return judgeValues(d.Doc, spec.Names)
		case d.Doc == nil:
			return judgeValues(spec.Doc, spec.Names)
		}
	}
	return ""
}

// judgeValues returns what is wrong with the comment of constants or variables
// declared together; it may begin with any exported one of them.
func judgeValues(doc *ast.CommentGroup, names []*ast.Ident) string {
	var exported []string
	for _, name := range names {
		if name.IsExported() {
			exported = append(exported, name.Name)
		}
	}
	if len(exported) == 0 {
		return ""
	}
	return judgeDoc(exported[0], doc, exported...)
}

// judgeDoc returns what is wrong with the doc comment of name if it begins with
// none of beginnings.
func judgeDoc(name string, doc *ast.CommentGroup, beginnings ...string) string {
	text := doc.Text()
	if text == "" {
		return name + " has no doc comment"
	}
	if strings.HasPrefix(text, "Deprecated:") ||
		slices.ContainsFunc(beginnings, func(b string) bool { return beginsWith(text, b) }) {
		return ""
	}
	return fmt.Sprintf("the doc comment of %s does not begin with %q", name, beginnings[0])
}

// beginsWith reports whether text begins with the whole words of prefix.
func beginsWith(text, prefix string) bool {
	rest, ok := strings.CutPrefix(text, prefix)
	next, _ := utf8.DecodeRuneInString(rest)
	return ok && next != '_' && !unicode.IsLetter(next) && !unicode.IsDigit(next)
}

// The controls.

// commentsOn judges one file in memory, given without its package clause if it
// is about something else.
func commentsOn(t *testing.T, importPath, source string) []string {
	t.Helper()
	if !strings.Contains(source, "package ") {
		source = "// Package p is a control.\npackage p\n" + source
	}
	p, err := parsePkg(importPath, map[string]string{"p.go": source})
	if err != nil {
		t.Fatal(err)
	}
	return judgeComments(p)
}

func TestCommentsAcceptWhatGoodCodeDoes(t *testing.T) {
	for _, source := range []string{
		"// Run runs.\nfunc Run() {}",
		"// Map[T] maps.\nfunc Map[T any]() {}",
		"// Deprecated: use Run.\nfunc Old() {}",
		"//go:noinline\nfunc private() {}",
		"// A Scope owns.\ntype Scope struct{}",
		"// An Error failed.\ntype Error struct{}",
		"// The Tour is one.\ntype Tour struct{}",
		"// Future is a value.\ntype Future[T any] struct{}\n// Await waits.\nfunc (f *Future[T]) Await() {}",
		"type hidden struct{}\nfunc (hidden) Method() {}",
		"// Kinds of failure.\nconst (\n\tFailed = iota\n\tLost\n)",
		"const (\n\t// Failed is one.\n\tFailed = iota\n\tlost\n)",
		"// Min and Max are bounds.\nvar Min, Max = 0, 9",
	} {
		if got := commentsOn(t, hemPath+"/p", source); len(got) > 0 {
			t.Errorf("%s\n\tgot %q", source, got)
		}
	}
}

func TestCommentsRejectWhatTheyShould(t *testing.T) {
	for _, c := range []struct{ source, want string }{
		{"func Run() {}", "p.go:3: Run has no doc comment"},
		{"//go:noinline\nfunc Run() {}", "p.go:4: Run has no doc comment"},
		{"// Runs it.\nfunc Run() {}", `p.go:4: the doc comment of Run does not begin with "Run"`},
		{"// Runner runs.\nfunc Run() {}", `p.go:4: the doc comment of Run does not begin with "Run"`},
		{"// A Run runs.\nfunc Run() {}", `p.go:4: the doc comment of Run does not begin with "Run"`},
		{"// T is one.\ntype T[V any] struct{}\nfunc (*T[V]) Get() {}", "p.go:5: T.Get has no doc comment"},
		{"type T struct{}", "p.go:3: T has no doc comment"},
		{"// Types.\ntype (\n\tT struct{}\n)", "p.go:5: T has no doc comment"},
		{"const Max = 1", "p.go:3: Max has no doc comment"},
		{"// Most of all.\nvar Max = 1", `p.go:4: the doc comment of Max does not begin with "Max"`},
		{"const (\n\t// A is one.\n\tA = iota\n\tB\n)", "p.go:6: B has no doc comment"},
		{"package p", "p has no package comment"},
		{"// Helpers for p.\npackage p", `p.go:2: the package comment does not begin with "Package p"`},
		{"// Package pipe is another.\npackage p", `p.go:2: the package comment does not begin with "Package p"`},
		{"// Package main is one.\npackage main", `p.go:2: the package comment does not begin with "Command p"`},
	} {
		if got := commentsOn(t, hemPath+"/p", c.source); !slices.Equal(got, []string{c.want}) {
			t.Errorf("%s\n\tgot  %q\n\twant %q", c.source, got, c.want)
		}
	}
}

func TestCommentsAskServantsForAPackageCommentOnly(t *testing.T) {
	const source = "// Command checker checks.\npackage main\nfunc Run() {}"
	if got := commentsOn(t, hemPath+"/examples/checker", source); len(got) > 0 {
		t.Errorf("got %q", got)
	}
	if got := commentsOn(t, hemPath+"/bench", "package main"); len(got) != 1 {
		t.Errorf("a command without a comment: got %q", got)
	}
}

func TestCommentsAreNotAskedOfADirectoryOfTests(t *testing.T) {
	p := &pkg{path: hemPath + "/p", fset: token.NewFileSet()}
	if got := judgeComments(p); len(got) > 0 {
		t.Errorf("got %q for a package without production files", got)
	}
}
