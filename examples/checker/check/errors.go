package check

import "fmt"

// A Reason says what is wrong with an input, in the few kinds that a caller
// answers differently.
type Reason string

// The reasons for which an input is refused.
const (
	Malformed  Reason = "malformed"   // not what it should be: 400
	NotFound   Reason = "not found"   // no such standard package: 404
	TooLarge   Reason = "too large"   // a size over its limit: 413
	TooComplex Reason = "too complex" // a shape over its limit: 422
)

// An InputError is the input's own fault: the same input meets it again.
type InputError struct {
	Reason Reason
	Op     string // what was being done, such as "read tar"
	Name   string // the file, package or import at fault, or empty
	What   string // what is wrong, for people
	Limit  int    // the limit exceeded, or zero
}

// Error reads as a path: check: read tar: a/b.go: more than 10 bytes.
func (e *InputError) Error() string {
	s := "check: " + e.Op
	if e.Name != "" {
		s += ": " + e.Name
	}
	s += ": " + e.What
	if e.Limit > 0 {
		s += fmt.Sprintf(", the limit is %d", e.Limit)
	}
	return s
}

// An InternalError is a mistake of this package, of go/types or of a pass,
// brought out by an input.
type InternalError struct {
	Stage   string // go/types, or the name of the pass
	Package string // the package being checked
	Value   any    // what was panicked with or returned
	Stack   []byte // where, if it was a panic
}

// Error names the stage and the package.
func (e *InternalError) Error() string {
	verb := "failed"
	if e.Stack != nil {
		verb = "panicked"
	}
	return fmt.Sprintf("check: %s: %s %s: %v", e.Package, e.Stage, verb, e.Value)
}

// Unwrap returns the error the stage returned or panicked with, if it was one.
func (e *InternalError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
