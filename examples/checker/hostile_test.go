package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/scope"
)

// hostile is source that no limit of the checker's own refuses, because what it
// does to go/types was not known when they were drawn up, or cannot be seen in
// its text. What becomes of each on process, and on job, is said by says.
var hostile = []struct {
	name, source string
	each         proc.Limits
	says         string
}{
	// Each level of the search for x.m is a type of its own, so that the search
	// never sees one twice. Go/types would find the endless type afterwards.
	{"a search without end", `package p

type T[P any] struct{ *T[[]P] }

func f(x T[int]) { x.m() }
`, proc.Limits{Nice: proc.AsHost, Wall: 3 * time.Second}, "takes longer than a check may"},

	// The same, with a type eight times the size of the one before.
	{"types that multiply", `package p

type Q[A, B, C, D, E, F, G, H any] struct{}
type T[P any] struct{ *T[Q[P, P, P, P, P, P, P, P]] }

func f(x T[int]) { x.m() }
`, proc.Limits{Nice: proc.AsHost, Memory: 128 << 20, Wall: time.Minute}, "takes more memory than a check may have"},

	{"a stack overflow", overflow(), proc.Limits{Nice: proc.AsHost, Wall: time.Minute}, "the check crashed: "},
}

// overflow returns declarations of which each has the next one checked before
// it is done: that t0 implements I is known when its m is, and m when v1 is.
// No name of m is used, by which the checker could know. 3,300 of them, with 235
// operators each, take more stack than the 1 GB that Go allows. The race detector
// needs several times the memory, so with it less is allowed: see tameRace.
func overflow() string {
	const operators = 235
	links := 3300
	if underRace {
		links = 400
	}
	var b strings.Builder
	b.WriteString("package p\n\ntype I interface{ m() }\n\n")
	for i := range links {
		fmt.Fprintf(&b, "type t%d struct{}\nvar v%[1]d I = t%[1]d{}\nfunc (t%[1]d) m() [%s v%d]int\n",
			i, strings.Repeat("^", operators), i+1)
	}
	fmt.Fprintf(&b, "var v%d = 1\n", links)
	return b.String()
}

// tameRace makes the race detector bearable: with it a stack of 1 GB takes 5 GB,
// and each process waits a second before it exits.
func tameRace() {
	if underRace {
		debug.SetMaxStack(64 << 20)
		os.Setenv("GORACE", os.Getenv("GORACE")+" atexit_sleep_ms=0")
	}
}

func TestHostileSourceOnAProcessFailsItsOwnRequestAlone(t *testing.T) {
	failsAlone(t, "process")
}

func TestHostileSourceAsAJobFailsItsOwnRequestAlone(t *testing.T) {
	failsAlone(t, "job")
}

func failsAlone(t *testing.T, placement string) {
	for _, h := range hostile {
		t.Run(h.name, func(t *testing.T) {
			serveOn(t, placement, h.each, func(t *testing.T, _ *scope.Scope, url string) {
				got := make(chan answer)
				go func() { got <- ask(t, "POST", url+"/check?name=a.go", strings.NewReader(h.source)) }()
				others := 0
				for a := (answer{}); a.status == 0; {
					select {
					case a = <-got:
						if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.Error, h.says) {
							t.Errorf("got %d %q, not %q", a.status, a.Error, h.says)
						}
						t.Log(a.Error)
					default:
						goesOn(t, url)
						others++
						time.Sleep(pingEvery)
					}
				}
				t.Logf("meanwhile %d pings and checks were answered", others)
				if others == 0 {
					t.Error("nothing was answered meanwhile")
				}
				whole(t, url)
			})
		})
	}
}

// goesOn has the service answer a ping and an innocent check.
func goesOn(t *testing.T, url string) {
	t.Helper()
	if got := text(t, url+"/ping"); got != "pong\n" {
		t.Errorf("ping said %q", got)
	}
	a := ask(t, "POST", url+"/check?name=p.go", strings.NewReader("package p\n\nfunc f() { x := 1 }\n"))
	if a.status != http.StatusOK || a.codes() != "unused-variable" {
		t.Errorf("an innocent check: %+v", a)
	}
}

// whole waits until as many workers are idle as there should be.
func whole(t *testing.T, url string) {
	t.Helper()
	workers, idle := 0, 0
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if workers, idle = staff(t, url); workers > 0 && idle == workers {
			goesOn(t, url)
			return
		}
	}
	t.Errorf("of %d workers %d are idle", workers, idle)
}

// staff is how many workers there are, and have nothing to do.
func staff(t *testing.T, url string) (workers, idle int) {
	t.Helper()
	_, figures, _ := strings.Cut(text(t, url+"/debug/hem"), "proc checks")
	fmt.Sscanf(figures, " workers %d idle %d", &workers, &idle)
	return workers, idle
}

// The control: what the same source does to the service itself, which here is a
// child of the test.
func TestHostileSourceOnAGoroutineIsTheServicesOwnHarm(t *testing.T) {
	harm := map[string]func(c *childService, t *testing.T, leave func()){
		"a search without end": (*childService).stillChecks,
		"types that multiply":  (*childService).hasGrown,
		"a stack overflow":     (*childService).hasCrashed,
	}
	for _, h := range hostile {
		t.Run(h.name, func(t *testing.T) {
			c := startService(t, "goroutine")
			ctx, leave := context.WithCancel(t.Context())
			asked := make(chan struct{})
			go func() {
				defer close(asked)
				c.post(ctx, t, h.source)
			}()
			harm[h.name](c, t, leave)
			leave()
			<-asked
		})
	}
}

// childService is the program as a child of the test.
type childService struct {
	cmd   *exec.Cmd
	url   string
	ended chan struct{}
}

func startService(t *testing.T, placement string) *childService {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-on", placement, "-addr", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), asMain+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &childService{cmd: cmd, ended: make(chan struct{})}
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-c.ended
	})
	c.url, err = readURL(out)
	go func() {
		defer close(c.ended)
		cmd.Wait()
	}()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// post asks for a check, to which no answer is wanted.
func (c *childService) post(ctx context.Context, t *testing.T, source string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/check?name=a.go", strings.NewReader(source))
	if err != nil {
		t.Error(err)
		return
	}
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
		t.Errorf("it was answered: %s", resp.Status)
	}
}

// stillChecks wants the check to go on when who asked has left.
func (c *childService) stillChecks(t *testing.T, leave func()) {
	time.Sleep(2 * time.Second)
	leave()
	time.Sleep(time.Second)
	if tree := text(t, c.url+"/debug/hem"); !strings.Contains(tree, "POST /check") {
		t.Errorf("the check has ended:\n%s", tree)
	}
}

// hasGrown wants the service to take more memory than a worker was allowed.
func (c *childService) hasGrown(t *testing.T, _ func()) {
	const allowed = 128 << 20
	var resident int
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if resident = c.resident(t); resident > 2*allowed {
			return
		}
	}
	t.Errorf("it has %d bytes", resident)
}

func (c *childService) resident(t *testing.T) int {
	t.Helper()
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", c.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := bytes.Fields(statm)
	pages, err := strconv.Atoi(string(fields[1]))
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// hasCrashed wants the service to end, for everybody.
func (c *childService) hasCrashed(t *testing.T, _ func()) {
	select {
	case <-c.ended:
		if code := c.cmd.ProcessState.ExitCode(); code != 2 {
			t.Errorf("it exited with status %d", code)
		}
	case <-time.After(time.Minute):
		t.Error("it goes on")
	}
}

func TestACheckEndsWhenItsRequestIsGivenUp(t *testing.T) {
	for _, placement := range []string{"process", "job"} {
		t.Run(placement, func(t *testing.T) {
			endless := hostile[0]
			endless.each.Wall = time.Hour
			serveOn(t, placement, endless.each, func(t *testing.T, _ *scope.Scope, url string) {
				ctx, leave := context.WithCancel(t.Context())
				left := make(chan error, 1)
				go func() {
					req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/check?name=a.go", strings.NewReader(endless.source))
					if err == nil {
						_, err = http.DefaultClient.Do(req)
					}
					left <- err
				}()
				for workers, idle := 0, 0; workers == idle; workers, idle = staff(t, url) {
				}
				leave()
				if err := <-left; err == nil {
					t.Error("it was answered")
				}
				whole(t, url)
			})
		})
	}
}
