package wire

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strconv"
)

// Version is the version of the protocol that this package speaks.
const Version = 1

// HeaderSize is the length of a frame without its body, in bytes.
const HeaderSize = 24

// MaxBody is how long a body may be. Four inputs of the largest size fit in, with
// what belongs to them: so many the owner gives to one claim.
const MaxBody = 2 << 20

// The first two bytes of every frame, of this version and of all others.
const magic0, magic1 = 'H', 'j'

// castagnoli is the polynomial for which processors have an instruction.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A Kind says what a frame is.
type Kind uint8

// The kinds of frames.
const (
	Hello   Kind = 1 + iota // the client's first word, a [Greeting]
	Welcome                 // the server's, a [Terms]
	Ask                     // a request, by number
	Leave                   // whoever made a request has gone: it need not be carried out
	Answer                  // to a request
	Entered                 // the first of two answers, to a request that goes on waiting
	Ping                    // is anybody there, and how late is it?
	Pong                    // yes, and the owner's clock
	Bye                     // why this is the last frame, as fault.Encode has it
	kinds
)

var kindNames = [...]string{
	Hello: "hello", Welcome: "welcome", Ask: "ask", Leave: "leave", Answer: "answer",
	Entered: "entered", Ping: "ping", Pong: "pong", Bye: "bye",
}

// String gives the kind's name in lower case.
func (k Kind) String() string {
	if k.known() {
		return kindNames[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

func (k Kind) known() bool { return 0 < k && k < kinds }

// A Frame is one message. ID is the number of the request that it is about, zero
// where there is none.
type Frame struct {
	Kind Kind
	ID   uint64
	Body []byte
}

// The layout of a frame, whose numbers are little-endian:
//
//	 0      2      3      4           8                16          20          24
//	┌──────┬──────┬──────┬───────────┬────────────────┬───────────┬───────────┐
//	│ 'Hj' │ vers │ kind │ length of │ number of the  │ CRC32C of │ CRC32C of │ body …
//	│      │      │      │ the body  │ request        │ the body  │ bytes 0–19│
//	└──────┴──────┴──────┴───────────┴────────────────┴───────────┴───────────┘

// Begin begins a frame at the end of b: what is appended to it until [Finish] is its
// body.
func Begin(b []byte, k Kind, id uint64) []byte {
	b = append(b, magic0, magic1, Version, byte(k), 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint64(b, id)
	return append(b, 0, 0, 0, 0, 0, 0, 0, 0)
}

// Finish finishes the frame that began when b had length start.
//
// # Panics
//
// Finish panics if the body is longer than [MaxBody].
func Finish(b []byte, start int) []byte {
	f := b[start:]
	body := f[HeaderSize:]
	if len(body) > MaxBody {
		panic("wire: Finish of a frame whose body is longer than MaxBody")
	}
	binary.LittleEndian.PutUint32(f[4:], uint32(len(body)))
	binary.LittleEndian.PutUint32(f[16:], crc32.Checksum(body, castagnoli))
	binary.LittleEndian.PutUint32(f[20:], crc32.Checksum(f[:20], castagnoli))
	return b
}

// Append appends a frame with this body.
func Append(b []byte, k Kind, id uint64, body []byte) []byte {
	start := len(b)
	return Finish(append(Begin(b, k, id), body...), start)
}

// A header is what the first bytes of a frame say.
type header struct {
	kind   Kind
	length uint32
	id     uint64
	sum    uint32
}

// checkStart refuses what cannot be the start of a frame of this version, with as
// many bytes as there are.
func checkStart(b []byte) error {
	switch {
	case len(b) > 0 && b[0] != magic0, len(b) > 1 && b[1] != magic1:
		return &Broken{Why: NotFrames, Seen: string(b[:min(len(b), 64)])}
	case len(b) > 2 && b[2] != Version:
		// Another version may have another header, so this is looked at before
		// the checksum is.
		return &Broken{Why: OtherVersion, Version: b[2]}
	}
	return nil
}

// parseHeader reads a whole header.
func parseHeader(b []byte) (header, error) {
	if err := checkStart(b); err != nil {
		return header{}, err
	}
	h := header{
		kind:   Kind(b[3]),
		length: binary.LittleEndian.Uint32(b[4:]),
		id:     binary.LittleEndian.Uint64(b[8:]),
		sum:    binary.LittleEndian.Uint32(b[16:]),
	}
	switch {
	case binary.LittleEndian.Uint32(b[20:]) != crc32.Checksum(b[:20], castagnoli):
		return header{}, &Broken{Why: Damaged}
	case !h.kind.known():
		return header{}, &Broken{Why: Malformed, Kind: h.kind}
	case h.length > MaxBody:
		return header{}, &Broken{Why: TooLong, Kind: h.kind, Length: h.length}
	}
	return h, nil
}

// A Why is the way in which a stream is not one of frames.
type Why uint8

// The ways.
const (
	NotFrames    Why = 1 + iota // something else is written there: Seen
	OtherVersion                // another version of the protocol: Version
	Damaged                     // a checksum is wrong
	TooLong                     // a body is: Kind, Length
	Malformed                   // a body is not as its kind wants it, or there is no such kind: Kind
)

// Broken is the error of a stream that stops being one of frames.
type Broken struct {
	Why     Why
	Seen    string // the first bytes, at most 64
	Version uint8  // that was spoken
	Kind    Kind
	Length  uint32
}

// Error says what was seen.
func (b *Broken) Error() string {
	switch b.Why {
	case NotFrames:
		return fmt.Sprintf("not a frame: begins with %q", b.Seen)
	case OtherVersion:
		return fmt.Sprintf("speaks version %d, this is version %d", b.Version, Version)
	case Damaged:
		return "damaged frame: its checksum is wrong"
	case TooLong:
		return fmt.Sprintf("%v of %d bytes is longer than the %d allowed", b.Kind, b.Length, MaxBody)
	}
	return fmt.Sprintf("malformed %v", b.Kind)
}
