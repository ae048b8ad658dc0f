package check

import (
	"context"
	"errors"
	"go/token"
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
	err = r.checkSafely(ctx, src)
	if ie := (*InternalError)(nil); errors.As(err, &ie) {
		if ie.Stack != nil {
			c.std.CompareAndSwap(r.std, newLibrary(c.root))
		}
		return r.report(), err
	}
	if err != nil {
		return nil, err
	}
	return r.report(), nil
}
