package state

import (
	"encoding/binary"
	"math/bits"
)

// What transitions and snapshot units are made of: unsigned and zigzag varints,
// and bytes with their length before them. A value has one encoding only: a
// varint is as short as it can be, and nothing may follow the last field.

func putUint(b []byte, v uint64) []byte { return binary.AppendUvarint(b, v) }

func putInt(b []byte, v int64) []byte { return binary.AppendVarint(b, v) }

func putBytes[T string | []byte](b []byte, v T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

func putBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

// A reader takes fields off b. After the first that is malformed it is bad, and
// everything it returns is zero.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) fail() {
	r.b, r.bad = nil, true
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *reader) bool() bool {
	v := r.byte()
	if v > 1 {
		r.fail()
	}
	return v == 1
}

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || n > 1 && n != (bits.Len64(v)+6)/7 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

// most is a uint that is at most limit.
func (r *reader) most(limit uint64) uint64 {
	v := r.uint()
	if v > limit {
		r.fail()
		return 0
	}
	return v
}

func (r *reader) int() int64 {
	u := r.uint()
	return int64(u>>1) ^ -int64(u&1)
}

// bytes aliases what is read from.
func (r *reader) bytes(most int) []byte {
	n := r.most(uint64(most))
	if n > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

// whole reports whether everything was there and nothing is left.
func (r *reader) whole() bool { return !r.bad && len(r.b) == 0 }
