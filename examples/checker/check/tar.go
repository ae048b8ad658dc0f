package check

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// FromTar reads a module, or loose packages, from a tar archive, compressed
// with gzip or not. It keeps the regular files named *.go or go.mod, and
// skips links, devices and the files that the package comment lists.
//
// The archive is read once, front to back, and never unpacked to disk; memory
// stays within the limits whatever its headers claim. An error of r itself is
// returned wrapped.
func FromTar(r io.Reader, lim Limits) (*Source, error) {
	lim, err := lim.withDefaults()
	if err != nil {
		return nil, err
	}
	p := &poster{r: r}
	plain, err := gunzip(bufio.NewReader(p))
	if err != nil {
		return nil, tarError(err, p)
	}
	t := tarReader{
		limits: lim,
		stream: &meter{r: plain, left: 8 * int64(lim.Bytes), limit: 8 * lim.Bytes},
		seen:   make(map[string]bool),
	}
	if err := t.readAll(); err != nil {
		return nil, tarError(err, p)
	}
	if !t.anyGo {
		return nil, malformedTar("", "no Go files")
	}
	return &Source{Archive: true, Files: t.files, Limits: lim}, nil
}

// gunzip returns what r holds, uncompressed if it begins as gzip does.
func gunzip(r *bufio.Reader) (io.Reader, error) {
	magic, err := r.Peek(2)
	switch {
	case errors.Is(err, io.EOF):
		return nil, malformedTar("", "empty")
	case err != nil:
		return nil, err
	case magic[0] != 0x1f || magic[1] != 0x8b:
		return r, nil
	}
	return gzip.NewReader(r)
}

// A tarReader collects the files of an archive.
type tarReader struct {
	limits  Limits
	stream  *meter
	entries int
	goFiles int
	bytes   int
	anyGo   bool
	seen    map[string]bool
	files   []File
}

// readAll reads entries until the archive ends.
func (t *tarReader) readAll() error {
	tr := tar.NewReader(t.stream)
	for {
		hdr, err := tr.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if t.entries++; t.entries > 20*t.limits.Files {
			return tooLargeTar("", "too many entries", 20*t.limits.Files)
		}
		if err := t.readEntry(hdr, tr); err != nil {
			return err
		}
	}
}

// readEntry keeps one entry, if it is one to keep.
func (t *tarReader) readEntry(hdr *tar.Header, r io.Reader) error {
	name := strings.TrimPrefix(hdr.Name, "./")
	if hdr.Typeflag == tar.TypeDir {
		name = strings.TrimSuffix(name, "/")
		if name == "" || name == "." {
			return nil
		}
	}
	if hdr.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	if what := badName(name); what != "" {
		return malformedTar(shorten(hdr.Name), what)
	}
	isGo := path.Ext(name) == ".go"
	if hdr.Typeflag != tar.TypeReg || !isGo && path.Base(name) != "go.mod" || skipped(name) {
		return nil
	}
	if t.seen[name] {
		return malformedTar(name, "twice in the archive")
	}
	t.seen[name] = true
	if hdr.Size > int64(t.limits.FileBytes) {
		return tooLargeTar(name, fmt.Sprintf("%d bytes", hdr.Size), t.limits.FileBytes)
	}
	if t.bytes += int(hdr.Size); t.bytes > t.limits.Bytes {
		return tooLargeTar("", "too many bytes of source", t.limits.Bytes)
	}
	if t.goFiles++; t.goFiles > t.limits.Files {
		return tooLargeTar("", "too many Go files", t.limits.Files)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	t.anyGo = t.anyGo || isGo
	t.files = append(t.files, File{name, data})
	return nil
}

// A meter is a reader that runs out.
type meter struct {
	r     io.Reader
	left  int64
	limit int
}

func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, tooLargeTar("", "expands to too many bytes", m.limit)
	}
	if int64(len(p)) > m.left {
		p = p[:m.left]
	}
	n, err := m.r.Read(p)
	m.left -= int64(n)
	return n, err
}

// A poster is the caller's reader, which remembers what went wrong with it: an
// error of its own is not the archive's fault.
type poster struct {
	r   io.Reader
	err error
}

func (p *poster) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	if err != nil && err != io.EOF {
		p.err = err
	}
	return n, err
}

// tarError returns err, met while reading from p, as FromTar should.
func tarError(err error, p *poster) error {
	var in *InputError
	switch {
	case errors.As(err, &in):
		return in
	case p.err != nil:
		return fmt.Errorf("check: read tar: %w", p.err)
	case errors.Is(err, tar.ErrHeader), errors.Is(err, gzip.ErrHeader):
		return malformedTar("", "neither a tar archive nor a gzip-compressed one")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return malformedTar("", "truncated")
	}
	return malformedTar("", err.Error())
}

func malformedTar(name, what string) *InputError {
	return &InputError{Reason: Malformed, Op: "read tar", Name: name, What: what}
}

func tooLargeTar(name, what string, limit int) *InputError {
	return &InputError{Reason: TooLarge, Op: "read tar", Name: name, What: what, Limit: limit}
}
