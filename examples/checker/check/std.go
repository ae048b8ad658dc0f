package check

import (
	"bytes"
	"errors"
	"fmt"
	"go/build"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
)

// FromStd reads a package of the installed standard library: the files that
// build for this machine with cgo off. Commands and vendored packages are not
// part of it, packages named internal are.
func FromStd(importPath string, lim Limits) (*Source, error) {
	lim, err := lim.withDefaults()
	if err != nil {
		return nil, err
	}
	root, err := goroot()
	if err != nil {
		return nil, err
	}
	if !stdPath(importPath) {
		return nil, notFound(importPath)
	}
	files, err := readStd(root, importPath)
	if err != nil {
		return nil, err
	}
	size := 0
	for _, f := range files {
		size += len(f.Data)
		if len(f.Data) > lim.FileBytes {
			return nil, &InputError{Reason: TooLarge, Op: "read std", Name: f.Name, What: "too many bytes", Limit: lim.FileBytes}
		}
	}
	switch {
	case size > lim.Bytes:
		return nil, &InputError{Reason: TooLarge, Op: "read std", Name: importPath, What: "too many bytes", Limit: lim.Bytes}
	case len(files) > lim.Files:
		return nil, &InputError{Reason: TooLarge, Op: "read std", Name: importPath, What: "too many files", Limit: lim.Files}
	}
	return &Source{Path: importPath, Files: files, Limits: lim}, nil
}

// stdPath reports whether p may be the path of a standard package. It does not
// look whether there is one: it makes p safe to look for.
func stdPath(p string) bool {
	if p == "" || len(p) > 200 || badName(p) != "" || skipped(p) {
		return false
	}
	for _, r := range p {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '/', r == '_', r == '-':
		default:
			return false // a dot begins a host name, here
		}
	}
	first, _, _ := strings.Cut(p, "/")
	return first != "cmd" && p != "builtin"
}

// goroot finds the installed Go once.
var goroot = sync.OnceValues(func() (string, error) {
	if root := build.Default.GOROOT; isGoroot(root) {
		return root, nil
	}
	// Binaries built with -trimpath do not know.
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if root := strings.TrimSpace(string(out)); isGoroot(root) {
		return root, nil
	}
	return "", errors.Join(errors.New("check: no standard library: GOROOT is not set and no go command is in PATH"), err)
})

func isGoroot(root string) bool {
	_, err := os.Stat(filepath.Join(root, "src", "fmt"))
	return root != "" && err == nil
}

// hostContext is how files are chosen: this machine, no cgo.
var hostContext = func() build.Context {
	ctxt := build.Default
	ctxt.CgoEnabled = false
	return ctxt
}()

// buildable reports whether a file with this name and content is chosen by its
// build constraints.
func buildable(name string, data []byte) bool {
	ctxt := hostContext
	ctxt.JoinPath = path.Join
	ctxt.OpenFile = func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
	ok, err := ctxt.MatchFile(path.Dir(name), path.Base(name))
	// A file whose header cannot be read is kept for the parser to explain.
	return ok || err != nil
}

// readStd reads the buildable files of a package below GOROOT/src, whose path
// may begin with vendor/. The names of files begin with the path.
func readStd(root, importPath string) ([]File, error) {
	dir := filepath.Join(root, "src", filepath.FromSlash(importPath))
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notFound(importPath)
	}
	if err != nil {
		return nil, fmt.Errorf("check: read std: %w", err)
	}
	var files []File
	for _, e := range entries {
		if e.IsDir() || path.Ext(e.Name()) != ".go" || skipped(e.Name()) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("check: read std: %w", err)
		}
		name := path.Join(importPath, e.Name())
		if buildable(name, data) && !importsC(data) {
			files = append(files, File{name, data})
		}
	}
	if len(files) == 0 {
		return nil, notFound(importPath)
	}
	return files, nil
}

// importsC reports whether a standard file is for cgo, constraint or not.
func importsC(data []byte) bool {
	f, err := parser.ParseFile(token.NewFileSet(), "", data, parser.ImportsOnly)
	if err != nil {
		return false
	}
	for _, spec := range f.Imports {
		if spec.Path.Value == `"C"` {
			return true
		}
	}
	return false
}

func notFound(importPath string) *InputError {
	return &InputError{Reason: NotFound, Op: "read std", Name: shorten(importPath),
		What: "no such package in the standard library"}
}
