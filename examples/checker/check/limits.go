package check

import "fmt"

// Limits bounds the source a caller is ready to check. The zero value means
// the defaults; a source remembers the limits it was read with.
type Limits struct {
	// Bytes is the most Go source in all files together. An archive may
	// expand to eight times as much, all entries counted. The default is
	// 8 MiB.
	Bytes int

	// Files is the most Go files. An archive may have twenty times as many
	// entries. The default is 2,000.
	Files int

	// FileBytes is the most bytes in one file. The default is 1 MiB.
	FileBytes int

	// Tokens is the most tokens in all files together; it bounds memory,
	// which comes to half a kilobyte a token. The default is 1,000,000.
	Tokens int

	// Nesting is how deep brackets of all kinds may nest, how many prefix
	// operators may follow one another, and how deep types may contain one
	// another by value. The default is 250.
	Nesting int

	// Depth is how deep the syntax tree of a file may be. Brackets aside, a
	// chain is what makes it deep: 1 + 1 + 1, a.b.c, else if. The default is
	// 5,000.
	Depth int

	// References is how deep go/types may have to recurse when declarations
	// refer to one another, in levels of syntax tree; it bounds the stack,
	// which comes to 1 to 3 KB a level. The default is 100,000.
	References int

	// Growth is how large the things that a source describes may be once
	// they are written out: types by value, aliases, method sets and constant
	// strings in total, inferred types each, edges of the initialization
	// graph of a package. The default is 4,194,304.
	Growth int

	// Diagnostics is how many diagnostics a report holds, the first by
	// position. The default is 500.
	Diagnostics int
}

// withDefaults fills in what is zero and refuses what is negative.
func (l Limits) withDefaults() (Limits, error) {
	for _, f := range []struct {
		name  string
		field *int
		value int
	}{
		{"Bytes", &l.Bytes, 8 << 20},
		{"Files", &l.Files, 2000},
		{"FileBytes", &l.FileBytes, 1 << 20},
		{"Tokens", &l.Tokens, 1_000_000},
		{"Nesting", &l.Nesting, 250},
		{"Depth", &l.Depth, 5000},
		{"References", &l.References, 100_000},
		{"Growth", &l.Growth, 1 << 22},
		{"Diagnostics", &l.Diagnostics, 500},
	} {
		switch {
		case *f.field < 0:
			return l, fmt.Errorf("check: Limits.%s is negative", f.name)
		case *f.field == 0:
			*f.field = f.value
		}
	}
	return l, nil
}
