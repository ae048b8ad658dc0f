package natslog

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// A head is what the log must contain, kept apart from it: what a store cannot
// tell by itself is that it was longer yesterday.
type head struct {
	count  uint64   // how often it was written: of two slots the higher counts
	id     [16]byte // of the store
	live   bool     // the stream has been made: from here on its absence is damage
	last   uint64   // the last record known to be stored, 0 if there is none
	hash   [32]byte // what hashOf says of it
	oldest uint64   // the records before this one are forgotten: from 1
}

const (
	headMagic   = "HEMLOG\x00" // one byte of version follows
	headVersion = 1

	slotBytes = 128
	slotAt    = 4096 // where the second slot is: on a page of its own
	headBytes = 2 * slotAt
)

var (
	errHeadDamaged = errors.New("the head file is damaged")
	errHeadNewer   = errors.New("a newer version of this package has written it")
	castagnoli     = crc32.MakeTable(crc32.Castagnoli)
)

// encode is h as one slot.
//
//	0  magic and version   8
//	8  count               8   little endian, as all
//	16 id                 16
//	32 last                8
//	40 oldest              8
//	48 live                8
//	56 hash               32
//	88 nothing            36
//	124 CRC32C of those    4   at this place in every version
func (h *head) encode() []byte {
	b := make([]byte, slotBytes)
	copy(b, headMagic)
	b[7] = headVersion
	binary.LittleEndian.PutUint64(b[8:], h.count)
	copy(b[16:], h.id[:])
	binary.LittleEndian.PutUint64(b[32:], h.last)
	binary.LittleEndian.PutUint64(b[40:], h.oldest)
	if h.live {
		b[48] = 1
	}
	copy(b[56:], h.hash[:])
	binary.LittleEndian.PutUint32(b[124:], crc32.Checksum(b[:124], castagnoli))
	return b
}

// decodeSlot is the reverse of encode.
func decodeSlot(b []byte) (head, error) {
	var h head
	switch {
	case len(b) != slotBytes,
		string(b[:7]) != headMagic,
		crc32.Checksum(b[:124], castagnoli) != binary.LittleEndian.Uint32(b[124:]):
		return h, errHeadDamaged
	case b[7] > headVersion:
		return h, fmt.Errorf("%w: format %d, known is %d", errHeadNewer, b[7], headVersion)
	}
	h.count = binary.LittleEndian.Uint64(b[8:])
	copy(h.id[:], b[16:])
	h.last = binary.LittleEndian.Uint64(b[32:])
	h.oldest = binary.LittleEndian.Uint64(b[40:])
	h.live = b[48] == 1
	copy(h.hash[:], b[56:])
	if string(h.encode()) != string(b) || h.oldest == 0 {
		return head{}, errHeadDamaged // well-formed, and yet nothing that encode writes
	}
	return h, nil
}

// decodeHead is the newest head in a head file, and the slot it is in. One
// damaged slot is what the other one is for. A slot of a newer version refuses
// both.
func decodeHead(b []byte) (h head, slot int, err error) {
	if len(b) != headBytes {
		return head{}, 0, errHeadDamaged
	}
	first, err0 := decodeSlot(b[:slotBytes])
	second, err1 := decodeSlot(b[slotAt : slotAt+slotBytes])
	switch {
	case errors.Is(err0, errHeadNewer):
		return head{}, 0, err0
	case errors.Is(err1, errHeadNewer):
		return head{}, 0, err1
	case err0 != nil && err1 != nil:
		return head{}, 0, errHeadDamaged
	case err0 == nil && err1 == nil && first.id != second.id:
		return head{}, 0, errHeadDamaged
	case err1 != nil || err0 == nil && first.count >= second.count:
		return first, 0, nil
	}
	return second, 1, nil
}

// whole is how long a record may be to be hashed whole.
const whole = 8 << 10

// hashOf tells rec from every other record that may come to be in its place. Of
// a long one it is the SHA-256 of how it begins, of its length, and of its
// CRC32C: hashing half a megabyte whole costs as much again as writing it does
// where the disk is fast, and the store has a checksum of each record as well.
func hashOf(rec []byte) [32]byte {
	if len(rec) <= whole {
		return sha256.Sum256(rec)
	}
	b := make([]byte, whole, whole+12)
	copy(b, rec)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(rec)))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(rec, castagnoli))
	return sha256.Sum256(b)
}
