package check

import (
	"bytes"
	"context"
	"errors"
	"go/token"
	"runtime/debug"

	"golang.org/x/tools/go/analysis"
)

// A run is one call of Check.
type run struct {
	passes []*analysis.Analyzer
	std    *library
	limits Limits
	fset   *token.FileSet
	found  *collector
	facts  map[factKey]analysis.Fact
	sizes  *sizes

	ofStd  bool // the source is a package of the standard library
	module module
	units  []*unit // dependencies first, once linked
	name   string  // of the report
}

// checkSafely is check, whose panics become errors. Those of go/types and of
// the passes already are, by name.
func (r *run) checkSafely(ctx context.Context, src *Source) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &InternalError{Stage: "check", Package: r.name, Value: v, Stack: debug.Stack()}
		}
	}()
	return r.check(ctx, src)
}

// check takes a source through all steps.
func (r *run) check(ctx context.Context, src *Source) (err error) {
	r.ofStd = src.Path != ""
	var nested []string
	if r.module, nested, err = findModule(src); err != nil {
		return err
	}
	r.units = layOut(src, r.module, nested)
	if len(r.units) == 0 {
		return &InputError{Reason: Malformed, Op: "read source",
			What: "no Go files for " + hostContext.GOOS + "/" + hostContext.GOARCH}
	}
	if err := r.parse(ctx); err != nil {
		return err
	}
	r.settlePaths(src)
	if err := guard(ctx, r.units, r.limits); err != nil {
		return err
	}
	r.units = link(r.units, r.module.path != "", r.found)
	for _, u := range r.units {
		if err := r.checkUnit(ctx, u); err != nil {
			return err
		}
	}
	return nil
}

// parse scans and parses all files.
func (r *run) parse(ctx context.Context) error {
	left := r.limits
	for _, u := range r.units {
		for _, f := range u.files {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			tokens, clean, err := scan(f.name, f.src, left)
			if err != nil {
				if in := (*InputError)(nil); errors.As(err, &in) && in.Reason == TooLarge {
					in.Limit = r.limits.Tokens
				}
				return err
			}
			left.Tokens -= tokens
			u.parse(f, clean, r.fset, r.found)
			if err := measureTree(f.name, f.tree, r.limits); err != nil {
				return err
			}
		}
	}
	return nil
}

// settlePaths names the units that have no import path, and the report.
func (r *run) settlePaths(src *Source) {
	for _, u := range r.units {
		if u.path == "" && u.dir != "." {
			u.path = u.dir
		} else if u.path == "" {
			u.path = u.files[0].tree.Name.Name
		}
	}
	switch {
	case src.Path != "":
		r.name = src.Path
	case r.module.path != "":
		r.name = r.module.path
	default:
		r.name = r.units[0].files[0].tree.Name.Name
	}
}

// checkUnit type-checks and vets one unit, whose dependencies have been.
func (r *run) checkUnit(ctx context.Context, u *unit) error {
	if u.broken {
		return nil
	}
	if err := r.resolve(ctx, u); err != nil {
		return err
	}
	if err := r.typeCheck(ctx, u); err != nil {
		return err
	}
	err := r.vet(ctx, u)
	u.info, u.errors = nil, nil // facts keep what others need
	return err
}

// report makes the report of what was found.
func (r *run) report() *Report {
	rep := &Report{Package: r.name, Diagnostics: r.found.settle(), Truncated: r.found.truncated}
	if rep.Diagnostics == nil {
		rep.Diagnostics = []Diagnostic{}
	}
	for _, u := range r.units {
		rep.Files += len(u.files)
		for _, f := range u.files {
			rep.Lines += bytes.Count(f.src, []byte("\n"))
			if n := len(f.src); n > 0 && f.src[n-1] != '\n' {
				rep.Lines++
			}
		}
	}
	return rep
}
