package jobtest_test

import (
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
)

// flaws are the ways in which a plain log breaks the contract, and the case
// that must say so.
var flaws = map[string]string{
	"begins with a record":            "a new log has no records",
	"says zero for the first of none": "a new log has no records",
	"takes zero for the first":        "a new log has no records",

	"ends before the last":           "records are numbered from one and read as they were appended",
	"drops what it has already":      "records are numbered from one and read as they were appended",
	"lets an older predecessor pass": "an append after anything but the last record is a conflict",
	"lets a later predecessor pass":  "an append after anything but the last record is a conflict",
	"is off by one":                  "an append after anything but the last record is a conflict",
	"believes the first":             "an append after anything but the last record is a conflict",
	"takes zero for any":             "an append after anything but the last record is a conflict",
	"does not say conflict":          "an append after anything but the last record is a conflict",
	"says unknown for a conflict":    "an append after anything but the last record is a conflict",
	"cuts the end of a line":         "records of every size arrive",
	"takes one byte too few":         "records of every size arrive",
	"takes one byte too many":        "a record that is empty or too large is refused and not stored",
	"takes empty records":            "a record that is empty or too large is refused and not stored",
	"stores what is too large":       "a record that is empty or too large is refused and not stored",
	"keeps the caller's slice":       "the log keeps bytes of its own",
	"shows its own bytes":            "the log keeps bytes of its own",
	"forgets to say unknown":         "an append whose context has ended is unknown",
	"stores twice what is unknown":   "an append whose context has ended is unknown",
	"stores half of what is unknown": "an append whose context has ended is unknown",
	"says nil and stores nothing":    "an append whose context has ended is unknown",
	"lets two win":                   "of appends at once one wins and nothing is left of the others",
	"stores the loser":               "of appends at once one wins and nothing is left of the others",

	"takes the end for damage":            "reading begins at any record",
	"reads nothing where nothing is":      "reading beyond the end is damage",
	"wraps the reader's error":            "the error of a reader comes back untouched",
	"reads on after an error":             "the error of a reader comes back untouched",
	"holds its lock while it reads":       "a reader may use the log",
	"reads on when its context has ended": "reading ends with its context",
	"ends in silence with its context":    "reading ends with its context",
	"ends after 256 records":              "reading takes in a thousand records",

	"trims one too many":                         "trimming forgets the oldest alone",
	"trims one too few":                          "trimming forgets the oldest alone",
	"says that nothing was trimmed":              "trimming forgets the oldest alone",
	"does not say what was trimmed":              "trimming forgets the oldest alone",
	"trims backwards":                            "trimming to an older record changes nothing",
	"refuses to trim again":                      "trimming to an older record changes nothing",
	"trims the last":                             "the last record is never forgotten",
	"trims up to the last when it says conflict": "the last record is never forgotten",
	"takes too much for all but one":             "the last record is never forgotten",
	"takes zero for any once it was trimmed":     "a log that was trimmed goes on",
	"jumps over what is trimmed":                 "a reader may trim what it has not read",
	"ends where it is trimmed":                   "a reader may trim what it has not read",
	"trims the newest first":                     "trimming that was interrupted leaves the rest whole",
	"passes over a gap":                          "trimming that was interrupted leaves the rest whole",

	"closes once":                        "closing twice does nothing and what follows is refused",
	"appends when it is closed":          "closing twice does nothing and what follows is refused",
	"does not wait when it closes":       "closing waits for what is under way",
	"is new when it is reopened":         "reopening finds everything",
	"loses the last when it is reopened": "reopening finds everything",
	"has it all when it is reopened":     "reopening finds where it was trimmed",
}

func openPlain(flaw string) func(*testing.T) (job.Log, func() job.Log) {
	return func(*testing.T) (job.Log, func() job.Log) {
		l := newPlain(flaw)
		return l, func() job.Log {
			l = l.reopen().(*plain)
			return l
		}
	}
}

func TestPlainLogWithoutAFlawKeepsTheContract(t *testing.T) {
	jobtest.Exercise(t, openPlain(""))
}

// TestExerciseFailsForABrokenLog runs this test again in a child process for
// each flaw, where Exercise fails or does not.
func TestExerciseFailsForABrokenLog(t *testing.T) {
	const which = "HEM_JOBTEST_FLAW"
	if flaw := os.Getenv(which); flaws[flaw] != "" {
		jobtest.SetPatience(500 * time.Millisecond)
		jobtest.Exercise(t, openPlain(flaw))
		return
	}
	self := t.Name()
	for flaw, sentence := range flaws {
		t.Run(flaw, func(t *testing.T) {
			t.Parallel()
			name := strings.ReplaceAll(sentence, " ", "_")
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+self+"$/^"+regexp.QuoteMeta(name)+"$")
			child.Env = append(os.Environ(), which+"="+flaw, "GORACE=atexit_sleep_ms=0")
			out, err := child.CombinedOutput()
			if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
				t.Fatalf("Exercise passes a log that %s (%v)\n%s", flaw, err, out)
			}
			failed := strings.Contains(string(out), "--- FAIL: "+self+"/"+name+" ")
			hung := strings.Contains(string(out), `panic: jobtest: "`+sentence+`" hangs`)
			if !failed && !hung {
				t.Errorf("of a log that %s, Exercise does not say that %q fails:\n%s", flaw, sentence, out)
			}
		})
	}
}
