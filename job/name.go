package job

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/hemgo/hem/job/internal/state"
)

// checkName says what is wrong with a name of a queue or a task. Both are used
// in reports, metrics and command lines; package task has the same rule.
func checkName(name string) error {
	const rule = "a name is 1 to 128 letters and digits of ASCII, with . _ - / between them"
	switch {
	case name == "":
		return errors.New("is empty: " + rule)
	case len(name) > state.MaxName:
		return fmt.Errorf("has %d bytes: %s", len(name), rule)
	}
	for i := range len(name) {
		inner := 0 < i && i < len(name)-1
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case inner && (c == '.' || c == '_' || c == '-' || c == '/'):
		default:
			return fmt.Errorf("has %q at byte %d: %s", c, i, rule)
		}
	}
	return nil
}

// checkText says what is wrong with a text that people choose freely.
func checkText(what, text string, least, most int) error {
	switch {
	case len(text) < least:
		return fmt.Errorf("the %s is empty: it has %d to %d bytes of UTF-8", what, least, most)
	case len(text) > most:
		return fmt.Errorf("the %s has more than %d bytes", what, most)
	case !utf8.ValidString(text):
		return fmt.Errorf("the %s is not UTF-8", what)
	}
	return nil
}

func checkKey(key string) error { return checkText("key", key, 0, state.MaxKey) }

// nearest is a hint for who has named what there is not in a field of Config.
func nearest(name string, known map[string]bool, field string) string {
	best, least := "", len(name)/2+1
	for k := range known {
		if d := distance(name, k); d < least || d == least && best != "" && k < best {
			best, least = k, d
		}
	}
	if best == "" {
		return "add it to " + field
	}
	return fmt.Sprintf("did you mean %q? Else add it to %s", best, field)
}

// distance is how many bytes must be put in, taken out or replaced to make b of
// a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
