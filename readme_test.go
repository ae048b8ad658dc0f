package hem_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestReadmeNamesTargetsThatExist(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	named, exist := makeCommands(string(readme)), targets(string(makefile))
	if len(named) == 0 {
		t.Error("README.md shows no make command in a fenced block")
	}
	for _, target := range named {
		if !slices.Contains(exist, target) {
			t.Errorf("README.md says make %s; the Makefile has %s", target, strings.Join(exist, ", "))
		}
	}
}

// A text that names a registry or one machine's directories is right for
// whoever wrote it and for nobody else.
func TestFilesNameNoRegistryAndNoMachine(t *testing.T) {
	for _, name := range repositoryFiles(t) {
		text, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed and not yet committed
		}
		if err != nil {
			t.Error(err)
		}
		if found := private(text); found != "" {
			t.Errorf("%s names %s", name, found)
		}
	}
}

// makeCommands returns the targets of the lines "make X" in the fenced blocks
// of a Markdown text.
func makeCommands(markdown string) []string {
	var named []string
	for _, block := range fenced(markdown, "") {
		for line := range strings.Lines(block) {
			line, _, _ = strings.Cut(line, "#")
			words := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "$ "))
			if len(words) < 2 || words[0] != "make" {
				continue
			}
			for _, word := range words[1:] {
				if !strings.HasPrefix(word, "-") && !strings.Contains(word, "=") {
					named = append(named, word)
				}
			}
		}
	}
	return named
}

var rulePattern = regexp.MustCompile(`(?m)^([a-z][a-z0-9-]*):(?:[^=]|$)`)

// targets returns the targets that a Makefile defines.
func targets(makefile string) []string {
	var names []string
	for _, match := range rulePattern.FindAllStringSubmatch(makefile, -1) {
		names = append(names, match[1])
	}
	return names
}

// privates are in two halves each, so that this file passes its own test.
var privates = []string{
	"proxy." + "golang.org",
	"deb." + "debian.org",
	"registry." + "npmjs.org",
	"/work" + "/main",
	"/work" + "/shared",
}

// private returns what text names that it should not, or "". Binary files are
// no text.
func private(text []byte) string {
	if bytes.IndexByte(text, 0) >= 0 {
		return ""
	}
	for _, s := range privates {
		if bytes.Contains(text, []byte(s)) {
			return s
		}
	}
	return ""
}

// repositoryFiles returns the files that are tracked or would be by git add.
func repositoryFiles(t *testing.T) []string {
	t.Helper()
	if _, err := os.Stat(".git"); err != nil {
		t.Skip("not a git checkout")
	}
	out, err := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	names := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	if !slices.Contains(names, "go.mod") {
		t.Fatal("git ls-files does not list go.mod")
	}
	return names
}

// The controls.

func TestReadmeCommandsAreFound(t *testing.T) {
	const readme = "make it so\n\n```sh\n$ make test lint  # both\nmake -j2 demo FOR=5s\nmakeshift\n```\n\n```go\nmake(chan int)\n```\n\tmake later\n"
	if got, want := makeCommands(readme), []string{"test", "lint", "demo"}; !slices.Equal(got, want) {
		t.Errorf("commands: got %q, want %q", got, want)
	}
	const makefile = ".PHONY: all\nsh := sh\nhelp: ## list\n\techo a: b\ntest:\n\tgo test\nbench: test\n"
	if got, want := targets(makefile), []string{"help", "test", "bench"}; !slices.Equal(got, want) {
		t.Errorf("targets: got %q, want %q", got, want)
	}
}

func TestFilesThatNameARegistryAreFound(t *testing.T) {
	for _, s := range privates {
		if got := private([]byte("GOPROXY=https://" + s + "/x")); got != s {
			t.Errorf("got %q, want %q", got, s)
		}
	}
	for _, text := range []string{"pkg.go.dev and golang.org", "\x00" + privates[0]} {
		if got := private([]byte(text)); got != "" {
			t.Errorf("%q: got %q", text, got)
		}
	}
}
