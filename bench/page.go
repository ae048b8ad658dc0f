package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A page is a Markdown file with places for tables.
type page struct {
	name string
	text string
}

func opening(table string) string { return "<!-- bench:" + table + " -->" }
func closing(table string) string { return "<!-- /bench:" + table + " -->" }

// markerPattern finds openings and closings alike.
var markerPattern = regexp.MustCompile(`<!-- (/?)bench:([^ ]*) -->`)

// readPages reads files and checks that each can be written to.
func readPages(files []string) (pages []page, err error) {
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		p := page{name, string(text)}
		if err := p.check(); err != nil {
			return nil, err
		}
		pages = append(pages, p)
	}
	return pages, nil
}

// check reports a page whose markers do not pair up, or that has none.
func (p page) check() error {
	open := ""
	for _, m := range markerPattern.FindAllStringSubmatch(p.text, -1) {
		closes, name := m[1] != "", m[2]
		switch {
		case open != "" && !(closes && name == open):
			return fmt.Errorf("%s: %s is missing before %s", p.name, closing(open), m[0])
		case open == "" && closes:
			return fmt.Errorf("%s: %s is missing before %s", p.name, opening(name), m[0])
		case closes:
			open = ""
		default:
			if _, err := findTable(name); err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			open = name
		}
	}
	if open != "" {
		return fmt.Errorf("%s: %s is missing after %s", p.name, closing(open), opening(open))
	}
	if len(p.tables()) == 0 {
		return fmt.Errorf("%s: no table has a place there; %s is missing, for one", p.name, opening(tableNames()[0]))
	}
	return nil
}

// tables names those that the page has a place for.
func (p page) tables() (names []string) {
	for _, m := range markerPattern.FindAllStringSubmatch(p.text, -1) {
		if name := m[2]; m[1] == "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// tablesOf names those that any of pages has a place for.
func tablesOf(pages []page) (names []string) {
	for _, p := range pages {
		for _, name := range p.tables() {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// mustHave reports the first of names that the page has no place for.
func (p page) mustHave(names []string) error {
	for _, name := range names {
		if !slices.Contains(p.tables(), name) {
			return fmt.Errorf("%s: %s is missing", p.name, opening(name))
		}
	}
	return nil
}

// replace returns the page's text with texts between their markers. Whatever
// is outside of markers stays as it is.
func (p page) replace(texts map[string]string) string {
	var b strings.Builder
	rest := p.text
	for {
		at := markerPattern.FindStringSubmatchIndex(rest)
		if at == nil {
			b.WriteString(rest)
			return b.String()
		}
		name := rest[at[4]:at[5]]
		end := strings.Index(rest, closing(name))
		text, ok := texts[name]
		if ok {
			b.WriteString(rest[:at[1]] + "\n\n" + strings.TrimSpace(text) + "\n\n")
		} else {
			b.WriteString(rest[:end])
		}
		b.WriteString(closing(name))
		rest = rest[end+len(closing(name)):]
	}
}

// write puts texts into the file, all or nothing. It reads the page again:
// measuring takes minutes, in which its author may have gone on.
func (p page) write(texts map[string]string) error {
	now, err := readPages([]string{p.name})
	if err != nil {
		return err
	}
	info, err := os.Stat(p.name)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(p.name), ".bench-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // in vain once it has been renamed
	_, err = f.WriteString(now[0].replace(texts))
	if err == nil {
		err = f.Chmod(info.Mode())
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), p.name)
}
