package check

import (
	"fmt"
	"io"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Source is Go source ready to be checked: plain data, which may travel.
type Source struct {
	// Path is the import path of a standard package, and empty otherwise.
	Path string
	// Archive says that build constraints choose among the files and that
	// directories are packages; otherwise all files are one package.
	Archive bool
	// Files are the Go files, and go.mod files if there are any.
	Files []File
	// Limits are the limits it was read with, and will be checked with.
	Limits Limits
}

// A File is a file of a Source.
type File struct {
	Name string // slash-separated, relative, clean
	Data []byte
}

// FromFile reads one Go file. Its build constraints are not obeyed: whoever
// posts one file wants it checked.
func FromFile(name string, r io.Reader, lim Limits) (*Source, error) {
	lim, err := lim.withDefaults()
	if err != nil {
		return nil, err
	}
	if name == "" {
		name = "main.go"
	}
	if what := badName(name); what != "" {
		return nil, &InputError{Reason: Malformed, Op: "read file", Name: shorten(name), What: what}
	}
	if path.Ext(name) != ".go" {
		return nil, &InputError{Reason: Malformed, Op: "read file", Name: name, What: "not named *.go"}
	}
	limit := min(lim.FileBytes, lim.Bytes)
	data, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return nil, fmt.Errorf("check: read file: %s: %w", name, err)
	}
	if len(data) > limit {
		return nil, &InputError{Reason: TooLarge, Op: "read file", Name: name, What: "too many bytes", Limit: limit}
	}
	return &Source{Files: []File{{name, data}}, Limits: lim}, nil
}

// badName says what is wrong with the name of a file, or nothing.
func badName(name string) string {
	switch {
	case len(name) > 512:
		return "name longer than 512 bytes"
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return "name is not printable"
	case strings.Contains(name, `\`):
		return "backslash in name"
	case strings.HasPrefix(name, "/"):
		return "absolute path"
	case path.Clean(name) != name:
		return "path is not clean"
	case name == ".." || strings.HasPrefix(name, "../"):
		return "path leads out of the archive"
	}
	return ""
}

// skipped reports whether a clean path lies where the go command would not
// look for packages, or is a test.
func skipped(name string) bool {
	if strings.HasSuffix(name, "_test.go") {
		return true
	}
	for elem := range strings.SplitSeq(name, "/") {
		if elem == "testdata" || elem == "vendor" || elem[0] == '_' || elem[0] == '.' {
			return true
		}
	}
	return false
}

// shorten makes a text that came from outside fit for a message.
func shorten(s string) string {
	const most = 2000
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
