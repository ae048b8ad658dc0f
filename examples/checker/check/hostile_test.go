package check_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hemgo/hem/examples/checker/check"
)

// chain returns n copies of each with $i and $j replaced by its number and the
// next, and one of last.
func chain(n int, each, last string) string {
	var b strings.Builder
	for i := range n {
		strings.NewReplacer("$i", strconv.Itoa(i), "$j", strconv.Itoa(i+1)).WriteString(&b, each)
	}
	return b.String() + strings.ReplaceAll(last, "$i", strconv.Itoa(n))
}

// rep is strings.Repeat, for sources that are mostly repetition.
func rep(s string, n int) string { return strings.Repeat(s, n) }

// hostile lists sources that would exhaust the stack, memory or patience, and
// what becomes of each: refused for a reason, or checked.
var hostile = []struct {
	name string
	src  string
	want check.Reason // empty if it is to be checked
}{
	{"nested parentheses", "var x = " + rep("(", 100_000) + "1" + rep(")", 100_000), check.TooComplex},
	{"nested parentheses never closed", "var x = " + rep("(", 100_000), check.TooComplex},
	{"nested types", "var x " + rep("struct{x ", 100_000), check.TooComplex},
	{"nested composite literals", "var x = []any" + rep("{[]any", 100_000), check.TooComplex},
	{"nested function literals", "var x = " + rep("func(){_=", 100_000) + "1" + rep("}", 100_000), check.TooComplex},
	{"nested blocks", "func f() " + rep("{", 100_000) + rep("}", 100_000), check.TooComplex},
	{"nested type arguments", "type T[P any] struct{}; var x " + rep("T[", 100_000) + "int" + rep("]", 100_000), check.TooComplex},
	{"negations", "var x = " + rep("!", 100_000) + "true", check.TooComplex},
	{"receives", "var x = " + rep("<-", 100_000) + "y", check.TooComplex},
	{"pointers", "var x " + rep("*", 100_000) + "int", check.TooComplex},
	{"slices", "var x " + rep("[]", 100_000) + "int", check.TooComplex},
	{"channels", "var x " + rep("chan ", 100_000) + "int", check.TooComplex},
	{"maps", "var x " + rep("map[int]", 50_000) + "int", check.TooComplex},
	{"functions of functions", "var x " + rep("func() ", 50_000), check.TooComplex},
	{"sum of numbers", "const x = 1" + rep("+1", 400_000), ""}, // the parser gives up
	{"sum within the parser's limit", "const x = 1" + rep("+1", 50_000), check.TooComplex},
	{"sum of strings", "const x = `x`" + rep("+`x`", 50_000), check.TooComplex},
	{"sum within the limit", "const x = 1" + rep("+1", 4_900), ""},
	{"selectors", "type T struct{x *T}; var z T; var x = z" + rep(".x", 50_000), check.TooComplex},
	{"calls", "type F func() F; var z F; var x = z" + rep("()", 50_000), check.TooComplex},
	{"indices", "var x = z" + rep("[0]", 50_000), check.TooComplex},
	{"else if", "func f(x bool) { if x {} " + rep("else if x {} ", 40_000) + "}", check.TooComplex},
	{"else if beyond the parser's limit", "func f(x bool) { if x {} " + rep("else if x {} ", 120_000) + "}", ""},
	{"labels", "func f() {" + chain(40_000, "l$i_$j:", "l$i: }"), check.TooComplex},

	{"chain of variables", chain(50_000, "var x$i = x$j\n", "var x$i = 1"), check.TooComplex},
	{"chain of deep variables", chain(500, "var x$i = "+rep("-(", 240)+"x$j"+rep(")", 240)+"\n", "var x$i = 1"), check.TooComplex},
	{"chain of pointers", chain(50_000, "type t$i struct{f *t$j}\n", "type t$i int"), check.TooComplex},
	{"chain of types", chain(10_000, "type t$i t$j\n", "type t$i int"), check.TooComplex},
	{"chain of structs", chain(2000, "type t$i struct{f t$j}\n", "type t$i int"), check.TooComplex},
	{"chain of methods", chain(20_000, "type t$i struct{}\nvar x$i = t$i{}.m$i()\nfunc (t$i) m$i() [len(x$j)]int { return 0 }\n", "var x$i [1]int"), check.TooComplex},
	{"chain of deep calls within the limit", "func f[T any](x T) T { return x }\n" + chain(390, "var x$i = "+rep("f(", 240)+"x$j"+rep(")", 240)+"\n", "var x$i = 1"), ""},
	{"chain of deep literals within the limit", chain(390, "var x$i any = "+rep("[]any{", 240)+"x$j"+rep("}", 240)+"\n", "var x$i = 1"), ""},
	{"chain of functions within the limit", chain(390, "var x$i any = "+rep("func(int)[]", 80)+"int(x$j)\n", "var x$i = nil"), ""},
	{"chain within the limit", chain(200, "type t$i struct{f t$j}\n", "type t$i int"), ""},
	{"doubling structs", chain(60, "type t$i struct{f, g t$j}\n", "type t$i int"), check.TooComplex},
	{"doubling arrays of structs", chain(60, "type t$i [2]struct{f, g t$j}\n", "type t$i int"), check.TooComplex},
	{"doubling interfaces", chain(60, "type t$i interface{t$j; interface{t$j}}\n", "type t$i any"), check.TooComplex},
	{"doubling in shadows", "func f() {" + rep("type a struct{x, y b}; {type b struct{x, y a}; {", 100) + rep("}}", 100) + "}", check.TooComplex},
	{"growing interfaces", chain(5000, "type t$i interface{t$j; m$i()}\n", "type t$i any"), check.TooComplex},
	{"doubling aliases", chain(60, "type t$i = struct{f, g *t$j}\n", "type t$i = int") + "\nvar x t0; var y int = x", check.TooComplex},
	{"doubling generic alias", "type A[T any] = struct{f, g *T}; var x " + rep("A[", 60) + "int" + rep("]", 60), check.TooComplex},
	{"doubling type arguments", "type A[T any] struct{f, g T}; var x " + rep("A[", 60) + "int" + rep("]", 60), check.TooComplex},
	{"doubling strings", "const s0 = `x`\n" + chain(60, "const s$j = s$i+s$i\n", "const n = len(s$i)"), check.TooComplex},
	{"doubling strings in shadows", "func f() { const a = `x`;" + rep("{const a = a+a;", 100) + "println(len(a))" + rep("}", 100) + "}", check.TooComplex},
	{"doubling strings by repetition", "const s0 = `x`\n" + chain(60, "const (s$j = s$i+s$i; r$j)\n", "const n = len(r$i)"), check.TooComplex},
	{"long strings added", "const s = `" + rep("x", 1<<20) + "`\nvar n = len(s" + rep("+s", 4000) + ")", check.TooComplex},
	{"doubling inferred types", "func pair[T any](x T) struct{a, b T} { panic(0) }\nfunc f() { x0 := 1\n" + chain(60, "x$j := pair(x$i)\n", "_ = x$i }"), check.TooComplex},
	{"doubling inferred types at package level", "func pair[T any](x T) struct{a, b T} { panic(0) }\nvar x0 = 1\n" + chain(60, "var x$j = pair(x$i)\n", ""), check.TooComplex},
	{"growing nested calls, overestimated", "func pair[A, B any](x A, y B) map[*A]B { panic(0) }\nvar x = " + rep("pair(1,", 60) + "1" + rep(")", 60), check.TooComplex},
	{"doubling two parameters", "type P[A, B any] struct{}\nfunc pair[A, B any](x A, y B) P[A, B] { panic(0) }\nfunc f() { x0 := 1\n" + chain(60, "x$j := pair(x$i, x$i)\n", "_ = x$i }"), check.TooComplex},
	{"doubling methods", "type P[A, B any] struct{}\ntype B[T any] struct{v T}\nfunc (b B[T]) w() B[P[T,T]] { panic(0) }\nvar x = B[int]{}" + rep(".w()", 60), check.TooComplex},
	{"doubling fields", "type P[A, B any] struct{}\ntype B[T any] struct{v *B[P[T,T]]}\nvar x = B[int]{}" + rep(".v", 60), check.TooComplex},
	{"doubling constraints", "func two[A any, B interface{ *struct{x, y A} }](a A) B { panic(0) }\nfunc f() { x0 := 1\n" + chain(60, "x$j := two(x$i)\n", "_ = x$i }"), check.TooComplex},
	{"doubling in shadowed variables", "func pair[T any](x T) struct{a, b T} { panic(0) }\nfunc f() { x := 1;" + rep("{x := pair(x);", 100) + "_ = x" + rep("}", 100) + "}", check.TooComplex},
	{"doubling a large type", "func pair[T any](x T) struct{a, b T} { panic(0) }\nfunc f(x0 struct{" + rep("a, b int;", 50_000) + "}) {\n" + chain(10, "x$j := pair(x$i)\n", "_ = x$i }"), check.TooComplex},
	{"growing inferred types", "func box[T any](x T) []T { panic(0) }\nfunc f() { x0 := 1\n" + chain(20_000, "x$j := box(x$i)\n", "_ = x$i }"), check.TooComplex},
	{"initialization order", "func f() int {\n" + chain(5000, "_=w$i\n", "return 0}\n") + chain(5000, "var w$i=$j\nvar v$i=f()\n", ""), check.TooComplex},
	{"type switch", "func f(x any) { switch x.(type) {" + chain(20_000, "case [$i]int:\n", "case [$i]int:}}"), check.TooComplex},
	{"size of nested structs", "import `unsafe`\n" + chain(200, "type t$i struct{f t$j}\n", "type t$i int\n") + "const n = unsafe.Sizeof(t0{})", ""},

	{"chain of embedded pointers", chain(5000, "type t$i struct{*t$j}\n", "type t$i struct{m int}\n") + "func f(x *t0) {" + rep("x.m=1;", 50_000) + "}", check.TooComplex},
	{"doubling embedded pointers", chain(60, "type t$i struct{*t$j; *u$j}; type u$i struct{*t$j; *u$j}\n", "type (t$i struct{m int}; u$i struct{})\n") + "func f(x *t0) { x.m = 1 }", check.TooComplex},
	{"pointer embedded in itself", "type T struct { *T; a int }; func f(x T) { x.a, x.T.T.a = 1, 2 }", ""},
	{"large struct copied often", "type S struct{" + rep("_ [1]int;", 50_000) + "}\nvar a, b S\nfunc f() {" + rep("a=b;", 50_000) + "}", check.TooComplex},

	{"recursive struct", "type T struct{ t T }", ""},
	{"recursive array", "type T [len(x)]int; var x T", ""},
	{"recursive interface", "type T interface{ T }", ""},
	{"recursive alias", "type T = *T", ""},
	{"recursive constant", "const c = c + 1", ""},
	{"recursive constraint", "type T[P T[P]] struct{}", ""},
	{"endless instantiation", "type T[P any] struct{ f *T[T[P]] }", ""},
	{"endless instantiation and an unused variable", "import \"fmt\"\ntype T[P any] struct{ f []T[T[P]] }\nfunc g(x T[int]) { y := 1; fmt.Printf(\"%d\", x) }", ""},
	{"endless instantiation and a missing import", "import (\"fmt\"; _ \"x.y/z\")\ntype T[P any] struct{ f []T[T[P]] }\nfunc g(x T[int]) { fmt.Printf(\"%d\", x) }", ""},
	{"endless embedding", "import _ \"x.y/z\"\ntype T[P any] struct{ *T[T[P]] `json:\"x\"`; A int `json:\"a\"` }\nvar x T[int]", ""},
	{"endless function", "func f[T any](x T) { f(&x) }", ""},
	{"enormous array", "var x [1<<62]struct{a, b [1<<62]int}; var y [1<<100]int", ""},
	{"enormous shift", "const x = 1<<1000000; const y = 1<<511<<511<<511; const z = 1.0<<999999999999999999999", ""},
	{"enormous exponents", "const x = 1e1000000000 * 0x1p1000000000 / 1e-1000000000", ""},
	{"enormous literal", "const x = " + rep("9", 1<<20), ""},
	{"squared floats", chain(1000, "const c$i = c$j*c$j\n", "const c$i = 1.1"), ""},
	{"hundred thousand elements", "var x = []int{" + rep("1,", 100_000) + "}", ""},
	{"half a million elements", "var x = []int{" + rep("1,", 499_900) + "}", ""},
	{"a million elements", "var x = []int{" + rep("1,", 1_000_000) + "}", check.TooLarge},
	{"hundred thousand errors", "func f() {" + rep("x()\n", 100_000) + "}", ""},
	{"huge error message", "func f(int) {}; func g() { f(" + rep("1,", 100_000) + ") }", ""},
	{"NUL bytes", "var x = 1" + rep("\x00", 1000), ""},
	{"invalid UTF-8", "var x = \"\xff\xfe\"; var \xff int // \xc0\xaf", ""},
	{"byte order mark inside", "var \ufeffx int", ""},
	{"dot imports", "import . \"fmt\"; import . \"strings\"; var _ = Sprint(ToUpper(``))", ""},
}

// TestHostileSourceIsRefusedOrChecked runs each in turn. It bounds what is
// allocated, the garbage included; time is logged, not judged, and an
// explosion would be longer than any test may take. A stack overflow would end
// the test program.
func TestHostileSourceIsRefusedOrChecked(t *testing.T) {
	for _, tt := range hostile {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			report, err := checkFile(t, "package p\n"+tt.src)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			what := ""
			switch {
			case tt.want != "":
				if in := refusal(t, err); in.Reason != tt.want {
					t.Errorf("refused as %s, want %s: %v", in.Reason, tt.want, in)
				}
				what = err.Error()
			case err != nil:
				t.Fatalf("got error %v", err)
			default:
				what = fmt.Sprintf("%d diagnostics", len(report.Diagnostics))
			}
			allocated := (after.TotalAlloc - before.TotalAlloc) >> 20
			t.Logf("%6v %5d MB allocated: %.150s", took.Round(time.Millisecond), allocated, what)
			if allocated > 1000 {
				t.Errorf("allocated %d MB", allocated)
			}
		})
	}
}

func TestFileOfOnlyAByteOrderMarkIsASyntaxError(t *testing.T) {
	for _, src := range []string{"", "\ufeff", "\x00", "\xff"} {
		rep, err := checkFile(t, src)
		if err != nil {
			t.Errorf("%q: %v", src, err)
			continue
		}
		if len(rep.Diagnostics) == 0 || rep.Diagnostics[0].Code != check.CodeSyntax {
			t.Errorf("%q: got %s", src, found(rep))
		}
	}
}

// TestExplosionsCannotBeSpreadOverPackages doubles a type in three packages,
// each of which is harmless alone.
func TestExplosionsCannotBeSpreadOverPackages(t *testing.T) {
	files := []string{"go.mod", "module m", "p0/a.go", "package p0\ntype T0 int"}
	for p := 1; p <= 3; p++ {
		src := fmt.Sprintf("package p%d\nimport \"m/p%d\"\ntype T%d = p%d.T0\n", p, p-1, 15, p-1)
		src += chain(15, "type T$i struct{a, b T$j}\n", "")
		files = append(files, fmt.Sprintf("p%d/a.go", p), src)
	}
	s, err := check.FromTar(strings.NewReader(string(archive(t, files...))), check.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = checker(t).Check(context.Background(), s)
	if in := refusal(t, err); in.Reason != check.TooComplex {
		t.Errorf("got %v", err)
	}
}

func TestRefusalNamesWhatAndTheLimit(t *testing.T) {
	s, err := check.FromFile("deep.go", strings.NewReader("package p\nvar x = ((((1))))"), check.Limits{Nesting: 3})
	if err != nil {
		t.Fatal(err)
	}
	_, err = checker(t).Check(context.Background(), s)
	if got, want := refusal(t, err).Error(), "check: guard: deep.go: brackets nested too deep, the limit is 3"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNegativeLimitIsTheCallersMistake(t *testing.T) {
	_, err := check.FromFile("a.go", strings.NewReader("package p"), check.Limits{Depth: -1})
	if err == nil || errors.As(err, new(*check.InputError)) {
		t.Errorf("got %v", err)
	}
}
