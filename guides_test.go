package hem_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// provenGuides are the guides of which every section says which tests prove it.
var provenGuides = []string{
	"docs/delivery.md", "docs/locks.md", "docs/processes.md",
	"docs/jobs.md", "docs/attached-or-keyed.md", "docs/schedules.md", "docs/from-river-and-asynq.md",
}

func TestGuidesNameTestsThatExistInEachSection(t *testing.T) {
	declared := declaredTests(t)
	for _, guide := range provenGuides {
		text, err := os.ReadFile(guide)
		if err != nil {
			t.Error(err)
			continue
		}
		missing, bare := unproved(string(text), declared)
		for _, name := range missing {
			t.Errorf("%s names %s, which is nowhere", guide, name)
		}
		for _, title := range bare {
			t.Errorf("%s: no test is named in section %q", guide, title)
		}
	}
}

func TestAGuideThatNamesATestThatIsNotThereIsFound(t *testing.T) {
	const guide = "# Locks\n\n## One\nProved by `TestA` and `Example_b`.\n## Two\nTests of Examples, with `TestMain`.\n```go\nfunc TestB() {}\n```\n"
	missing, bare := unproved(guide, map[string]bool{"TestA": true})
	if !slices.Equal(missing, []string{"Example_b"}) || !slices.Equal(bare, []string{"Two"}) {
		t.Errorf("missing %q, bare %q", missing, bare)
	}
}

var (
	proofName = regexp.MustCompile(`\b(?:Test|Example|Fuzz)[A-Z_]\w*`)
	section   = regexp.MustCompile(`(?m)^## `)
	codeBlock = regexp.MustCompile("(?s)```go\n.*?```|<!-- preamble.*?-->")
)

// unproved returns the names of tests in a guide that declared does not have,
// and the sections that name none.
func unproved(guide string, declared map[string]bool) (missing, bare []string) {
	guide = strings.ReplaceAll(codeBlock.ReplaceAllString(guide, ""), "TestMain", "")
	for _, name := range proofName.FindAllString(guide, -1) {
		if !declared[name] && !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
	}
	for _, s := range section.Split(guide, -1)[1:] {
		if title, text, _ := strings.Cut(s, "\n"); !proofName.MatchString(text) {
			bare = append(bare, title)
		}
	}
	return missing, bare
}

// declaredTests are the test functions of all modules.
func declaredTests(t *testing.T) map[string]bool {
	names := make(map[string]bool)
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
				names[f.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
