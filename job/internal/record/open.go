package record

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Open returns what rec says of itself and what it holds, if it is whole and
// exactly as [Finish] returned it. Its error is an [*Error] without a number,
// which [Chain.Next] would know.
func Open(rec []byte) (Header, Body, error) {
	if err := check(rec); err != nil {
		return Header{}, Body{}, err
	}
	h := readHeader(rec)
	if reason := h.flaw(); reason != "" {
		return Header{}, Body{}, &Error{Reason: reason}
	}
	transitions := rec[headerBytes : len(rec)-crcBytes]
	n, reason := count(transitions)
	if reason != "" {
		return Header{}, Body{}, &Error{Reason: reason}
	}
	return h, Body{rest: transitions, n: n}, nil
}

// check looks at rec as a whole. The checksum comes before the version, so that
// damage is not taken for the future; and the version before the size, which a
// newer one may have changed.
func check(rec []byte) error {
	switch {
	case len(rec) == 0:
		return &Error{Reason: "it is empty"}
	case len(rec) < leastBytes:
		return &Error{Reason: "it is cut short"}
	case string(rec[:versionAt]) != magic:
		return &Error{Reason: "it is not a record"}
	}
	end := len(rec) - crcBytes
	if crc32.Checksum(rec[:end], castagnoli) != binary.LittleEndian.Uint32(rec[end:]) {
		return &Error{Reason: "its checksum is wrong"}
	}
	switch v := rec[versionAt]; {
	case v > version:
		return &Error{Newer: true, Reason: fmt.Sprintf("a newer version has written it: format %d, known is %d", v, version)}
	case v < version:
		return &Error{Reason: fmt.Sprintf("its format %d is unknown", v)}
	case len(rec) > Max:
		return &Error{Reason: fmt.Sprintf("its %d bytes are more than %d", len(rec), Max)}
	case len(rec) < headerBytes+crcBytes:
		return &Error{Reason: "it is cut short"}
	}
	return nil
}
