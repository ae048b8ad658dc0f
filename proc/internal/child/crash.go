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
	for _, begin := range crashBegins {
		at := bytes.Index(chunk, begin)
		if at > 0 && chunk[at-1] != '\n' {
			at = bytes.Index(chunk, slices.Concat([]byte{'\n'}, begin)) + 1
		}
		if at < 0 || at == 0 && !bytes.HasPrefix(chunk, begin) {
			continue
		}
		c.text = append(c.text[:0], chunk[at:min(len(chunk), at+crashSize)]...)
		c.behind = int64(len(chunk) - at)
		return
	}
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
