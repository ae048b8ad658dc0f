package check

import (
	"context"
	"errors"
	"go/ast"
	"go/token"
	"go/types"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
)

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
				// What has no type there has none here.
				u.hard = u.hard || dep.hard
				u.unproven = u.unproven || dep.unproven
			}
		case path == "C":
			r.found.add(at, CodeImport, `import "C": cgo is not supported`)
		default:
			failed = r.resolveStd(ctx, u, path, at)
		}
	})
	return failed
}

// resolveStd finds an imported package in the standard library.
func (r *run) resolveStd(ctx context.Context, u *unit, path string, at token.Pos) error {
	place := path
	switch {
	case r.ofStd:
		place = vendored(path)
	case !stdPath(path):
		r.notFound(path, at)
		return nil
	case slices.Contains(strings.Split(path, "/"), "internal"):
		r.found.add(at, CodeImport, "use of internal package "+path+" not allowed")
		return nil
	}
	pkg, err := r.std.load(ctx, place)
	if in := (*InputError)(nil); errors.As(err, &in) && in.Reason == NotFound {
		r.notFound(path, at)
		return nil
	}
	if err != nil {
		return err
	}
	u.imports[path] = pkg
	return nil
}

func (r *run) notFound(path string, at token.Pos) {
	msg := strconv.Quote(path) + " is not in the standard library"
	if r.module.path != "" {
		msg += " nor in the posted module"
	}
	r.found.add(at, CodeImport, msg)
}

// typeCheck gives a unit its types, and reports its type errors.
func (r *run) typeCheck(ctx context.Context, u *unit) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	u.info = &types.Info{
		Types:        make(map[ast.Expr]types.TypeAndValue),
		Instances:    make(map[*ast.Ident]types.Instance),
		Defs:         make(map[*ast.Ident]types.Object),
		Uses:         make(map[*ast.Ident]types.Object),
		Implicits:    make(map[ast.Node]types.Object),
		Selections:   make(map[*ast.SelectorExpr]*types.Selection),
		Scopes:       make(map[ast.Node]*types.Scope),
		FileVersions: make(map[*ast.File]string),
	}
	conf := r.config(u)
	conf.Error = func(err error) { r.typeError(u, err) }
	pkg, err := goTypes(conf, r.fset, u, u.info)
	r.flushError(u)
	if err != nil {
		return err
	}
	u.pkg = pkg
	if len(u.errors) > 0 && !u.unproven {
		u.unproven, err = r.expandsForever(u)
	}
	return err
}

func (r *run) config(u *unit) *types.Config {
	return &types.Config{Importer: u.imports, Sizes: r.sizes, GoVersion: r.module.goVersion}
}

// typeError records one error of go/types.
func (r *run) typeError(u *unit, err error) {
	te, ok := err.(types.Error)
	if !ok {
		return
	}
	if len(u.errors) < 100 { // enough for the passes, which rarely look
		u.errors = append(u.errors, te)
	}
	switch {
	case strings.HasPrefix(te.Msg, "could not import "), strings.HasPrefix(te.Msg, "invalid import path"):
		u.hard = true // but reported by resolve, or by the package imported
	case strings.HasPrefix(te.Msg, "\t") && u.last != nil:
		at := r.fset.PositionFor(te.Pos, false)
		u.last.msg += "\n\t" + at.String() + ": " + strings.TrimSpace(te.Msg)
	default:
		r.flushError(u)
		u.last = &typeError{te.Pos, te.Msg}
		u.hard = u.hard || !harmless(te.Msg)
	}
}

// A typeError is an error whose continuations may still come.
type typeError struct {
	pos token.Pos
	msg string
}

// flushError reports the last error, to which nothing will be added.
func (r *run) flushError(u *unit) {
	if u.last != nil {
		r.found.add(u.last.pos, classify(u.last.msg), u.last.msg)
		u.last = nil
	}
}

// expandsForever reports whether a unit with errors may declare types that
// expand without end, such as
//
//	type T[P any] struct{ next *T[T[P]] }
//
// Go/types finds them, but only in packages without any other error; the
// passes that follow types would recurse until the stack overflows. So check
// the declarations once more, without the function bodies where most errors
// are.
func (r *run) expandsForever(u *unit) (bool, error) {
	if !u.declaresGenericType() {
		return false, nil
	}
	again := false
	conf := r.config(u)
	conf.IgnoreFuncBodies = true
	conf.Error = func(error) { again = true }
	_, err := goTypes(conf, r.fset, u, nil)
	return again, err
}

func (u *unit) declaresGenericType() bool {
	for _, f := range u.files {
		for _, d := range f.tree.Decls {
			d, ok := d.(*ast.GenDecl)
			if !ok || d.Tok != token.TYPE {
				continue
			}
			for _, spec := range d.Specs {
				if spec.(*ast.TypeSpec).TypeParams != nil {
					return true
				}
			}
		}
	}
	return false
}

// goTypes runs go/types, whose panics become errors. Errors in the source go
// to conf.Error and are not returned.
func goTypes(conf *types.Config, fset *token.FileSet, u *unit, info *types.Info) (pkg *types.Package, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &InternalError{Stage: "go/types", Package: u.path, Value: v, Stack: debug.Stack()}
		}
	}()
	pkg, _ = conf.Check(u.path, fset, u.trees(), info)
	return pkg, nil
}
