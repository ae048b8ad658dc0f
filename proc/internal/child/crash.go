package child

import (
	"bytes"
	"slices"
)

// A crash is the first lines of what a Go runtime says when it ends the program.
// All that follows is stacks, which would push these lines out of the tail.
type crash struct {
	text   []byte // at most crashSize
	behind int64  // bytes printed since text began
}

const crashSize = 1 << 10

// crashBegins are what such lines begin with: see the runtime's printpanics,
// fatalthrow, and sighandler.
var crashBegins = [][]byte{
	[]byte("panic: "), []byte("fatal error: "), []byte("runtime: "), []byte("SIG"), []byte("unexpected fault address "),
}

// see looks at more that was printed. A beginning that is split between two
// reads is not recognised; the runtime writes it in one piece.
func (c *crash) see(chunk []byte) {
	if len(c.text) > 0 {
		c.text = append(c.text, chunk[:min(len(chunk), crashSize-len(c.text))]...)
		c.behind += int64(len(chunk))
		if c.behind < crashGap {
			return
		}
	}
	first := -1
	for _, begin := range crashBegins {
		if at := lineWith(chunk, begin); at >= 0 && (first < 0 || at < first) {
			first = at
		}
	}
	if first >= 0 {
		c.text = append(c.text[:0], chunk[first:min(len(chunk), first+crashSize)]...)
		c.behind = int64(len(chunk) - first)
	}
}

// lineWith returns where the first line is that begins with begin, -1 if there
// is none.
func lineWith(chunk, begin []byte) int {
	if bytes.HasPrefix(chunk, begin) {
		return 0
	}
	if at := bytes.Index(chunk, slices.Concat([]byte{'\n'}, begin)); at >= 0 {
		return at + 1
	}
	return -1
}

// crashGap is how much more must have been printed for another beginning to be
// that of another crash.
const crashGap = 1 << 20

// lead puts the crash before tail, if it is no longer in it.
func (c *crash) lead(tail []byte) []byte {
	if c.behind <= int64(len(tail)) {
		return tail
	}
	const cut = "\n\t…\n"
	keep := max(0, tailSize-len(c.text)-len(cut))
	return slices.Concat(c.text, []byte(cut), tail[max(0, len(tail)-keep):])
}
