package check_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/hemgo/hem/examples/checker/check"
)

// shared is one Checker for all tests: warm after the first.
var shared = sync.OnceValues(func() (*check.Checker, error) { return check.New(check.Config{}) })

func checker(t testing.TB) *check.Checker {
	t.Helper()
	c, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// archive makes a tar of files given as name, content, name, content.
func archive(t testing.TB, files ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	for i := 0; i < len(files); i += 2 {
		hdr := &tar.Header{Name: files[i], Mode: 0o644, Size: int64(len(files[i+1])), Typeflag: tar.TypeReg}
		if err := tw.WriteHeader(hdr); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func zip(t testing.TB, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	if _, err := zw.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// checkFile checks one file with the default limits.
func checkFile(t testing.TB, src string) (*check.Report, error) {
	t.Helper()
	s, err := check.FromFile("a.go", strings.NewReader(src), check.Limits{FileBytes: 8 << 20})
	if err != nil {
		return nil, err
	}
	return checker(t).Check(context.Background(), s)
}

// checkModule checks an archive of files with the default limits.
func checkModule(t testing.TB, files ...string) *check.Report {
	t.Helper()
	s, err := check.FromTar(bytes.NewReader(archive(t, files...)), check.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	rep, err := checker(t).Check(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// found renders diagnostics one a line: file:line:col: code: message.
func found(rep *check.Report) string {
	var b strings.Builder
	for _, d := range rep.Diagnostics {
		b.WriteString(line(d) + "\n")
	}
	return b.String()
}

// refusal returns the InputError in err, or fails.
func refusal(t testing.TB, err error) *check.InputError {
	t.Helper()
	var in *check.InputError
	if !errors.As(err, &in) {
		t.Fatalf("got error %v, want an *InputError", err)
	}
	return in
}
