package record

import "encoding/binary"

// A Body is the transitions of a record that [Open] has accepted. It is a view
// of that record and lives no longer. A copy iterates by itself.
type Body struct {
	rest []byte // what Next has not returned yet: whole transitions, as count says
	n    int
}

// Len returns the number of transitions of the record, whether or not Next has
// returned them: at least 1.
func (b Body) Len() int { return b.n }

// Next returns the next transition, or false after the last. It cannot fail:
// Open has seen all of them.
func (b *Body) Next() (transition []byte, ok bool) {
	if len(b.rest) == 0 {
		return nil, false
	}
	n, prefix := binary.Uvarint(b.rest)
	end := prefix + int(n)
	transition = b.rest[prefix:end:end]
	b.rest = b.rest[end:]
	return transition, true
}

// count returns how many transitions b is, or what is wrong with it. Each has one
// encoding: a length that could be shorter is refused.
func count(b []byte) (n int, reason string) {
	if len(b) == 0 {
		return 0, "it has no transition"
	}
	for ; len(b) > 0; n++ {
		length, prefix := binary.Uvarint(b)
		switch {
		case prefix <= 0:
			return 0, "a transition's length is cut short or too large"
		case prefix > 1 && b[prefix-1] == 0:
			return 0, "a transition's length has a longer form than it needs"
		case length == 0:
			return 0, "a transition is empty"
		case length > uint64(len(b)-prefix):
			return 0, "a transition is cut short"
		}
		b = b[prefix+int(length):]
	}
	return n, ""
}
