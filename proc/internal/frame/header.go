package frame

import (
	"encoding/binary"
	"hash/crc32"
)

// header is what the first 24 bytes of a frame say.
type header struct {
	kind   Kind
	length uint32 // of the body
	call   uint64
	sum    uint32 // CRC32C of the body
}

func (h header) append(b []byte) []byte {
	start := len(b)
	b = append(b, magic0, magic1, Version, byte(h.kind))
	b = binary.LittleEndian.AppendUint32(b, h.length)
	b = binary.LittleEndian.AppendUint64(b, h.call)
	b = binary.LittleEndian.AppendUint32(b, h.sum)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

// checkStart refuses what cannot be the start of a frame of this version, with
// as many bytes as there are. What prints to the descriptor is told so at its
// first byte, rather than when it has printed a whole header.
func checkStart(b []byte) error {
	switch {
	case len(b) > 0 && b[0] != magic0, len(b) > 1 && b[1] != magic1:
		return notFrames(b)
	case len(b) > 2 && b[2] != Version:
		// Another version may have another header, so this is looked at
		// before the checksum is.
		return &Broken{Why: OtherVersion, Version: b[2]}
	}
	return nil
}

// parseHeader reads a whole header.
func parseHeader(b []byte) (header, error) {
	if err := checkStart(b); err != nil {
		return header{}, err
	}
	said, sum := binary.LittleEndian.Uint32(b[20:]), crc32.Checksum(b[:20], castagnoli)
	if said != sum {
		return header{}, &Broken{Why: DamagedHeader, Said: said, Sum: sum}
	}
	h := header{
		kind:   Kind(b[3]),
		length: binary.LittleEndian.Uint32(b[4:]),
		call:   binary.LittleEndian.Uint64(b[8:]),
		sum:    binary.LittleEndian.Uint32(b[16:]),
	}
	if !h.kind.known() {
		return header{}, &Broken{Why: UnknownKind, Kind: h.kind}
	}
	return h, nil
}
