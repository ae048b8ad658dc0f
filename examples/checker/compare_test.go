package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hemgo/hem/proc"
)

// asMain makes the test binary be the program, as a child that tests start.
const asMain = "CHECKER_IS_MAIN"

func TestMain(m *testing.M) {
	tameRace()
	limits.Wall, limits.Nice = 10*time.Minute, proc.AsHost // tests share the machine with others
	proc.Serve(checkSource)
	if os.Getenv(asMain) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestCompareDrivesAChildOnEachPlacementAndPrintsARowForEach(t *testing.T) {
	t.Setenv(asMain, "1")
	var out bytes.Buffer
	rows, err := comparePlacements(context.Background(), &out, 300*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1+len(placements) {
		t.Errorf("got rows %+v", rows)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2+len(placements) || !strings.HasPrefix(lines[0], "placement\tping_p50_ms\tping_p99_ms\tchecks_per_s") || !strings.HasPrefix(lines[1], "idle\t") {
		t.Fatalf("printed:\n%s", out.String())
	}
	for i, p := range placements {
		if cells := strings.Split(lines[2+i], "\t"); cells[0] != p.name || len(cells) != 4 || cells[3] == "0.0" {
			t.Errorf("row of %s: %q", p.name, lines[2+i])
		}
	}
	if _, err := comparePlacements(context.Background(), &out, 0); err == nil || !strings.Contains(err.Error(), "-for") {
		t.Errorf("a span of zero: %v", err)
	}
}

func TestASignalEndsTheServiceInGoodOrder(t *testing.T) {
	for _, p := range placements {
		t.Run(p.name, func(t *testing.T) { endsByASignal(t, p.name) })
	}
}

func endsByASignal(t *testing.T, placement string) {
	temp := t.TempDir()
	cmd := exec.Command(os.Args[0], "-on", placement, "-addr", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), asMain+"=1", "TMPDIR="+temp)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer kill.Stop()
	url, err := readURL(out)
	if err != nil {
		t.Fatal(err)
	}
	if a := ask(t, "GET", url+"/check?pkg=errors", nil); a.status != 200 {
		t.Errorf("got %+v", a)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the service ended with %v", err)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("it has left %v, %v", left, err)
	}
}

func TestTablesAreRewrittenBetweenTheirMarkersOnly(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.md")
	if err := os.WriteFile(file, []byte("before\n<!-- demo -->\nold\n<!-- /demo -->\nafter\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	rows := []row{{"idle", figures{0.2, 0.4, 0}}, {"pool", figures{0.25, 3.99, 71.26}}}
	if err := writeTables(rows, []string{file}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := "before\n<!-- demo -->\n" +
		"| checks run on | ping p50 | ping p99 | checks/s |\n|---|---|---|---|\n" +
		"| nowhere (idle) | 0.20 ms | 0.40 ms | 0.0 |\n| pool | 0.25 ms | 3.99 ms | 71.3 |\n" +
		"<!-- /demo -->\nafter\n"
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if err := os.WriteFile(file, []byte("no markers"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writeTables(rows, []string{file}); err == nil || !strings.Contains(err.Error(), "<!-- demo -->") {
		t.Errorf("a file without markers: %v", err)
	}
}
