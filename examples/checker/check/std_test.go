package check_test

import (
	"context"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/hemgo/hem/examples/checker/check"
)

// raceEnabled says that the race detector makes everything ten times slower.
var raceEnabled bool

func TestUnknownStandardPackageIsNotFound(t *testing.T) {
	for _, p := range []string{
		"", ".", "..", "/", "nosuch", "net/nosuch", "../../etc", "net/../net", "/etc", `..\etc`, "net//http",
		"net/http/", "./net", "cmd/go", "vendor/golang.org/x/net/idna", "golang.org/x/net/idna", "testdata",
		"net/http/testdata", "C", "builtin", "fmt\x00", "fmt/print.go", strings.Repeat("a/", 500) + "a",
	} {
		_, err := check.FromStd(p, check.Limits{})
		if in := refusal(t, err); in.Reason != check.NotFound {
			t.Errorf("%.20q: %v", p, in)
		}
	}
}

func TestStandardPackageOverTheLimitsIsRefused(t *testing.T) {
	for _, lim := range []check.Limits{{Files: 1}, {Bytes: 1000}, {FileBytes: 1000}} {
		_, err := check.FromStd("fmt", lim)
		if in := refusal(t, err); in.Reason != check.TooLarge {
			t.Errorf("%+v: %v", lim, in)
		}
	}
}

// TestStandardPackagesAreCleanFromManyGoroutines begins with a cold cache, so
// that goroutines load the same packages at once.
func TestStandardPackagesAreCleanFromManyGoroutines(t *testing.T) {
	c, err := check.New(check.Config{})
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{"net/http", "go/types", "encoding/json", "fmt", "strings", "os", "crypto/tls", "net", "time"}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 4 { // of 9: neighbours overlap, and all get checked
				p := paths[(g+i)%len(paths)]
				s, err := check.FromStd(p, check.Limits{})
				if err != nil {
					t.Error(err)
					return
				}
				rep, err := c.Check(context.Background(), s)
				if err != nil {
					t.Error(err)
					return
				}
				if rep.Package != p || rep.Files == 0 || rep.Lines == 0 || len(rep.Diagnostics) > 0 {
					t.Errorf("%s: %d files, %d lines\n%s", rep.Package, rep.Files, rep.Lines, found(rep))
				}
			}
		})
	}
	wg.Wait()
}

// TestWholeStandardLibraryIsWithinTheLimits would notice a guard that refuses
// honest code, and any change of go/types that the guards do not foresee.
func TestWholeStandardLibraryIsWithinTheLimits(t *testing.T) {
	out, err := exec.Command("go", "list", "std").Output()
	if err != nil {
		t.Fatal("the go command lists the library: ", err)
	}
	every := 1
	if testing.Short() || raceEnabled {
		every = 10 // all of it takes ten seconds, and a minute under -race
	}
	checked := 0
	for i, p := range strings.Fields(string(out)) {
		if i%every != 0 {
			continue
		}
		s, err := check.FromStd(p, check.Limits{})
		if err != nil {
			continue // vendored, or only for cgo
		}
		rep, err := checker(t).Check(context.Background(), s)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, d := range rep.Diagnostics {
			switch d.Code {
			case check.CodeType, check.CodeSyntax, check.CodeImport, check.CodeUnusedImport, check.CodeUnusedVariable:
				t.Error(line(d))
			}
		}
		checked++
	}
	if checked < 200/every {
		t.Errorf("only %d packages checked", checked)
	}
}

func TestChecksOfTheSameSourceReportTheSame(t *testing.T) {
	s, err := check.FromStd("reflect", check.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	first, err := checker(t).Check(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	second, err := checker(t).Check(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	if found(first) != found(second) {
		t.Error("two checks of reflect differ")
	}
}
