package child

import (
	"strings"
	"testing"
)

func TestTailBeginsWithTheCrashThoughItsStacksAreLong(t *testing.T) {
	stacks := strings.Repeat("goroutine 7 [select]:\n\tmain.go:12\n", 1000)
	for _, c := range []struct {
		name   string
		chunks []string
		has    []string
		not    string
	}{
		{"after other lines", []string{"starting\n", "fatal error: all is lost\n\n", stacks}, []string{"fatal error: all is lost\n", "main.go:12\n"}, "starting"},
		{"in the middle of a read", []string{"a panic: no\npanic: yes\n" + stacks}, []string{"panic: yes\n"}, "a panic"},
		{"the first of one crash counts", []string{"SIGSEGV: bad\n", "panic: later\n" + stacks}, []string{"SIGSEGV: bad\npanic: later\n"}, ""},
		{"short enough to be there anyway", []string{"before\npanic: it\n"}, []string{"before\npanic: it\n"}, "…"},
		{"the earliest line of one read", []string{"runtime: stack exceeds\nfatal error: stack overflow\npanic: x\n" + stacks}, []string{"runtime: stack exceeds\n"}, ""},
		{"none", []string{"x panic: \n" + stacks}, []string{"main.go:12\n"}, "panic"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStream("stderr", nil, nil)
			for _, chunk := range c.chunks {
				s.keep([]byte(chunk))
			}
			got := string(s.end())
			for _, want := range c.has {
				if !strings.Contains(got, want) {
					t.Errorf("%q is not in it:\n%.200s", want, got)
				}
			}
			if c.not != "" && strings.Contains(got, c.not) || len(got) > tailSize {
				t.Errorf("%d bytes, with %q:\n%.200s", len(got), c.not, got)
			}
		})
	}
}
