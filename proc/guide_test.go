package proc_test

import (
	"context"
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hemgo/hem/inspect"
	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/task"
)

// The guide is docs/processes.md. What it shows is held to what is printed, and
// the tests it names to be there.
const guide = "../docs/processes.md"

// shrink is the guide's task. It takes until its context ends.
var shrink = task.Define("shrink", func(ctx context.Context, _ task.Void) (task.Void, error) {
	<-ctx.Done()
	return task.Void{}, nil
})

func init() { testTasks = append(testTasks, shrink) }

func TestTheDumpInTheGuideIsWhatIsPrinted(t *testing.T) {
	shown := shape(between(t, guide, "<!-- dump -->", "<!-- /dump -->"))
	if len(shown) < 7 {
		t.Fatalf("the guide shows %q", shown)
	}
	p := open(t, proc.Config{Name: "thumbs", Workers: 2, Limits: proc.Limits{Memory: 1 << 30}})
	errSeen := errors.New("seen")
	err := scope.Run(t.Context(), func(ctx context.Context, s *scope.Scope) error {
		s.Go(func(ctx context.Context) error {
			_, err := shrink.Do(ctx, p, task.Void{})
			return err
		}, scope.Name("upload"))
		var missing []string
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			if missing = without(shown, shape(dump(t))); len(missing) == 0 {
				return errSeen
			}
		}
		t.Errorf("the guide shows\n\t%s\nand printed is\n%s", strings.Join(missing, "\n\t"), dump(t))
		return errSeen
	}, scope.Name("serve"))
	if !errors.Is(err, errSeen) {
		t.Error(err)
	}
}

func dump(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	if err := inspect.Dump(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var (
	sourceLine = regexp.MustCompile(`\w+\.go:\d+`)
	ago        = regexp.MustCompile(`≥\S+ (ago )?`)
	number     = regexp.MustCompile(`\d[\d.]*((ns|µs|ms|s|m|h)\b|(m|h)\d[\d.]*)*`)
	heldBy     = regexp.MustCompile(`trees killed by.*`)
)

// shape returns the lines of a dump without what differs from one to the next,
// or from one machine to another.
func shape(text string) (lines []string) {
	for line := range strings.Lines(text) {
		line = sourceLine.ReplaceAllString(strings.TrimSpace(line), "x.go:N")
		line = number.ReplaceAllString(ago.ReplaceAllString(line, ""), "N")
		if line = heldBy.ReplaceAllString(line, "trees killed by …"); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// without returns what is in want and not in have.
func without(want, have []string) (missing []string) {
	for _, line := range want {
		if !slices.Contains(have, line) {
			missing = append(missing, line)
		}
	}
	return missing
}

func TestADumpOfAnotherShapeIsFound(t *testing.T) {
	const printed = "pid 12: busy shrink for 1m2.5s, age 1.61s, 1 calls\n└─ upload#1  waits ≥2s for process thumbs pid 7  started ≥3s ago at a.go:9\n"
	const shown = "pid 3: busy shrink for 1ms, age 3h2m, 10 calls\n\n└─ upload#44  waits for process thumbs pid 1  started at bc.go:10\n"
	if missing := without(shape(shown), shape(printed)); len(missing) > 0 {
		t.Errorf("%q is not in %q", missing, shape(printed))
	}
	if missing := without(shape(shown+"pid 3: idle for 1ms"), shape(printed)); len(missing) != 1 {
		t.Errorf("missing is %q", missing)
	}
}

// between returns what stands between two markers of a page.
func between(t *testing.T, page, begin, end string) string {
	t.Helper()
	_, rest, ok := strings.Cut(readPage(t, page), begin)
	text, _, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no %s … %s", page, begin, end)
	}
	return text
}

func readPage(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
