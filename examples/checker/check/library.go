package check

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
)

// A library holds the type-checked packages of the standard library, each
// without function bodies, each checked once by whoever needs it first.
type library struct {
	root string
	fset *token.FileSet

	mu   sync.Mutex
	held map[string]*holding // by path below GOROOT/src

	// L1. A holding in held is being loaded by exactly one goroutine, until
	//     its done is closed; its fields are not written afterwards.
	// L2. A load waits only for packages it imports, and imports among
	//     standard packages have no cycles, so loads never wait for each other
	//     in a ring.
	// L3. A load abandoned because its ctx ended leaves held as if it had not
	//     begun.
}

// A holding is a package, or the reason why there is none.
type holding struct {
	done chan struct{}
	pkg  *types.Package
	err  error
}

func newLibrary(root string) *library {
	return &library{root: root, fset: token.NewFileSet(), held: make(map[string]*holding)}
}

// load returns a package, checking it and what it imports if nobody has.
// Callers that find it being checked wait for that.
//
// # Cancellation
//
// If ctx ends first, load returns context.Cause. It looks between packages;
// one package takes milliseconds.
func (l *library) load(ctx context.Context, path string) (*types.Package, error) {
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	for {
		h, mine := l.claim(path)
		if mine {
			l.fill(ctx, path, h)
		}
		if !h.loaded() {
			select {
			case <-h.done:
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		}
		if !errors.As(h.err, new(abandoned)) {
			return h.pkg, h.err
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		// Another caller gave up: our turn, perhaps.
	}
}

// loaded reports whether a holding is open to everybody.
func (h *holding) loaded() bool {
	select {
	case <-h.done:
		return true
	default:
		return false
	}
}

// claim returns the holding of a path, and whether the caller is to fill it.
func (l *library) claim(path string) (h *holding, mine bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h := l.held[path]; h != nil {
		return h, false
	}
	h = &holding{done: make(chan struct{})}
	l.held[path] = h
	return h, true
}

// abandoned is the error of a load whose caller's ctx ended.
type abandoned struct{ cause error }

func (a abandoned) Error() string { return "load abandoned: " + a.cause.Error() }

// fill loads the package of a holding and opens it to everybody: L1, L3.
func (l *library) fill(ctx context.Context, path string, h *holding) {
	defer close(h.done)
	defer func() {
		if v := recover(); v != nil {
			h.err = &InternalError{Stage: "go/types", Package: path, Value: v, Stack: debug.Stack()}
		}
		if errors.As(h.err, new(abandoned)) {
			l.mu.Lock()
			delete(l.held, path)
			l.mu.Unlock()
		}
	}()
	h.pkg, h.err = l.check(ctx, path)
}

// check parses and type-checks one package.
func (l *library) check(ctx context.Context, path string) (*types.Package, error) {
	sources, err := readStd(l.root, path)
	if err != nil {
		return nil, err
	}
	var trees []*ast.File
	imports := importMap{}
	for _, src := range sources {
		if ctx.Err() != nil {
			return nil, abandoned{context.Cause(ctx)}
		}
		tree, err := parser.ParseFile(l.fset, src.Name, src.Data, parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("check: standard library: %w", err)
		}
		for _, spec := range tree.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			if imports[name] != nil {
				continue
			}
			pkg, err := l.load(ctx, vendored(name))
			if ctx.Err() != nil {
				return nil, abandoned{context.Cause(ctx)}
			}
			if err != nil {
				return nil, err
			}
			imports[name] = pkg
		}
		trees = append(trees, tree)
	}
	conf := types.Config{
		Importer:         imports,
		IgnoreFuncBodies: true,
		Sizes:            types.SizesFor("gc", hostContext.GOARCH),
		Error:            func(error) {}, // check the rest; the first is returned
	}
	pkg, err := conf.Check(path, l.fset, trees, nil)
	if err != nil {
		return nil, fmt.Errorf("check: standard library: %w", err)
	}
	return pkg, nil
}

// vendored returns where the standard library keeps a package it imports.
func vendored(importPath string) string {
	if first, _, _ := strings.Cut(importPath, "/"); strings.Contains(first, ".") {
		return "vendor/" + importPath
	}
	return importPath
}

// An importMap is a types.Importer that has all answers beforehand.
type importMap map[string]*types.Package

// errNotImported marks an import that was reported by this package, or is the
// consequence of something that was. Go/types takes the package that comes
// with it for a fake, and forgives what is missing in it.
var errNotImported = errors.New("not imported")

// Import returns the package found for a path, or a fake.
func (m importMap) Import(path string) (*types.Package, error) {
	if pkg := m[path]; pkg != nil {
		return pkg, nil
	}
	return types.NewPackage(path, guessName(path)), errNotImported
}

// guessName guesses the name of a package nobody has seen from its path.
func guessName(path string) string {
	elems := strings.Split(path, "/")
	name := elems[len(elems)-1]
	if len(elems) > 1 && len(name) > 1 && name[0] == 'v' && strings.Trim(name[1:], "0123456789") == "" {
		name = elems[len(elems)-2] // example.com/yaml/v3
	}
	name, _, _ = strings.Cut(name, ".") // gopkg.in/yaml.v3
	name = strings.TrimPrefix(name, "go-")
	name = strings.TrimSuffix(name, "-go")
	if i := strings.LastIndex(name, "-"); i >= 0 {
		name = name[i+1:]
	}
	if !token.IsIdentifier(name) {
		return "unknown"
	}
	return name
}
