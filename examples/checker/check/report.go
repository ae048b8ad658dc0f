package check

import (
	"cmp"
	"go/token"
	"slices"
	"strings"
)

// A Report is what a check found.
type Report struct {
	// Package is the import path of a standard package, the path of a
	// module, or the name of the package if it has no path.
	Package     string       `json:"package"`
	Files       int          `json:"files"` // Go files checked
	Lines       int          `json:"lines"` // lines in them
	Diagnostics []Diagnostic `json:"diagnostics"`
	// Truncated says that there were more diagnostics than the limit.
	Truncated bool `json:"truncated"`
}

// A Diagnostic is one finding. Line and Col count from 1, Col in bytes.
type Diagnostic struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Col     int    `json:"col"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// The codes of diagnostics that are not the name of an analysis pass.
const (
	CodeSyntax         = "syntax"          // from the parser
	CodeType           = "type"            // from go/types
	CodeImport         = "import"          // an import that cannot be had
	CodeUnusedImport   = "unused-import"   // from go/types
	CodeUnusedVariable = "unused-variable" // from go/types
)

// classify returns the code for a message of go/types, which does not export
// its own codes.
func classify(msg string) string {
	switch {
	case strings.HasPrefix(msg, "declared and not used: "),
		strings.HasSuffix(msg, " declared and not used") && !isUnusedLabel(msg):
		return CodeUnusedVariable
	case strings.HasPrefix(msg, `"`) && strings.HasSuffix(msg, " and not used") && strings.Contains(msg, `" imported`):
		return CodeUnusedImport
	}
	return CodeType
}

// harmless reports whether a message of go/types says that all is well but for
// something unused. Types.Error.Soft promises as much, and does not keep it.
func harmless(msg string) bool {
	return classify(msg) != CodeType || isUnusedLabel(msg)
}

func isUnusedLabel(msg string) bool {
	return strings.HasPrefix(msg, "label ") && strings.HasSuffix(msg, " declared and not used")
}

// comparePositions orders diagnostics by file, line and column, and whole
// diagnostics that share a position by code and message.
func comparePositions(a, b Diagnostic) int {
	return cmp.Or(
		cmp.Compare(a.File, b.File),
		cmp.Compare(a.Line, b.Line),
		cmp.Compare(a.Col, b.Col),
		cmp.Compare(a.Code, b.Code),
		cmp.Compare(a.Message, b.Message),
	)
}

// A collector keeps the first diagnostics by position, in memory bounded by
// how many it keeps.
type collector struct {
	fset      *token.FileSet
	limit     int
	found     []Diagnostic
	truncated bool
}

// add records a finding.
func (c *collector) add(pos token.Pos, code, msg string) {
	p := c.fset.PositionFor(pos, false)
	c.addAt(p, code, msg)
}

// addAt records a finding whose position is already known.
func (c *collector) addAt(p token.Position, code, msg string) {
	if len(c.found) >= 2*c.limit {
		c.settle()
	}
	c.found = append(c.found, Diagnostic{p.Filename, p.Line, p.Column, code, shorten(msg)})
}

// settle sorts what was found, drops what was found twice and what exceeds
// the limit.
func (c *collector) settle() []Diagnostic {
	slices.SortFunc(c.found, comparePositions)
	c.found = slices.Compact(c.found)
	if len(c.found) > c.limit {
		c.found = c.found[:c.limit]
		c.truncated = true
	}
	return c.found
}
