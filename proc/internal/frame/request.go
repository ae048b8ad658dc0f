package frame

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// A Request is the body of Call without its input.
//
//	0          8       9       10           12          14          16
//	┌──────────┬───────┬───────┬────────────┬───────────┬───────────┐
//	│ deadline │ flags │ name  │ traceparent│ tracestate│ job       │ name, traceparent,
//	│          │       │ length│ length     │ length    │ length    │ tracestate, job, input
//	└──────────┴───────┴───────┴────────────┴───────────┴───────────┘
type Request struct {
	Task        string
	Deadline    time.Time // zero: none
	Watched     bool      // somebody listens to progress
	TraceParent string
	TraceState  string
	Job         string // the attempt at a durable job that the call is of, in JSON; empty: none
}

const (
	requestHead = 16
	watched     = 1 << 0 // of the flags
)

// MaxRequest is how much longer than its input the body of a Call may be.
const MaxRequest = requestHead + math.MaxUint8 + 3*math.MaxUint16

// AppendRequest appends the form of r, behind which the input follows.
//
// # Panics
//
// AppendRequest panics if a name is longer than its length can say: 255 bytes
// for a task, of whose names package task allows 128, and 65535 for the trace,
// of which it allows 512 each, and for the job.
func AppendRequest(b []byte, r Request) []byte {
	if len(r.Task) > math.MaxUint8 || max(len(r.TraceParent), len(r.TraceState), len(r.Job)) > math.MaxUint16 {
		panic(fmt.Sprintf("frame: a Request with a name of %d bytes, and %d, %d and %d beside it: at most 255, and 65535 each, can be written",
			len(r.Task), len(r.TraceParent), len(r.TraceState), len(r.Job)))
	}
	var flags byte
	if r.Watched {
		flags |= watched
	}
	b = binary.LittleEndian.AppendUint64(b, uint64(deadlineNanos(r.Deadline)))
	b = append(b, flags, byte(len(r.Task)))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(r.TraceParent)))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(r.TraceState)))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(r.Job)))
	b = append(b, r.Task...)
	b = append(b, r.TraceParent...)
	b = append(b, r.TraceState...)
	return append(b, r.Job...)
}

// ParseRequest splits the body of a Call. input lies in body.
func ParseRequest(body []byte) (r Request, input []byte, err error) {
	if len(body) < requestHead {
		return Request{}, nil, malformed(Call, "%d bytes are less than the %d before its name", len(body), requestHead)
	}
	head, rest := body[:requestHead], body[requestHead:]
	flags := head[8]
	if flags&^watched != 0 {
		return Request{}, nil, malformed(Call, "flags %#02x have bits that version %d leaves at zero", flags, Version)
	}
	task := int(head[9])
	parent := task + int(binary.LittleEndian.Uint16(head[10:]))
	state := parent + int(binary.LittleEndian.Uint16(head[12:]))
	job := state + int(binary.LittleEndian.Uint16(head[14:]))
	if job > len(rest) {
		return Request{}, nil, malformed(Call, "its names have %d bytes, of which %d are there", job, len(rest))
	}
	r = Request{
		Task:        string(rest[:task]),
		Deadline:    deadlineTime(int64(binary.LittleEndian.Uint64(head))),
		Watched:     flags&watched != 0,
		TraceParent: string(rest[task:parent]),
		TraceState:  string(rest[parent:state]),
		Job:         string(rest[state:job]),
	}
	return r, rest[job:], nil
}

// deadlineNanos is t as Unix nanoseconds, 0 for the zero time. Those number only
// the years 1678 to 2262. A deadline beyond them is the nearest they have: one
// that is over, or that nobody will see.
func deadlineNanos(t time.Time) int64 {
	switch year := t.Year(); {
	case t.IsZero():
		return 0
	case year < 1678:
		return math.MinInt64
	case year > 2261:
		return math.MaxInt64
	}
	n := t.UnixNano()
	if n == 0 {
		n = -1 // as past as 0, which is taken
	}
	return n
}

func deadlineTime(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n)
}
