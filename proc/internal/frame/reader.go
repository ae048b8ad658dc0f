package frame

import (
	"bytes"
	"hash/crc32"
	"io"
)

const (
	// atOnce is how much memory is taken for a body before its bytes arrive.
	// A longer one gets more as it comes, so that an announced length costs
	// whoever announced it as many bytes.
	atOnce = 4 << 20

	// keep is how long a buffer may be to be kept for good, and keepFor is for
	// how many shorter bodies a longer one is.
	keep    = 1 << 20
	keepFor = 64
)

// A Reader reads frames. It is used by one goroutine at a time.
//
// Besides the reads themselves a frame of 1 KiB costs about 100 ns, and one of
// 1 MiB 70 µs, most of them the checksum: see BenchmarkRead.
type Reader struct {
	src   io.Reader
	limit int64
	err   error // of the first Next that had one: those after it have it too

	// buf holds frames that fit into it. Between calls of Next:
	//   R1. buf[start:end] has arrived and belongs to frames not yet returned.
	buf        []byte
	start, end int

	// own is the buffer of bodies for which buf is too short.
	own    []byte
	unused int // how many frames have gone by for which keep was enough

	last    []byte // the body that was returned last
	lastOwn bool   // it lies in own
}

// NewReader returns a Reader of frames from r whose bodies have at most limit
// bytes.
func NewReader(r io.Reader, limit int) *Reader {
	return &Reader{src: r, limit: int64(limit), buf: make([]byte, bufferSize)}
}

// Buffered returns how many bytes have arrived that no Next has returned.
func (r *Reader) Buffered() int { return r.end - r.start }

// SetLimit changes how many bytes a body may have, from the next frame on.
func (r *Reader) SetLimit(limit int) { r.limit = int64(limit) }

// Next reads a frame.
//
// Its error is io.EOF if the stream ends between two frames,
// io.ErrUnexpectedEOF if within one, a [*Broken] if what is there is not a
// frame, and otherwise the error of the stream. After an error there is no
// other frame: Next returns the same error again.
func (r *Reader) Next() (Frame, error) {
	if r.err != nil {
		return Frame{}, r.err
	}
	f, err := r.next()
	if err != nil {
		r.err, r.last, r.lastOwn = err, nil, false
		r.buf, r.own = nil, nil
		return Frame{}, err
	}
	return f, nil
}

// Detach gives the caller the body of the last frame to keep: itself if it has
// memory of its own, which is not used again then, and otherwise a copy.
func (r *Reader) Detach() []byte {
	if r.lastOwn {
		r.own, r.lastOwn = nil, false
		return r.last
	}
	return bytes.Clone(r.last)
}

// Recycle gives the Reader b, which came of Detach and is not used any more, as
// room for other long bodies.
func (r *Reader) Recycle(b []byte) {
	if cap(b) > len(r.buf) && r.own == nil {
		r.own = b
	}
}

func (r *Reader) next() (Frame, error) {
	h, err := r.header()
	if err != nil {
		return Frame{}, err
	}
	n := int(h.length)
	r.lastOwn = HeaderSize+n > len(r.buf)
	if r.lastOwn {
		r.last, err = r.long(n)
	} else {
		r.last, err = r.short(n)
	}
	if err != nil {
		return Frame{}, err
	}
	if sum := crc32.Checksum(r.last, castagnoli); sum != h.sum {
		return Frame{}, &Broken{Why: DamagedBody, Kind: h.kind, Said: h.sum, Sum: sum}
	}
	r.shrink(n)
	return Frame{Kind: h.kind, Call: h.call, Body: r.last}, nil
}

// header takes a header from buf, filling it as necessary.
func (r *Reader) header() (header, error) {
	for r.end-r.start < HeaderSize {
		if err := checkStart(r.buf[r.start:r.end]); err != nil {
			return header{}, err
		}
		if err := r.fill(HeaderSize); err != nil {
			if r.end > r.start {
				err = within(err)
			}
			return header{}, err
		}
	}
	h, err := parseHeader(r.buf[r.start:r.end])
	if err != nil {
		return header{}, err
	}
	if int64(h.length) > max(r.limit, 0) {
		return header{}, &Broken{Why: TooLong, Kind: h.kind, Length: int64(h.length), Limit: r.limit}
	}
	r.start += HeaderSize
	return h, nil
}

// short takes a body of n bytes from buf, filling it as necessary.
func (r *Reader) short(n int) ([]byte, error) {
	for r.end-r.start < n {
		if err := r.fill(n); err != nil {
			return nil, within(err)
		}
	}
	body := r.buf[r.start : r.start+n : r.start+n]
	r.start += n
	return body, nil
}

// long reads a body of n bytes, which buf is too short for, into own.
func (r *Reader) long(n int) ([]byte, error) {
	b := r.own[:0]
	if first := min(n, atOnce); cap(b) < first {
		b = make([]byte, 0, first)
	}
	b = append(b, r.buf[r.start:r.end]...)
	r.start, r.end = 0, 0
	for len(b) < n {
		if len(b) == cap(b) {
			b = append(make([]byte, 0, min(n, 2*cap(b))), b...)
		}
		m, err := r.read(b[len(b):min(n, cap(b))])
		if err != nil {
			return nil, within(err)
		}
		b = b[:len(b)+m]
	}
	r.own = b
	return b[:n:n], nil
}

// shrink gives up a long own when bodies of n bytes would do without it.
func (r *Reader) shrink(n int) {
	if cap(r.own) <= keep || n > keep {
		r.unused = 0
		return
	}
	if r.unused++; r.unused == keepFor && !r.lastOwn {
		r.own, r.unused = nil, 0
	}
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
