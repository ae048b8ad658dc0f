package check_test

import (
	"context"
	"testing"

	"github.com/hemgo/hem/examples/checker/check"
)

// BenchmarkCheck checks standard packages whose imports are loaded.
func BenchmarkCheck(b *testing.B) {
	for _, p := range []string{"strings", "fmt", "time", "encoding/json", "os", "crypto/tls", "net", "go/types", "net/http", "runtime"} {
		b.Run(p, func(b *testing.B) {
			s, err := check.FromStd(p, check.Limits{})
			if err != nil {
				b.Fatal(err)
			}
			c := checker(b)
			if _, err := c.Check(context.Background(), s); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Check(context.Background(), s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkWarm loads net/http and all that it imports into a new Checker.
func BenchmarkWarm(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		c, err := check.New(check.Config{})
		if err != nil {
			b.Fatal(err)
		}
		if err := c.Warm(context.Background(), "net/http"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSlowestAllowed checks sources that the limits let pass and that
// were written to take long. The package comment quotes it.
func BenchmarkSlowestAllowed(b *testing.B) {
	for _, bb := range []struct{ name, src string }{
		{"copies", "type S struct{" + rep("_ [1]int;", 6000) + "}\nvar a, b S\nfunc f() {" + rep("a=b;", 40_000) + "}"},
		{"methods", "type I interface{" + chain(40_000, "m$i()\n", "}") + "\ntype T struct{}\n" + chain(40_000, "func (T) m$i() {}\n", "") + "var _ I = T{}"},
		{"labels", "func f() {" + chain(60_000, "goto l$i\n", "") + chain(60_000, "l$i:;\n", "}")},
		{"else if", rep("func _(x bool) { if x {} "+rep("else if x {} ", 4900)+"}\n", 35)},
		{"selectors", "type T struct{ x *T }\nfunc (t T) m(T) T { return t }\nvar z T\nfunc f() {" + rep("z.x.m(z.x.m(z))\n", 58_000) + "}"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := checkFile(b, "package p\n"+bb.src); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
