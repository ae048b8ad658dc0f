package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/scope/scopetest"
)

// serve runs body against a service on every placement, then stops it.
func serve(t *testing.T, body func(t *testing.T, s *scope.Scope, url string)) {
	for _, p := range placements {
		t.Run(p.name, func(t *testing.T) { serveOn(t, p.name, limits, body) })
	}
}

// serveOn runs body against a service on one placement, then stops it.
func serveOn(t *testing.T, placement string, each proc.Limits, body func(t *testing.T, s *scope.Scope, url string)) {
	scopetest.Run(t, func(ctx context.Context, s *scope.Scope) error {
		v, err := newService(placement, each)
		if err != nil {
			return err
		}
		url, err := v.start(s, "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer http.DefaultClient.CloseIdleConnections()
		defer s.Stop(errors.New("the test is over"))
		body(t, s, url)
		return nil
	}, scopetest.With(scope.Grace(time.Minute))) // tests share the machine with others
}

// answer is what the service says.
type answer struct {
	status      int
	Error       string
	Package     string
	Diagnostics []struct {
		File, Code, Message string
		Line                int
	}
}

func (a answer) codes() string {
	var codes []string
	for _, d := range a.Diagnostics {
		codes = append(codes, d.Code)
	}
	return strings.Join(codes, " ")
}

func ask(t *testing.T, method, url string, body io.Reader) (a answer) {
	t.Helper()
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		t.Fatalf("%s %s: %s is no JSON: %v", method, url, resp.Status, err)
	}
	a.status = resp.StatusCode
	return a
}

func TestSourceIsAnsweredWithDiagnostics(t *testing.T) {
	const source = `package p

import (
	"fmt"
	"os"
)

func f(n int) int {
	unused := 1
	fmt.Printf("%s\n", n)
	return 1
	return 2
}
`
	serve(t, func(t *testing.T, _ *scope.Scope, url string) {
		a := ask(t, "POST", url+"/check?name=p.go", strings.NewReader(source))
		if a.status != http.StatusOK || !strings.Contains(a.codes(), "unused-import") || !strings.Contains(a.codes(), "unused-variable") {
			t.Errorf("got %+v", a)
		}
		whole := strings.NewReplacer("\t\"os\"\n", "", "\tunused := 1\n", "").Replace(source)
		a = ask(t, "POST", url+"/check", strings.NewReader(whole))
		if a.status != http.StatusOK || a.codes() != "printf unreachable" {
			t.Errorf("got %+v", a)
		}
		if len(a.Diagnostics) > 0 && (a.Diagnostics[0].Line != 8 || a.Diagnostics[0].File == "") {
			t.Errorf("the first diagnostic stands at %+v, not at line 8", a.Diagnostics[0])
		}
	})
}

func TestAModuleIsCheckedFromATar(t *testing.T) {
	serve(t, func(t *testing.T, _ *scope.Scope, url string) {
		a := ask(t, "POST", url+"/check", archive(t, map[string]string{
			"go.mod":   "module example.com/m\n\ngo 1.26\n",
			"m.go":     "package m\n\nimport \"example.com/m/in\"\n\nvar N = in.N\n",
			"in/in.go": "package in\n\nconst N int = \"no\"\n",
		}))
		if a.status != http.StatusOK || a.codes() != "type" || a.Package != "example.com/m" {
			t.Errorf("got %+v", a)
		}
	})
}

func archive(t *testing.T, files map[string]string) io.Reader {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &buf
}

func TestAStandardPackageIsChecked(t *testing.T) {
	serve(t, func(t *testing.T, _ *scope.Scope, url string) {
		if a := ask(t, "GET", url+"/check?pkg=net/url", nil); a.status != http.StatusOK || a.Package != "net/url" {
			t.Errorf("got %+v", a)
		}
	})
}

func TestBadInputIsRefusedByNameAndTheServiceGoesOn(t *testing.T) {
	deep := "package p\nvar x = " + strings.Repeat("(", 100_000) + "1" + strings.Repeat(")", 100_000)
	for _, c := range []struct {
		name, method, path string
		body               io.Reader
		status             int
		says               string
	}{
		{"no package named", "GET", "/check", nil, 400, "/check?pkg="},
		{"an unknown package", "GET", "/check?pkg=no/such", nil, 404, "no/such"},
		{"a path out of the library", "GET", "/check?pkg=../../etc", nil, 404, "../../etc"},
		{"an empty body", "POST", "/check", strings.NewReader(""), 400, "empty"},
		{"a body past the limit", "POST", "/check", io.LimitReader(zeros{}, maxBody+1), 413, "16 MiB"},
		{"no Go", "POST", "/check?name=p.go", strings.NewReader("\x00\xff"), 200, ""},
		{"a name with a folder", "POST", "/check?name=../p.go", strings.NewReader("package p"), 400, "folder"},
		{"hostile nesting", "POST", "/check?name=p.go", strings.NewReader(deep), 422, "nest"},
		{"half an archive", "POST", "/check", io.LimitReader(archive(t, map[string]string{"a.go": strings.Repeat("//\n", 1000)}), 700), 400, "tar"},
	} {
		data, err := []byte(nil), error(nil)
		if c.body != nil {
			if data, err = io.ReadAll(c.body); err != nil {
				t.Fatal(err)
			}
		}
		t.Run(c.name, func(t *testing.T) {
			serve(t, func(t *testing.T, _ *scope.Scope, url string) {
				a := ask(t, c.method, url+c.path, bytes.NewReader(data))
				if a.status != c.status || !strings.Contains(a.Error, c.says) {
					t.Errorf("got %d %q, not %d with %q", a.status, a.Error, c.status, c.says)
				}
				if a := ask(t, "GET", url+"/check?pkg=errors", nil); a.status != http.StatusOK {
					t.Errorf("the service does not go on: %+v", a)
				}
			})
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestARequestInFlightFinishesWhenTheServiceStops(t *testing.T) {
	serve(t, func(t *testing.T, s *scope.Scope, url string) {
		got := make(chan answer)
		go func() { got <- ask(t, "GET", url+"/check?pkg=go/types", nil) }()
		for !strings.Contains(text(t, url+"/debug/hem"), "GET /check#") {
		}
		s.Stop(errors.New("asked to"))
		if a := <-got; a.status != http.StatusOK || a.Package != "go/types" {
			t.Errorf("got %+v", a)
		}
	})
}

func text(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTheLightNeighbourAndTheTreeAnswer(t *testing.T) {
	serve(t, func(t *testing.T, _ *scope.Scope, url string) {
		if got := text(t, url+"/ping"); got != "pong\n" {
			t.Errorf("ping said %q", got)
		}
		if got := text(t, url+"/debug/hem"); !strings.Contains(got, "http#") {
			t.Errorf("the tree lacks the server:\n%s", got)
		}
		if got := text(t, url+"/debug/hem?format=json"); !json.Valid([]byte(got)) || !strings.Contains(got, `"http"`) {
			t.Errorf("the tree is no JSON:\n%s", got)
		}
	})
}

func TestAnUnknownPlacementIsNamed(t *testing.T) {
	_, err := newService("moon", limits)
	if err == nil || !strings.Contains(err.Error(), `"moon"`) || !strings.Contains(err.Error(), "pool") {
		t.Errorf("got %v", err)
	}
}

func TestAnAddressThatCannotBeServedIsNamedWithARemedy(t *testing.T) {
	v, err := newService("goroutine", limits)
	if err != nil {
		t.Fatal(err)
	}
	scopetest.Run(t, func(_ context.Context, s *scope.Scope) error {
		_, err := v.start(s, "127.0.0.1:-1")
		if err == nil || !strings.Contains(err.Error(), "-1") || !strings.Contains(err.Error(), "-addr") {
			t.Errorf("got %v", err)
		}
		return nil
	})
}
