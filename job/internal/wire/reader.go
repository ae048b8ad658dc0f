package wire

import (
	"hash/crc32"
	"io"
)

// bufferSize is how long a frame may be to come in one read, if it has arrived
// whole.
const bufferSize = 64 << 10

// keepLong is how many frames that are shorter may follow a longer one before its
// memory is given up.
const keepLong = 64

// A Reader reads frames. It is used by one goroutine at a time.
type Reader struct {
	src io.Reader
	err error // of the first Next that had one: those after it have it too

	// Between calls of Next:
	//   R1. buf[start:end] has arrived and belongs to frames not yet returned.
	buf        []byte
	start, end int

	began  bool   // there was a frame
	long   []byte // for bodies for which buf is too short
	unused int    // frames for which it was not needed since
}

// NewReader returns a Reader of frames from r.
func NewReader(r io.Reader) *Reader { return &Reader{src: r, buf: make([]byte, bufferSize)} }

// Buffered returns how many bytes have arrived that no Next has returned.
func (r *Reader) Buffered() int { return r.end - r.start }

// Next reads a frame, whose body is valid until the next call.
//
// Its error is io.EOF if the stream ends between two frames, io.ErrUnexpectedEOF if
// within one, a [*Broken] if what is there is not a frame, and otherwise the error
// of the stream. After an error Next returns the same one again.
func (r *Reader) Next() (Frame, error) {
	if r.err != nil {
		return Frame{}, r.err
	}
	f, err := r.next()
	if b, ok := err.(*Broken); ok && r.began && (b.Why == NotFrames || b.Why == OtherVersion) {
		err = &Broken{Why: Damaged} // nobody changes his mind in the middle
	}
	r.began = true
	if err != nil {
		r.err, r.buf, r.long = err, nil, nil
		return Frame{}, err
	}
	return f, nil
}

func (r *Reader) next() (Frame, error) {
	for r.end-r.start < HeaderSize {
		if err := checkStart(r.buf[r.start:r.end]); err != nil {
			return Frame{}, err
		}
		if err := r.fill(HeaderSize); err != nil {
			if r.end > r.start {
				err = within(err)
			}
			return Frame{}, err
		}
	}
	h, err := parseHeader(r.buf[r.start:r.end])
	if err != nil {
		return Frame{}, err
	}
	r.start += HeaderSize
	body, err := r.body(int(h.length))
	if err != nil {
		return Frame{}, within(err)
	}
	if crc32.Checksum(body, castagnoli) != h.sum {
		return Frame{}, &Broken{Why: Damaged}
	}
	return Frame{Kind: h.kind, ID: h.id, Body: body}, nil
}

func (r *Reader) body(n int) ([]byte, error) {
	if n > len(r.buf) {
		return r.longBody(n)
	}
	if r.unused++; r.unused > keepLong {
		r.long = nil
	}
	for r.end-r.start < n {
		if err := r.fill(n); err != nil {
			return nil, err
		}
	}
	body := r.buf[r.start : r.start+n : r.start+n]
	r.start += n
	return body, nil
}

// longBody reads a body for which buf is too short. Memory is taken as it comes:
// an announced length costs whoever announced it as many bytes.
func (r *Reader) longBody(n int) ([]byte, error) {
	r.unused = 0
	b := append(r.long[:0], r.buf[r.start:r.end]...)
	r.start, r.end = 0, 0
	for len(b) < n {
		if len(b) == cap(b) {
			b = append(make([]byte, 0, min(n, max(2*cap(b), 2*bufferSize))), b...)
		}
		m, err := r.read(b[len(b):min(n, cap(b))])
		if err != nil {
			return nil, err
		}
		b = b[:len(b)+m]
	}
	r.long = b
	return b[:n:n], nil
}

// fill reads once into buf, which is to hold n bytes from start on.
func (r *Reader) fill(n int) error {
	if r.start == r.end {
		r.start, r.end = 0, 0
	} else if r.start+n > len(r.buf) {
		r.end = copy(r.buf, r.buf[r.start:r.end])
		r.start = 0
	}
	m, err := r.read(r.buf[r.end:])
	r.end += m
	return err
}

// read reads at least one byte.
func (r *Reader) read(b []byte) (int, error) {
	for range 100 {
		n, err := r.src.Read(b)
		if n > 0 {
			return n, nil // if there is an error as well, it comes again
		}
		if err != nil {
			return 0, err
		}
	}
	return 0, io.ErrNoProgress
}

// within is err, met in the middle of a frame.
func within(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
