package frame

import (
	"bytes"
	"fmt"
)

// A Why is the way in which a stream is not one of frames.
type Why uint8

const (
	// NotFrames is something else that is written there: Seen.
	NotFrames Why = 1 + iota
	// OtherVersion is another version of the protocol: Version.
	OtherVersion
	// DamagedHeader is a header whose checksum is wrong: Said, Sum.
	DamagedHeader
	// DamagedBody is a body whose checksum is wrong: Kind, Said, Sum.
	DamagedBody
	// UnknownKind is a frame of no kind of this version: Kind.
	UnknownKind
	// TooLong is a body over the limit: Kind, Length, Limit.
	TooLong
	// Malformed is a body that is not as its kind wants it: Kind, Rule.
	Malformed
)

// Broken is the error of a stream that stops being one of frames. It says what
// was seen, so that whoever wrote it recognises it.
type Broken struct {
	Why Why

	Seen      []byte // the first bytes, at most 64
	Version   uint8  // that was spoken
	Kind      Kind
	Said, Sum uint32 // the checksum that was written, and that of the bytes
	Length    int64  // of the body
	Limit     int64  // of a body
	Rule      string // that was not kept
}

// Error says what was seen.
func (b *Broken) Error() string {
	switch b.Why {
	case NotFrames:
		return fmt.Sprintf("not a frame: begins with %q", b.Seen)
	case OtherVersion:
		return fmt.Sprintf("speaks version %d, this is version %d", b.Version, Version)
	case DamagedHeader:
		return fmt.Sprintf("damaged header: it says checksum %08x, its bytes have %08x", b.Said, b.Sum)
	case DamagedBody:
		return fmt.Sprintf("damaged %v: its header says checksum %08x, its body has %08x", b.Kind, b.Said, b.Sum)
	case UnknownKind:
		return fmt.Sprintf("unknown kind of frame %d", uint8(b.Kind))
	case TooLong:
		return fmt.Sprintf("a %v of %d bytes is longer than the %d allowed", b.Kind, b.Length, b.Limit)
	}
	return fmt.Sprintf("malformed %v: %s", b.Kind, b.Rule)
}

func notFrames(seen []byte) error {
	return &Broken{Why: NotFrames, Seen: bytes.Clone(seen[:min(len(seen), 64)])}
}

func malformed(k Kind, rule string, args ...any) error {
	return &Broken{Why: Malformed, Kind: k, Rule: fmt.Sprintf(rule, args...)}
}
