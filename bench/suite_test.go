package main

import (
	"strings"
	"testing"
)

// glance is a plan that proves that the cases work, and measures nothing.
var glance = plan{name: "glance", rounds: 1, sample: 1, live: 50, crowd: 50, knots: 3}

func TestEveryCaseHasItsOwnName(t *testing.T) {
	seen := make(map[string]string)
	for _, s := range suites {
		for _, c := range s.cases {
			if other, ok := seen[c.name]; ok {
				t.Errorf("%s is a case of %s and of %s", c.name, other, s.name)
			}
			seen[c.name] = s.name
			if c.per == "" {
				t.Errorf("%s does not say what an operation is", c.name)
			}
		}
	}
}

func TestEveryCaseOwesToARivalThatItHas(t *testing.T) {
	for _, s := range suites {
		for _, c := range s.cases {
			if c.owed.most == 0 || c.measure != nil {
				continue
			}
			found := false
			for _, side := range c.sides[1:] {
				found = found || side.name == c.owed.rival
			}
			if !found {
				t.Errorf("%s owes to %q, which is none of its rivals", c.name, c.owed.rival)
			}
		}
	}
}

func TestEveryCaseRuns(t *testing.T) {
	for _, s := range suites {
		for _, c := range s.cases {
			t.Run(s.name+"/"+c.name, func(t *testing.T) {
				o, err := c.run(glance)
				if err != nil {
					t.Fatal(err)
				}
				var b strings.Builder
				writeOutcome(&b, o)
				for line := range strings.Lines(b.String()) {
					if !strings.HasPrefix(line, "# ") && strings.Count(line, "\t") != 4 {
						t.Errorf("%q has not five columns", line)
					}
				}
				if c.owed.most > 0 && !strings.Contains(b.String(), "# owed <= ") {
					t.Errorf("nothing says whether what is owed is met:\n%s", b.String())
				}
			})
		}
	}
}

func TestUnknownSuiteExitsWithTwoAndTheList(t *testing.T) {
	for _, args := range [][]string{{"-suite", "soap"}, {}, {"-suite", "scope", "-tables"}} {
		var out, errs strings.Builder
		if code := run(args, &out, &errs); code != 2 {
			t.Errorf("%v: exit code %d, want 2", args, code)
		}
		for _, s := range suites {
			if !strings.Contains(errs.String(), s.name) {
				t.Errorf("%v: %q does not list suite %s", args, errs.String(), s.name)
			}
		}
		if out.Len() > 0 {
			t.Errorf("%v: printed %q", args, out.String())
		}
	}
}

func TestUnknownTableAndStrayArgumentsExitWithTwo(t *testing.T) {
	for _, args := range [][]string{
		{"-tables", "scoop"},
		{"-suite", "scope", "pool"},
		{"-suite", "scope", "-write", "x.md"},
		{"-no-such-flag"},
	} {
		var out, errs strings.Builder
		if code := run(args, &out, &errs); code != 2 || errs.Len() == 0 {
			t.Errorf("%v: exit code %d with %q, want 2 and a reason", args, code, errs.String())
		}
	}
}

func TestFileThatIsNotThereFailsBeforeAnythingIsMeasured(t *testing.T) {
	var out, errs strings.Builder
	// Had it measured first, the test would take minutes.
	if code := run([]string{"-tables", "-write", "no/such.md"}, &out, &errs); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if !strings.Contains(errs.String(), "no/such.md") {
		t.Errorf("%q does not name the file", errs.String())
	}
}

// BenchmarkSides is for profiles and allocations of one side at a time:
//
//	go test -run - -bench Sides/spawn-1/hem -benchmem -cpuprofile cpu.prof ./bench
func BenchmarkSides(b *testing.B) {
	for _, s := range suites {
		for _, c := range s.cases {
			for _, side := range c.sides {
				b.Run(c.name+"/"+side.name, func(b *testing.B) {
					turn, shut := side.open()
					defer shut()
					b.ReportAllocs()
					b.ResetTimer()
					turn(b.N)
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*c.ops), "ns/"+strings.ReplaceAll(c.per, " ", "-"))
				})
			}
		}
	}
}
