package frame

import (
	"encoding/binary"
	"strings"
)

// A Greeting is the body of Hello.
type Greeting struct {
	Worker string   `json:"worker"` // what it is: "hem go1.26.1", "hem-python 3.11"
	Tasks  []string `json:"tasks"`  // the names that it knows
}

// Terms are the body of Welcome.
type Terms struct {
	MaxPayload int    `json:"max_payload"` // bytes of an input, and of an output
	Pool       string `json:"pool"`        // the name of the host's pool
}

// progressHead is the length of a Progress without its note.
const progressHead = 16

// AppendProgress appends the body of Progress. Bytes of note that are not UTF-8
// are replaced.
func AppendProgress(b []byte, done, total int64, note string) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(done))
	b = binary.LittleEndian.AppendUint64(b, uint64(total))
	return append(b, strings.ToValidUTF8(note, "\uFFFD")...)
}

// ParseProgress reads the body of Progress. The numbers are as they were sent,
// and bytes of note that are not UTF-8 are replaced.
func ParseProgress(body []byte) (done, total int64, note string, err error) {
	if len(body) < progressHead {
		return 0, 0, "", malformed(Progress, "%d bytes are less than the %d of its numbers", len(body), progressHead)
	}
	done = int64(binary.LittleEndian.Uint64(body))
	total = int64(binary.LittleEndian.Uint64(body[8:]))
	return done, total, strings.ToValidUTF8(string(body[progressHead:]), "\uFFFD"), nil
}
