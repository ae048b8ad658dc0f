package check

import (
	"bytes"
	"context"
	"errors"
	"go/token"
	"strings"
	"sync/atomic"

	"golang.org/x/tools/go/analysis"
)

// Config says how a Checker works. Its zero value is useful.
type Config struct {
	// Passes are the analysis passes to run; those they require are added.
	// The default is what Passes returns.
	Passes []*analysis.Analyzer
}

// A Checker checks sources. It holds the standard library, as far as any
// source has imported it.
type Checker struct {
	root   string
	passes []*analysis.Analyzer // prerequisites first
	std    atomic.Pointer[library]
}

// New returns a Checker. It fails if there is no standard library to check
// against, or if a pass is not valid.
func New(cfg Config) (*Checker, error) {
	root, err := goroot()
	if err != nil {
		return nil, err
	}
	if cfg.Passes == nil {
		cfg.Passes = Passes()
	}
	ordered, err := orderPasses(cfg.Passes)
	if err != nil {
		return nil, err
	}
	c := &Checker{root: root, passes: ordered}
	c.std.Store(newLibrary(root))
	return c, nil
}

// Warm loads standard packages, and what they import, before a source asks
// for them.
//
// # Cancellation
//
// If ctx ends first, Warm returns context.Cause; what it loaded stays.
func (c *Checker) Warm(ctx context.Context, paths ...string) error {
	for _, p := range paths {
		if !stdPath(p) {
			return notFound(p)
		}
		if _, err := c.std.Load().load(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// Check parses, type-checks and vets a source, with one goroutine and no I/O
// but that of loading standard packages for the first time.
//
// A package with syntax errors is not type-checked. A package with type errors
// is vetted by the passes that can bear them, and code that go/types could
// not prove free of endlessly expanding types by none.
//
// The error is an [*InputError] if the source is refused, and an
// [*InternalError] if go/types or a pass panicked; with the latter comes the
// report so far. Since a panic may leave types shared with other checks half
// done, the packages of the standard library are then loaded anew.
//
// # Cancellation
//
// If ctx ends first, Check returns context.Cause. It looks between files,
// packages and passes; go/types and a pass run to their end once begun.
func (c *Checker) Check(ctx context.Context, src *Source) (*Report, error) {
	lim, err := src.Limits.withDefaults()
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	// Types of the standard library carry positions of another file set.
	// Beginning beyond all of those, ours cannot be mistaken for them.
	fset.AddFile("", 1<<30, 0)
	r := &run{
		passes: c.passes,
		std:    c.std.Load(),
		limits: lim,
		fset:   fset,
		found:  &collector{fset: fset, limit: lim.Diagnostics},
		facts:  make(map[factKey]analysis.Fact),
		sizes:  newSizes(),
	}
	err = r.check(ctx, src)
	if ie := (*InternalError)(nil); errors.As(err, &ie) {
		c.std.CompareAndSwap(r.std, newLibrary(c.root))
		return r.report(), err
	}
	if err != nil {
		return nil, err
	}
	return r.report(), nil
}

// A run is one call of Check.
type run struct {
	passes []*analysis.Analyzer
	std    *library
	limits Limits
	fset   *token.FileSet
	found  *collector
	facts  map[factKey]analysis.Fact
	sizes  *sizes

	module module
	units  []*unit // dependencies first, once linked
	name   string  // of the report
}

// check takes a source through all steps.
func (r *run) check(ctx context.Context, src *Source) (err error) {
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
	r.units = link(r.units, r.found)
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

// resolve finds the packages that a unit imports, and reports those that are
// not to be had.
func (r *run) resolve(ctx context.Context, u *unit) error {
	var failed error
	u.importsOf(func(path string, at token.Pos) {
		if failed != nil {
			return
		}
		dep, known := u.deps[path]
		switch {
		case known:
			if dep != nil && dep.pkg != nil {
				u.imports[path] = dep.pkg
				u.unproven = u.unproven || dep.unproven
			}
		case path == "C":
			r.found.add(at, CodeImport, "cgo is not supported")
		default:
			failed = r.resolveStd(ctx, u, path, at)
		}
	})
	return failed
}

// resolveStd finds an imported package in the standard library.
func (r *run) resolveStd(ctx context.Context, u *unit, path string, at token.Pos) error {
	ofStd := r.module.path == "" && u.path == r.name && strings.HasPrefix(u.files[0].name, u.path+"/")
	_ = ofStd
	return nil
}
