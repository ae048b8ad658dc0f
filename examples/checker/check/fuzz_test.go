package check_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/hemgo/hem/examples/checker/check"
)

// FuzzArchive feeds archives, whole or not, and bare source. Whatever they
// are, the answer is a report or a refusal.
func FuzzArchive(f *testing.F) {
	for _, tt := range hostile {
		if len(tt.src) < 2000 {
			f.Add(archive(f, "a.go", "package p\n"+tt.src))
			f.Add([]byte("package p\n" + tt.src))
		}
	}
	module := archive(f, "go.mod", "module m\ngo 1.22", "a.go", "package a\nimport _ \"m/b\"", "b/b.go", "package b\nimport \"fmt\"\nfunc F[T any](x T) { fmt.Printf(\"%d\", x) }")
	f.Add(module)
	f.Add(zip(f, module))
	lim := check.Limits{Bytes: 16 << 10, Tokens: 4000, Files: 8, Nesting: 50, Depth: 300, Growth: 1 << 14, References: 2000, Diagnostics: 20}
	f.Fuzz(func(t *testing.T, data []byte) {
		sources := []func() (*check.Source, error){
			func() (*check.Source, error) { return check.FromTar(bytes.NewReader(data), lim) },
			func() (*check.Source, error) { return check.FromFile("a.go", bytes.NewReader(data), lim) },
		}
		for _, read := range sources {
			s, err := read()
			if err == nil {
				var rep *check.Report
				if rep, err = checker(t).Check(context.Background(), s); err == nil && len(rep.Diagnostics) > lim.Diagnostics {
					t.Errorf("%d diagnostics", len(rep.Diagnostics))
				}
			}
			if err != nil && !errors.As(err, new(*check.InputError)) {
				t.Error(err)
			}
		}
	})
}
