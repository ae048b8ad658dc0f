package check

import (
	"context"
	"fmt"
	"go/types"
	"os"
	"runtime/debug"

	"golang.org/x/tools/go/analysis"
)

// vet runs the passes over a type-checked unit.
func (r *run) vet(ctx context.Context, u *unit) error {
	if u.unproven {
		return nil
	}
	results := make(map[*analysis.Analyzer]any)
	for _, a := range r.passes {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !applies(a, u, results) {
			continue
		}
		result, err := r.runPass(a, u, results)
		if err != nil {
			return err
		}
		results[a] = result
	}
	return nil
}

// applies reports whether a pass can bear the errors in a unit, and has what
// it requires.
func applies(a *analysis.Analyzer, u *unit, results map[*analysis.Analyzer]any) bool {
	if u.hard && !a.RunDespiteErrors {
		return false
	}
	for _, req := range a.Requires {
		if _, ok := results[req]; !ok {
			return false
		}
	}
	return true
}

// runPass runs one pass, whose panics become errors.
func (r *run) runPass(a *analysis.Analyzer, u *unit, results map[*analysis.Analyzer]any) (result any, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &InternalError{Stage: a.Name, Package: u.path, Value: v, Stack: debug.Stack()}
		}
	}()
	pass := &analysis.Pass{
		Analyzer:   a,
		Fset:       r.fset,
		Files:      u.trees(),
		Pkg:        u.pkg,
		TypesInfo:  u.info,
		TypesSizes: r.sizes,
		TypeErrors: u.errors,
		Module:     &analysis.Module{Path: r.module.path, GoVersion: r.module.goVersion},
		ResultOf:   results,
		ReadFile:   u.readFile,
		Report:     func(d analysis.Diagnostic) { r.found.add(d.Pos, a.Name, d.Message) },
	}
	r.bindFacts(pass)
	result, err = a.Run(pass)
	if err != nil {
		err = &InternalError{Stage: a.Name, Package: u.path, Value: err}
	}
	return result, err
}

// readFile returns a file of the unit as it was posted.
func (u *unit) readFile(name string) ([]byte, error) {
	for _, f := range u.files {
		if f.name == name {
			return f.src, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", name, os.ErrNotExist)
}

// endsProgram lists the functions of the standard library that do not return
// and that ctrlflow would need facts to know: its own list has the rest.
var endsProgram = map[string]bool{
	"log.Fatal": true, "log.Fatalf": true, "log.Fatalln": true,
	"log.Panic": true, "log.Panicf": true, "log.Panicln": true,
	"(*log.Logger).Fatal": true, "(*log.Logger).Fatalf": true, "(*log.Logger).Fatalln": true,
	"(*log.Logger).Panic": true, "(*log.Logger).Panicf": true, "(*log.Logger).Panicln": true,
	"(*testing.common).FailNow": true, "(*testing.common).Fatal": true, "(*testing.common).Fatalf": true,
	"(*testing.common).SkipNow": true, "(*testing.common).Skip": true, "(*testing.common).Skipf": true,
}

// knownToEnd reports whether obj is one of those.
func knownToEnd(obj types.Object) bool {
	f, ok := obj.(*types.Func)
	return ok && endsProgram[f.FullName()]
}
