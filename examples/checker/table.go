package main

import (
	"fmt"
	"os"
	"strings"
)

const (
	tableBegin = "<!-- demo -->\n"
	tableEnd   = "<!-- /demo -->"
)

// writeTables puts rows, as a Markdown table, between the markers of each file.
func writeTables(rows []row, files []string) error {
	var b strings.Builder
	b.WriteString("| checks run on | ping p50 | ping p99 | checks/s |\n|---|---|---|---|\n")
	for _, r := range rows {
		name := r.name
		if name == "idle" {
			name = "nowhere (idle)"
		}
		fmt.Fprintf(&b, "| %s | %.2f ms | %.2f ms | %.1f |\n", name, r.pingP50, r.pingP99, r.checksPerSecond)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("checker: write table: %w", err)
		}
		before, rest, begins := strings.Cut(string(text), tableBegin)
		_, after, ends := strings.Cut(rest, tableEnd)
		if !begins || !ends {
			return fmt.Errorf("checker: write table: %s has no %s … %s", file, strings.TrimSpace(tableBegin), tableEnd)
		}
		if err := os.WriteFile(file, []byte(before+tableBegin+b.String()+tableEnd+after), 0o644); err != nil {
			return fmt.Errorf("checker: write table: %w", err)
		}
	}
	return nil
}
