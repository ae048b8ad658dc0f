package wire

import (
	"encoding/binary"
	"math/bits"
)

// Fields puts a value into bytes, or takes it out of them. What a value is made of
// is written down once, for both directions: each method is given a pointer, and
// puts what is there or takes what comes. Numbers are unsigned or zigzag varints,
// as short as can be, and bytes have their length before them; nothing may follow
// the last field.
//
// After the first field that cannot be taken, or put, Fields is bad, and what is
// taken is zero.
type Fields struct {
	b     []byte // what was put, or what is left
	takes bool
	bad   bool
	names *Names
}

// Put begins with values at the end of b.
func Put(b []byte) Fields { return Fields{b: b} }

// Take begins to take values from b. Names are shared as names has them; it may be
// nil.
func Take(b []byte, names *Names) Fields { return Fields{b: b, takes: true, names: names} }

// Takes reports whether f takes.
func (f *Fields) Takes() bool { return f.takes }

// Bytes returns what was put. It is nil if something could not be.
func (f *Fields) Bytes() []byte {
	if f.bad {
		return nil
	}
	return f.b
}

// Whole reports whether everything could be taken, and nothing is left.
func (f *Fields) Whole() bool { return !f.bad && len(f.b) == 0 }

// Fail makes f bad.
func (f *Fields) Fail() { f.b, f.bad = nil, true }

// Demand fails unless ok.
func (f *Fields) Demand(ok bool) {
	if !ok {
		f.Fail()
	}
}

// Byte is one byte.
func (f *Fields) Byte(v *byte) {
	if !f.takes {
		f.b = append(f.b, *v)
		return
	}
	if len(f.b) == 0 {
		f.Fail()
		*v = 0
		return
	}
	*v, f.b = f.b[0], f.b[1:]
}

// set sets *v to what was taken. What is put is not written to, not even what it is:
// others may be putting it over other connections.
func set[T any](f *Fields, v *T, taken T) {
	if f.takes {
		*v = taken
	}
}

// Bool is one byte.
func (f *Fields) Bool(v *bool) {
	var b byte
	if *v {
		b = 1
	}
	f.Byte(&b)
	f.Demand(b <= 1)
	set(f, v, b == 1)
}

// Uint is a number.
func (f *Fields) Uint(v *uint64) {
	if !f.takes {
		f.b = binary.AppendUvarint(f.b, *v)
		return
	}
	u, n := binary.Uvarint(f.b)
	if n <= 0 || n > 1 && n != (bits.Len64(u)+6)/7 {
		f.Fail()
		*v = 0
		return
	}
	*v, f.b = u, f.b[n:]
}

// Most is a Uint of at most limit.
func (f *Fields) Most(v *uint64, limit uint64) {
	f.Uint(v)
	if *v > limit {
		f.Fail()
		set(f, v, 0)
	}
}

// Int is a number with a sign.
func (f *Fields) Int(v *int64) {
	u := uint64(*v)<<1 ^ uint64(*v>>63)
	f.Uint(&u)
	set(f, v, int64(u>>1)^-int64(u&1))
}

// Number is an int that is not negative.
func (f *Fields) Number(v *int) {
	u := uint64(*v)
	f.Most(&u, 1<<31-1)
	set(f, v, int(u))
}

// Uint32 is a number.
func (f *Fields) Uint32(v *uint32) {
	u := uint64(*v)
	f.Most(&u, 1<<32-1)
	set(f, v, uint32(u))
}

// Uint16 is a number.
func (f *Fields) Uint16(v *uint16) {
	u := uint64(*v)
	f.Most(&u, 1<<16-1)
	set(f, v, uint16(u))
}

// Int8 is a byte, with a sign.
func (f *Fields) Int8(v *int8) {
	b := byte(*v)
	f.Byte(&b)
	set(f, v, int8(b))
}

// run takes bytes with their length before them. They are what was taken from.
func (f *Fields) run() []byte {
	var n uint64
	f.Uint(&n)
	if n > uint64(len(f.b)) {
		f.Fail()
		return nil
	}
	v := f.b[:n]
	f.b = f.b[n:]
	return v
}

// Data is bytes. None are nil.
func (f *Fields) Data(v *[]byte) {
	if !f.takes {
		f.b = binary.AppendUvarint(f.b, uint64(len(*v)))
		f.b = append(f.b, *v...)
		return
	}
	*v = append([]byte(nil), f.run()...)
}

// Text is a string.
func (f *Fields) Text(v *string) {
	if !f.takes {
		f.b = binary.AppendUvarint(f.b, uint64(len(*v)))
		f.b = append(f.b, *v...)
		return
	}
	*v = string(f.run())
}

// Name is a string that comes again and again.
func (f *Fields) Name(v *string) {
	if !f.takes || f.names == nil {
		f.Text(v)
		return
	}
	*v = f.names.share(f.run())
}

// Mask is which of some fields are there. Who takes must demand that they are not
// zero: a value has one encoding.
func (f *Fields) Mask(has ...bool) uint64 {
	var m uint64
	for i, h := range has {
		if h {
			m |= 1 << i
		}
	}
	f.Most(&m, 1<<len(has)-1)
	return m
}

// more is whether a list goes on.
func (f *Fields) more(more bool) bool {
	f.Bool(&more)
	return more
}

// List is a list of at most most. Of an empty one nil is taken.
func List[T any](f *Fields, v *[]T, most int, each func(*T)) {
	if !f.takes {
		f.Demand(len(*v) <= most)
		for i := range *v {
			f.more(true)
			each(&(*v)[i])
		}
		f.more(false)
		return
	}
	*v = nil
	for f.more(false) {
		if len(*v) == most {
			f.Fail()
			return
		}
		var zero T
		*v = append(*v, zero)
		each(&(*v)[len(*v)-1])
	}
}

// Texts is a list of strings, or nil.
func (f *Fields) Texts(v *[]string, most int) { List(f, v, most, f.Text) }

// Names are strings of which each is kept once, by one goroutine at a time.
type Names struct{ all map[string]string }

// How many names are kept, of which length, before they are forgotten.
const (
	mostNames = 4096
	mostName  = 256
)

func (n *Names) share(b []byte) string {
	if s, ok := n.all[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(s) > mostName {
		return s
	}
	if n.all == nil || len(n.all) >= mostNames {
		n.all = make(map[string]string)
	}
	n.all[s] = s
	return s
}
