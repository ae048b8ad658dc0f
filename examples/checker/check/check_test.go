package check_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"golang.org/x/tools/go/analysis"

	"github.com/hemgo/hem/examples/checker/check"
)

// withPass returns a Checker with one pass, which runs f.
func withPass(t *testing.T, f func(*analysis.Pass) (any, error)) *check.Checker {
	t.Helper()
	c, err := check.New(check.Config{Passes: []*analysis.Analyzer{{Name: "probe", Doc: "probe", Run: f}}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func source(t *testing.T, src string) *check.Source {
	t.Helper()
	s, err := check.FromFile("a.go", strings.NewReader(src), check.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPanicOfAPassIsAnInternalErrorThatNamesIt(t *testing.T) {
	c := withPass(t, func(*analysis.Pass) (any, error) { panic("boom") })
	rep, err := c.Check(context.Background(), source(t, "package p; func f() { x := 1 }"))
	var ie *check.InternalError
	if !errors.As(err, &ie) {
		t.Fatalf("got %v", err)
	}
	if ie.Stage != "probe" || ie.Package != "p" || ie.Value != "boom" || !strings.Contains(string(ie.Stack), "check_test.go") {
		t.Errorf("got %+v", ie)
	}
	if got, want := err.Error(), "check: p: probe panicked: boom"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if rep == nil || len(rep.Diagnostics) != 1 {
		t.Errorf("report so far: %+v", rep)
	}
	if _, err := c.Check(context.Background(), source(t, "package p; import \"fmt\"; var _ = fmt.Sprint")); !errors.As(err, &ie) {
		t.Errorf("after a panic: %v", err)
	}
}

func TestErrorOfAPassIsAnInternalErrorThatWrapsIt(t *testing.T) {
	boom := errors.New("boom")
	c := withPass(t, func(*analysis.Pass) (any, error) { return nil, boom })
	_, err := c.Check(context.Background(), source(t, "package p"))
	if !errors.Is(err, boom) || !errors.As(err, new(*check.InternalError)) {
		t.Errorf("got %v", err)
	}
}

func TestInvalidPassIsRefusedAtConstruction(t *testing.T) {
	if _, err := check.New(check.Config{Passes: []*analysis.Analyzer{{Name: "no name"}}}); err == nil {
		t.Error("no error")
	}
}

func TestCheckThatIsCancelledReturnsTheCause(t *testing.T) {
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	c := withPass(t, func(*analysis.Pass) (any, error) { cancel(cause); return nil, nil })
	s := source(t, "package p; import \"net/http\"; var _ http.Handler")
	if _, err := c.Check(ctx, s); err != nil {
		t.Fatalf("cancelled in the last pass: %v", err)
	}
	if _, err := c.Check(ctx, s); err != cause {
		t.Errorf("cancelled before: got %v", err)
	}
	if err := c.Warm(ctx, "net/http"); err != nil {
		t.Errorf("Warm of what is loaded: got %v", err)
	}
	if err := c.Warm(ctx, "image/png"); err != cause {
		t.Errorf("Warm of what is not: got %v", err)
	}
}

// TestLoadThatIsCancelledIsTakenOverByOthers cancels half of the checks that
// load net/http at once; the others must not notice.
func TestLoadThatIsCancelledIsTakenOverByOthers(t *testing.T) {
	c, err := check.New(check.Config{})
	if err != nil {
		t.Fatal(err)
	}
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if i == 0 {
				cancel(cause)
			}
			if i%2 == 0 {
				if err := c.Warm(ctx, "net/http"); err != nil && err != cause {
					t.Errorf("cancelled: %v", err)
				}
				return
			}
			if err := c.Warm(context.Background(), "net/http"); err != nil {
				t.Errorf("not cancelled: %v", err)
			}
		})
	}
	wg.Wait()
	rep, err := c.Check(context.Background(), source(t, "package p; import \"net/http\"; var _ http.Handler"))
	if err != nil || len(rep.Diagnostics) > 0 {
		t.Errorf("%v %v", rep, err)
	}
}

func TestWarmOfAnUnknownPackageIsNotFound(t *testing.T) {
	for _, p := range []string{"nosuch", "../../etc", "example.com/x"} {
		if in := refusal(t, checker(t).Warm(context.Background(), p)); in.Reason != check.NotFound {
			t.Errorf("%s: %v", p, in)
		}
	}
}
