package check_test

import (
	"strings"
	"testing"
)

func TestModulePackagesImportEachOther(t *testing.T) {
	rep := checkModule(t,
		"m/go.mod", "module example.com/m\n\ngo 1.22\n",
		"m/main.go", "package main\nimport \"example.com/m/log\"\nfunc main() { log.Printf(\"%d\", \"s\"); log.Missing() }",
		"m/log/log.go", "package log\nimport \"fmt\"\nfunc Printf(format string, args ...any) { fmt.Printf(format, args...) }",
	)
	// The printf pass does not run on a package with type errors.
	want := "m/main.go:3:42: type: undefined: log.Missing\n"
	if got := found(rep); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if rep.Package != "example.com/m" || rep.Files != 2 {
		t.Errorf("report of %s with %d files", rep.Package, rep.Files)
	}
}

func TestFactsCrossThePackagesOfAModule(t *testing.T) {
	rep := checkModule(t,
		"go.mod", "module m",
		"a/a.go", "package a\nimport \"fmt\"\nfunc Logf(format string, args ...any) { fmt.Printf(format, args...) }",
		"b/b.go", "package b\nimport \"m/a\"\nfunc f() { a.Logf(\"%d\", \"s\") }",
	)
	if got := found(rep); got != "b/b.go:3:20: printf: m/a.Logf format %d has arg \"s\" of wrong type string\n" {
		t.Errorf("got\n%s", got)
	}
}

func TestMissingImportIsOneDiagnostic(t *testing.T) {
	rep := checkModule(t,
		"go.mod", "module m",
		"a.go", "package a\nimport \"gopkg.in/yaml.v3\"\nvar x = yaml.Parse(1).Value[3] + 1\nvar y yaml.Node",
		"b.go", "package a\nimport \"gopkg.in/yaml.v3\"\nvar z = yaml.A",
		"c.go", "package a\nimport \"github.com/x/go-lib/v2\"\nvar w lib.T",
	)
	want := "a.go:2:8: import: \"gopkg.in/yaml.v3\" is not in the standard library nor in the posted module\n" +
		"c.go:2:8: import: \"github.com/x/go-lib/v2\" is not in the standard library nor in the posted module\n"
	if got := found(rep); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPackageWithSyntaxErrorsIsNotHeldAgainstItsImporters(t *testing.T) {
	rep := checkModule(t,
		"go.mod", "module m",
		"a/a.go", "package a\nfunc F( {",
		"b/b.go", "package b\nimport \"m/a\"\nvar x = a.F()",
	)
	if got := found(rep); !strings.HasPrefix(got, "a/a.go:2:9: syntax:") || strings.Contains(got, "b/b.go") {
		t.Errorf("got\n%s", got)
	}
}

func TestImportCycleIsADiagnostic(t *testing.T) {
	rep := checkModule(t,
		"go.mod", "module m",
		"a/a.go", "package a\nimport \"m/b\"\nvar X = b.X",
		"b/b.go", "package b\nimport \"m/c\"\nvar X = c.X",
		"c/c.go", "package c\nimport \"m/a\"\nvar X = a.X",
		"d/d.go", "package d\nimport _ \"m/d\"",
	)
	want := "c/c.go:2:8: import: import cycle: m/a -> m/b -> m/c -> m/a\n" +
		"d/d.go:2:10: import: import cycle: m/d -> m/d\n"
	if got := found(rep); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestBuildConstraintsChooseFilesOfAnArchive(t *testing.T) {
	rep := checkModule(t,
		"go.mod", "module m",
		"a.go", "package a",
		"a_plan9.go", "package a\nvar x int = \"plan 9\"",
		"b.go", "//go:build ignore\n\npackage main",
		"c.go", "//go:build cgo\n\npackage a\nvar x int = \"cgo\"",
	)
	if got := found(rep); got != "" || rep.Files != 1 {
		t.Errorf("%d files, got\n%s", rep.Files, got)
	}
}

func TestMismatchedPackageNamesAreADiagnostic(t *testing.T) {
	rep := checkModule(t, "a.go", "package a", "b.go", "package b")
	if got := found(rep); got != "b.go:1:1: type: package b; expected package a\n" {
		t.Errorf("got\n%s", got)
	}
}

func TestGoVersionOfTheModuleCounts(t *testing.T) {
	src := "package a\nfunc f() { for i := range 10 { go func() { println(i) }() } }"
	rep := checkModule(t, "go.mod", "module m\ngo 1.21", "a.go", src)
	if got := found(rep); !strings.Contains(got, "requires go1.22 or later") {
		t.Errorf("go 1.21: got\n%s", got)
	}
	rep = checkModule(t, "go.mod", "module m\ngo 1.22", "a.go", src)
	if got := found(rep); got != "" {
		t.Errorf("go 1.22: got\n%s", got)
	}
}

func TestNestedModulesTestsAndVendoredCodeAreSkipped(t *testing.T) {
	const bad = "package p; var x int = nil"
	rep := checkModule(t,
		"go.mod", "module m",
		"a.go", "package a",
		"a_test.go", bad,
		"sub/go.mod", "module sub",
		"sub/deep/a.go", bad,
		"vendor/v/v.go", bad,
		"testdata/t.go", bad,
		"_old/o.go", bad,
		".git/g.go", bad,
	)
	if got := found(rep); got != "" || rep.Files != 1 {
		t.Errorf("%d files, got\n%s", rep.Files, got)
	}
}
