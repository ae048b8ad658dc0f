package check_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/hemgo/hem/examples/checker/check"
)

// bomb is a gzip stream of n zero bytes after what it begins with.
func bomb(t *testing.T, begin []byte, n int64) []byte {
	t.Helper()
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	if _, err := zw.Write(begin); err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(zw, zeros{}, n); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// header is the first block of a tar archive whose file claims a size.
func header(t *testing.T, name string, size int64) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := tar.NewWriter(&buf).WriteHeader(&tar.Header{Name: name, Size: size, Typeflag: tar.TypeReg, Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestBadArchiveIsRefused(t *testing.T) {
	good := archive(t, "a.go", "package a\n"+strings.Repeat("// x\n", 500))
	for _, tt := range []struct {
		name string
		data []byte
		lim  check.Limits
		want string
	}{
		{"empty", nil, check.Limits{}, "empty"},
		{"one byte", []byte("x"), check.Limits{}, "empty"},
		{"empty gzip", zip(t, nil), check.Limits{}, "no Go files"},
		{"no entries", archive(t), check.Limits{}, "no Go files"},
		{"no Go files", archive(t, "README", "hello", "go.mod", "module m"), check.Limits{}, "no Go files"},
		{"not a tar", bytes.Repeat([]byte("go"), 1000), check.Limits{}, "neither a tar archive nor a gzip-compressed one"},
		{"not a gzip", []byte("\x1f\x8bhello, world"), check.Limits{}, "neither a tar archive nor a gzip-compressed one"},
		{"truncated", good[:1500], check.Limits{}, "truncated"},
		{"truncated gzip", zip(t, good)[:60], check.Limits{}, "truncated"},
		{"corrupt gzip", append(zip(t, good)[:10], bytes.Repeat([]byte{0xff}, 1000)...), check.Limits{}, "flate: corrupt input"},
		{"absolute path", archive(t, "/etc/a.go", "package a"), check.Limits{}, "/etc/a.go: absolute path"},
		{"parent path", archive(t, "../a.go", "package a"), check.Limits{}, "../a.go: path leads out of the archive"},
		{"hidden parent path", archive(t, "x/../../a.go", "package a"), check.Limits{}, "x/../../a.go: path is not clean"},
		{"backslash", archive(t, `..\a.go`, "package a"), check.Limits{}, `..\a.go: backslash in name`},
		{"control characters", archive(t, "a\n.go", "package a"), check.Limits{}, "a\n.go: name is not printable"},
		{"twice", archive(t, "a.go", "package a", "./a.go", "package b"), check.Limits{}, "a.go: twice in the archive"},
		{"huge size claimed", header(t, "a.go", 1<<40), check.Limits{}, "a.go: 1099511627776 bytes, the limit is 1048576"},
		{"huge size claimed by another", append(header(t, "README", 1<<40), make([]byte, 1<<20)...), check.Limits{Bytes: 10_000}, "expands to too many bytes, the limit is 80000"},
		{"huge file", archive(t, "a.go", strings.Repeat("/", 11)), check.Limits{FileBytes: 10}, "a.go: 11 bytes, the limit is 10"},
		{"too much in all", archive(t, "a.go", "package a", "b.go", "package a"), check.Limits{Bytes: 17}, "expands to too many bytes, the limit is 136"},
		{"too much source in all", archive(t, "a.go", strings.Repeat("/", 900), "b.go", strings.Repeat("/", 900)), check.Limits{Bytes: 1000}, "too many bytes of source, the limit is 1000"},
		{"too many files", archive(t, "a.go", "package a", "b.go", "package a"), check.Limits{Files: 1}, "too many Go files, the limit is 1"},
		{"too many entries", archive(t, entries(21)...), check.Limits{Files: 1}, "too many entries, the limit is 20"},
		{"gzip bomb", bomb(t, header(t, "README", 1<<33), 1<<24), check.Limits{Bytes: 1 << 20}, "expands to too many bytes, the limit is 8388608"},
		{"gzip bomb in a Go file", bomb(t, header(t, "a.go", 1<<20), 1<<24), check.Limits{Bytes: 1 << 20}, "too many tokens in all, the limit is 1000000"},
		{"module file without a path", archive(t, "a.go", "package a", "go.mod", "hello"), check.Limits{}, "go.mod: no module path"},
		{"module file with a bad version", archive(t, "a.go", "package a", "go.mod", "module m\ngo one"), check.Limits{}, "go.mod: not a Go version: one"},
		{"nothing to build", archive(t, "a_plan9.go", "package a"), check.Limits{}, "no Go files for "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := check.FromTar(bytes.NewReader(tt.data), tt.lim)
			if err == nil {
				_, err = checker(t).Check(context.Background(), s)
			}
			if got := refusal(t, err).Error(); !strings.Contains(got, tt.want) {
				t.Errorf("got %s, want ...%s", got, tt.want)
			}
		})
	}
}

func entries(n int) (files []string) {
	for i := range n {
		files = append(files, string(rune('a'+i)), "")
	}
	return files
}

func TestArchiveIsReadCompressedOrNot(t *testing.T) {
	plain := archive(t, "a.go", "package a")
	for _, data := range [][]byte{plain, zip(t, plain)} {
		s, err := check.FromTar(iotest.OneByteReader(bytes.NewReader(data)), check.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Files) != 1 || s.Files[0].Name != "a.go" || string(s.Files[0].Data) != "package a" {
			t.Errorf("got %v", s.Files)
		}
	}
}

func TestLinksInAnArchiveAreIgnored(t *testing.T) {
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	for _, kind := range []byte{tar.TypeSymlink, tar.TypeLink, tar.TypeFifo, tar.TypeChar} {
		if err := tw.WriteHeader(&tar.Header{Name: string(kind) + ".go", Linkname: "/etc/passwd", Typeflag: kind}); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := check.FromTar(&buf, check.Limits{})
	if got := refusal(t, err).What; got != "no Go files" {
		t.Errorf("got %s", got)
	}
}

func TestErrorOfTheCallersReaderIsNotTheArchivesFault(t *testing.T) {
	boom := errors.New("connection reset")
	data := archive(t, "a.go", "package a")
	for _, data := range [][]byte{nil, data[:700], zip(t, data)[:50]} {
		_, err := check.FromTar(io.MultiReader(bytes.NewReader(data), iotest.ErrReader(boom)), check.Limits{})
		if !errors.Is(err, boom) || errors.As(err, new(*check.InputError)) {
			t.Errorf("got %v", err)
		}
	}
	if _, err := check.FromFile("a.go", iotest.ErrReader(boom), check.Limits{}); !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
}

func TestFileWithABadNameOrTooManyBytesIsRefused(t *testing.T) {
	for name, want := range map[string]check.Reason{
		"/a.go": check.Malformed, "../a.go": check.Malformed, "a.txt": check.Malformed,
		"a\x00.go": check.Malformed, strings.Repeat("a", 600) + ".go": check.Malformed, "a.go": check.TooLarge,
	} {
		_, err := check.FromFile(name, strings.NewReader("package a"), check.Limits{FileBytes: 8})
		if got := refusal(t, err).Reason; got != want {
			t.Errorf("%.20q: %s", name, got)
		}
	}
}
