// Package frame is the form of what a host and its workers say to each other.
// docs/worker-protocol.md specifies it for those who write a worker in another
// language.
//
// A frame is a header of [HeaderSize] bytes, all numbers little-endian, and a
// body:
//
//	 0      2      3      4           8                16          20          24
//	┌──────┬──────┬──────┬───────────┬────────────────┬───────────┬───────────┐
//	│ 'Hm' │ vers │ kind │ length of │ call           │ CRC32C of │ CRC32C of │ body …
//	│      │      │      │ the body  │                │ the body  │ bytes 0–19│
//	└──────┴──────┴──────┴───────────┴────────────────┴───────────┴───────────┘
//
// What it promises:
//
//   - A length is believed only when the checksum of the header is right, and
//     memory is taken for it only when it is within the limit, and as the bytes
//     arrive.
//   - A frame with one damaged bit is refused, and so is one with up to three
//     of them in its header, or in a body of up to 256 MiB.
//   - Where the stream stops being one of frames, the [Broken] says what was
//     seen there. There is no way to find the next frame: the stream is over.
//   - A frame of up to 64 KiB is one write, and one read if it has arrived whole.
//     Neither allocates.
//
// What it refuses: to compress, since the two are on one machine, and to find
// the next frame in damaged bytes, since what wrote those is not to be trusted
// with another call.
package frame

import (
	"hash/crc32"
	"strconv"
)

// Version is the version of the protocol that this package speaks.
const Version = 1

// HeaderSize is the length of a frame without its body, in bytes.
const HeaderSize = 24

// The first two bytes of every frame, of this version and of all others.
const magic0, magic1 = 'H', 'm'

// bufferSize is how long a frame may be to go in one write and, if it has
// arrived whole, in one read: as much as a pipe holds unless it is asked for
// more.
const bufferSize = 64 << 10

// castagnoli is the polynomial for which processors have an instruction.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A Kind says what a frame is.
type Kind uint8

const (
	// Hello is a worker's first word: what it is, a [Greeting].
	Hello Kind = 1 + iota
	// Welcome is the host's answer, [Terms].
	Welcome
	// Call is the host's: run a task, a [Request] and its input.
	Call
	// Cancel is the host's: the caller's context has ended, with fault's form of
	// why.
	Cancel
	// Progress is the worker's, of the call that runs.
	Progress
	// Result is the worker's: the call's output.
	Result
	// Failure is the worker's: fault's form of the call's error.
	Failure
)

var kindNames = [...]string{
	Hello:    "hello",
	Welcome:  "welcome",
	Call:     "call",
	Cancel:   "cancel",
	Progress: "progress",
	Result:   "result",
	Failure:  "failure",
}

// String gives the kind's name in lower case, as the reference has it.
func (k Kind) String() string {
	if k.known() {
		return kindNames[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

func (k Kind) known() bool { return Hello <= k && k <= Failure }

// A Frame is one message. Call is the call's number, zero where there is none.
// Body is valid until the next one is read.
type Frame struct {
	Kind Kind
	Call uint64
	Body []byte
}
