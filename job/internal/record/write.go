package record

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
)

// Begin begins a record: it appends h to buf[:0]. [Add] and [Finish] go on with
// what it returns. None of the three allocates if buf has room for the record.
//
// # Panics
//
// Begin panics if h is the header of no record, such as one with term 0: the
// owner's mistake.
func Begin(buf []byte, h Header) []byte {
	if reason := h.flaw(); reason != "" {
		panic("record: Begin of a record that nobody could open: " + reason)
	}
	return h.append(buf[:0])
}

// Add appends a transition to a record that was begun.
//
// # Panics
//
// Add panics if the transition is empty: the owner's mistake.
func Add(buf, transition []byte) []byte {
	if len(transition) == 0 {
		panic("record: Add of an empty transition")
	}
	buf = binary.AppendUvarint(buf, uint64(len(transition)))
	return append(buf, transition...)
}

// Cost returns how much of [Room] a transition of n bytes takes: with its length
// in front.
func Cost(n int) int {
	return (bits.Len(uint(n)|1)+6)/7 + n
}

// Finish completes a record: it appends the checksum.
//
// # Panics
//
// Finish panics if the record is larger than [Max] or has no transition: the
// owner's mistake.
func Finish(buf []byte) []byte {
	switch {
	case len(buf) <= headerBytes:
		panic("record: Finish of a record without a transition")
	case len(buf) > headerBytes+Room:
		panic("record: Finish of a record larger than Max")
	}
	return binary.LittleEndian.AppendUint32(buf, crc32.Checksum(buf, castagnoli))
}
