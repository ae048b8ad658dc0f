package check_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/hemgo/hem/examples/checker/check"
)

func line(d check.Diagnostic) string {
	return fmt.Sprintf("%s:%d:%d: %s: %s", d.File, d.Line, d.Col, d.Code, d.Message)
}

// TestEachKindOfMistakeHasItsCode would notice if the messages of go/types
// changed, by which its errors are classified.
func TestEachKindOfMistakeHasItsCode(t *testing.T) {
	for _, tt := range []struct{ name, src, want string }{
		{"nothing", "package p", ""},
		{"syntax", "package p\nfunc {", "a.go:2:6: syntax: expected 'IDENT', found '{'"},
		{"type", "package p\nvar x int = \"s\"", "a.go:2:13: type: cannot use \"s\" (untyped string constant) as int value in variable declaration"},
		{"unused import", "package p\nimport \"fmt\"", "a.go:2:8: unused-import: \"fmt\" imported and not used"},
		{"unused renamed import", "package p\nimport f \"fmt\"", "a.go:2:8: unused-import: \"fmt\" imported as f and not used"},
		{"unused variable", "package p\nfunc f() { x := 1 }", "a.go:2:12: unused-variable: declared and not used: x"},
		{"unused type switch variable", "package p\nfunc f(x any) { switch y := x.(type) { } }", "a.go:2:24: unused-variable: y declared and not used"},
		{"unused label", "package p\nfunc f() { l: for {} }", "a.go:2:12: type: label l declared and not used"},
		{"missing import", "package p\nimport _ \"example.com/x\"", "a.go:2:10: import: \"example.com/x\" is not in the standard library"},
		{"internal import", "package p\nimport _ \"internal/abi\"", "a.go:2:10: import: use of internal package internal/abi not allowed"},
		{"bad import path", "package p\nimport _ \"a b\"", "a.go:2:10: import: \"a b\" is not in the standard library"},
		{"import out of the library", "package p\nimport _ \"../../etc\"", "a.go:2:10: import: \"../../etc\" is not in the standard library"},
		{"vendored import", "package p\nimport _ \"vendor/golang.org/x/net/idna\"", "a.go:2:10: import: \"vendor/golang.org/x/net/idna\" is not in the standard library"},
		{"cgo", "package p\nimport \"C\"\nvar x C.int", "a.go:2:8: import: import \"C\": cgo is not supported"},
		{"unsafe", "package p\nimport \"unsafe\"\nconst n = unsafe.Sizeof(struct{a byte; b int64}{})\nvar _ [n]int = [16]int{}", ""},
		{"embed", "package p\nimport _ \"embed\"\n//go:embed no/such/file\nvar s string", ""},
		{"unreachable", "package p\nfunc f() { return; println() }", "a.go:2:20: unreachable: unreachable code"},
		{"copied lock", "package p\nimport \"sync\"\nfunc f(m sync.Mutex) {}", "a.go:3:10: copylocks: f passes lock by value: sync.Mutex"},
		{"printf", "package p\nimport \"fmt\"\nfunc f() { fmt.Printf(\"%d\", \"s\") }", "a.go:3:24: printf: fmt.Printf format %d has arg \"s\" of wrong type string"},
		{"lost cancel", "package p\nimport \"context\"\nfunc f(c context.Context) { c, _ = context.WithCancel(c); _ = c }", "a.go:3:32: lostcancel: the cancel function returned by context.WithCancel should be called, not discarded, to avoid a context leak"},
		{"struct tag", "package p\ntype t struct { A int `json:a` }", "a.go:2:17: structtag: struct field tag `json:a` not compatible with reflect.StructTag.Get: bad syntax for struct tag value"},
		{"self-assignment", "package p\nfunc f(x int) { x = x }", "a.go:2:17: assign: self-assignment of x"},
		{"build tag", "package p\n\n//go:build linux\n", "a.go:3:1: buildtag: misplaced //go:build comment"},
		{"shift", "package p\nfunc f(x int8) int8 { return x << 9 }", "a.go:2:30: shift: x (8 bits) too small for shift of 9"},
		{"no return", "package p\nimport (\"context\"; \"log\")\nfunc f(ok bool) { _, cancel := context.WithCancel(context.Background())\n if ok { cancel(); return }\n log.Fatal() }", ""},
		{"endless type", "package p\ntype T[P any] struct{ f *T[T[P]] }", "a.go:2:8: type: instantiation cycle:\n\ta.go:2:28: P instantiated as T[P]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rep, err := checkFile(t, tt.src)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimSpace(found(rep)); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestReportTravelsAsJSON(t *testing.T) {
	rep, err := checkFile(t, "package p\n\nfunc f() { x := 1 }\n")
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(rep)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"package":"p","files":1,"lines":3,"diagnostics":[{"file":"a.go","line":3,"col":12,"code":"unused-variable","message":"declared and not used: x"}],"truncated":false}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestReportWithoutFindingsHasAnEmptyList(t *testing.T) {
	rep, err := checkFile(t, "package p")
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := json.Marshal(rep); !strings.Contains(string(got), `"diagnostics":[]`) {
		t.Errorf("got %s", got)
	}
}

func TestReportKeepsTheFirstDiagnosticsByPosition(t *testing.T) {
	src := "package p\nfunc f() {\n" + strings.Repeat("x()\n", 1000) + "}"
	s, err := check.FromFile("a.go", strings.NewReader(src), check.Limits{Diagnostics: 7})
	if err != nil {
		t.Fatal(err)
	}
	rep, err := checker(t).Check(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	if !rep.Truncated || len(rep.Diagnostics) != 7 {
		t.Fatalf("truncated %v with %d diagnostics", rep.Truncated, len(rep.Diagnostics))
	}
	for i, d := range rep.Diagnostics {
		if d.Line != i+3 {
			t.Errorf("diagnostic %d is at line %d", i, d.Line)
		}
	}
}

func TestLineDirectivesDoNotMoveDiagnostics(t *testing.T) {
	src := "package p\n//line /etc/passwd:99\nvar x int = \"//line 7\" + /*line other.go:5:5*/ 1\nvar x int\n"
	rep, err := checkFile(t, src)
	if err != nil {
		t.Fatal(err)
	}
	got := found(rep)
	if strings.Contains(got, "passwd") || strings.Contains(got, "other.go") || !strings.Contains(got, "a.go:4:5: type: x redeclared") {
		t.Errorf("got\n%s", got)
	}
	if !strings.Contains(got, "//line 7") {
		t.Errorf("a string that looks like a directive was changed:\n%s", got)
	}
}
