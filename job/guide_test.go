package job_test

import (
	"context"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/inspect"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/task"
)

func TestTheDumpInTheGuideOfJobsIsWhatIsPrinted(t *testing.T) {
	page, err := os.ReadFile("../docs/jobs.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "<!-- dump -->")
	guide, _, ok := strings.Cut(rest, "<!-- /dump -->")
	if !ok || len(shape(guide)) < 7 {
		t.Fatalf("the guide shows %q", guide)
	}
	bubble(t, func(t *testing.T) {
		begun := make(chan context.Context, 9)
		resize, send := waits("photo.resize", begun), waits("mail.send", begun)
		o := open(t, jobtest.NewMemory(), job.Config{Name: "shop", Queues: map[string]job.QueueConfig{
			"mail": {Running: 2, Rate: job.Rate{Every: 100 * time.Millisecond, Burst: 10}},
		}})
		c := o.Client()
		working(t, c, job.WorkerConfig{Name: "thumbs", Tasks: []task.Task{resize}})
		working(t, c, job.WorkerConfig{Name: "mailer", Tasks: []task.Task{send}})
		entered(t, c, resize, 1)
		for range 3 {
			entered(t, c, send, 1, job.Queue("mail"))
		}
		synctest.Wait()
		if err := c.Pause(t.Context(), "mail"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1300 * time.Millisecond)
		var dump strings.Builder
		if err := inspect.Dump(&dump); err != nil {
			t.Fatal(err)
		}
		printed := shape(dump.String())
		for _, line := range shape(guide) {
			if !slices.Contains(printed, line) {
				t.Errorf("%q is not in\n%s", line, &dump)
			}
		}
		if _, err := c.CancelAll(t.Context(), job.Query{}); err != nil {
			t.Fatal(err)
		}
	})
}

var (
	hexadecimal = regexp.MustCompile(`[0-9a-f]{32}`)
	digits      = regexp.MustCompile(`\d[\d.]*`)
)

// shape returns the lines of a dump without what differs from one to the next.
func shape(text string) (lines []string) {
	for line := range strings.Lines(text) {
		line = digits.ReplaceAllString(hexadecimal.ReplaceAllString(strings.TrimSpace(line), "T"), "N")
		if line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}
