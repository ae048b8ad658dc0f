package record

import (
	"encoding/binary"
	"hash/crc32"
)

// A Header is what a record says of itself.
type Header struct {
	Log   ID     // which log the record is of
	Seq   uint64 // its number, from 1
	Prev  Hash   // Sum of the record before it; zero for the first
	Owner ID     // incarnation of the owner that wrote it
	Term  uint64 // from 1; higher for each owner that took over
	Now   int64  // microseconds since 1970, by the owner's clock; never decreasing
}

// The layout of a record:
//
//	0  magic and version   8
//	8  log                16
//	24 seq                 8   little endian, as all
//	32 prev               16
//	48 owner              16
//	64 term                8
//	72 now                 8
//	80 transitions             one or more: length, a minimal uvarint from 1; bytes
//	-4 CRC32C of those     4   at the end in every version
const (
	magic   = "HEMREC\x00" // one byte of version follows
	version = 1

	versionAt   = len(magic)
	leastBytes  = versionAt + 1 + crcBytes // that a record of any version has
	headerBytes = 80
	crcBytes    = 4
)

// Max is the most bytes that a record has. It is job.MaxRecord.
const Max = 512 << 10

// Room is the most bytes of transitions, each at its [Cost], that a record holds.
const Room = Max - headerBytes - crcBytes

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// append appends h to buf.
func (h *Header) append(buf []byte) []byte {
	buf = append(buf, magic...)
	buf = append(buf, version)
	buf = append(buf, h.Log[:]...)
	buf = binary.LittleEndian.AppendUint64(buf, h.Seq)
	buf = append(buf, h.Prev[:]...)
	buf = append(buf, h.Owner[:]...)
	buf = binary.LittleEndian.AppendUint64(buf, h.Term)
	return binary.LittleEndian.AppendUint64(buf, uint64(h.Now))
}

// readHeader is the reverse of append; rec has at least headerBytes.
func readHeader(rec []byte) Header {
	return Header{
		Log:   ID(rec[8:24]),
		Seq:   binary.LittleEndian.Uint64(rec[24:]),
		Prev:  Hash(rec[32:48]),
		Owner: ID(rec[48:64]),
		Term:  binary.LittleEndian.Uint64(rec[64:]),
		Now:   int64(binary.LittleEndian.Uint64(rec[72:])),
	}
}

// flaw says what is wrong with h by itself, or "".
func (h *Header) flaw() string {
	switch {
	case h.Log == ID{}:
		return "it names no log"
	case h.Owner == ID{}:
		return "it names no owner"
	case h.Seq == 0:
		return "its number is 0"
	case h.Term == 0:
		return "its term is 0"
	case h.Now < 0:
		return "its time is before 1970"
	case h.Seq == 1 && h.Prev != Hash{}:
		return "it is the first and names one before it"
	}
	return ""
}
