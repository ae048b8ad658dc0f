//go:build unix

package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestPostgresListensOnItsSocketAloneAndLosesNothing(t *testing.T) {
	got := postgresConfig(append(postgresSettings, setting{"cluster_name", "o'clock"}), "/tmp/x")
	for _, want := range []string{
		"listen_addresses = ''\n", "unix_socket_directories = '/tmp/x'\n",
		"fsync = 'on'\n", "synchronous_commit = 'on'\n", "full_page_writes = 'on'\n",
		"cluster_name = 'o''clock'\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing from:\n%s", want, got)
		}
	}
}

func TestRedisListensOnItsSocketAloneAndAppends(t *testing.T) {
	got := redisConfig(redisSettings("always"), "/tmp/a b", "/tmp/a b/socket")
	for _, want := range []string{
		"port 0\n", "unixsocket \"/tmp/a b/socket\"\n", "dir \"/tmp/a b\"\n",
		"appendonly yes\n", "appendfsync always\n", "save \"\"\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing from:\n%s", want, got)
		}
	}
}

func TestSettingsAreToldInOneLine(t *testing.T) {
	got := tell([]setting{{"fsync", "on"}, {"save", `""`}})
	if want := `fsync=on save=""`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// aServer runs a shell script.
func aServer(t *testing.T, script string) *jobServer {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.Dir = t.TempDir()
	return &jobServer{name: "Sham 1.0", quit: syscall.SIGTERM, cmd: cmd}
}

func TestServerIsThereOnceItAnswersAndGoneOnceItIsStopped(t *testing.T) {
	s := aServer(t, "touch ready; exec sleep 60")
	err := s.start(t.Context(), func(context.Context) error {
		_, err := os.Stat(filepath.Join(s.cmd.Dir, "ready"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if err := s.cmd.Process.Signal(syscall.Signal(0)); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("after stop its process answers a signal with %v, want %v", err, os.ErrProcessDone)
	}
	if err := s.stop(); err != nil {
		t.Errorf("stopped again: %v", err)
	}
}

func TestServerThatEndsByItselfIsQuoted(t *testing.T) {
	s := aServer(t, "echo starting; echo the port is taken >&2; exit 3")
	err := s.start(t.Context(), func(context.Context) error { return errors.New("refused") })
	if err == nil {
		t.Fatal("it is said to have started")
	}
	if got, want := err.Error(), "Sham 1.0 ended: exit status 3: the port is taken"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestServerThatIsNotAwaitedToTheEndIsStopped(t *testing.T) {
	s := aServer(t, "exec sleep 60")
	ctx, cancel := context.WithCancel(t.Context())
	err := s.start(ctx, func(context.Context) error {
		cancel()
		return errors.New("refused")
	})
	if err == nil || !strings.Contains(err.Error(), "Sham 1.0 does not answer: refused") {
		t.Errorf("got %v, want that it does not answer", err)
	}
	select {
	case <-s.gone:
	default:
		t.Error("it still runs")
	}
}

func TestSocketWithALongPathIsRefusedWithWhatToDo(t *testing.T) {
	if err := checkSocket("/tmp/socket"); err != nil {
		t.Error(err)
	}
	if err := checkSocket("/" + strings.Repeat("x", longestSocket)); err == nil || !strings.Contains(err.Error(), "TMPDIR") {
		t.Errorf("got %v, want to hear of TMPDIR", err)
	}
}

func TestWhoIsNotRootIsEveryServersUser(t *testing.T) {
	u, err := findUnderling("no-such-user-anywhere")
	if os.Geteuid() != 0 {
		if err != nil || u != (underling{}) {
			t.Errorf("got %v and %v, want ourselves", u, err)
		}
		return
	}
	if err == nil {
		t.Errorf("root found %v", u)
	}
}

func TestServicesAreDeniedMeanwhileAndNobodyElsesPolicyIsTouched(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy")
	allow, err := denyServices(path)
	if err != nil {
		t.Fatal(err)
	}
	var denied *exec.ExitError
	if err := exec.Command("/bin/sh", path, "redis-server", "start").Run(); !errors.As(err, &denied) || denied.ExitCode() != 101 {
		t.Errorf("the policy answers %v, want exit status 101, which denies", err)
	}
	allowAgain, err := denyServices(path)
	if err != nil {
		t.Fatal(err)
	}
	allowAgain()
	if _, err := os.Stat(path); err != nil {
		t.Errorf("who found a policy has removed it: %v", err)
	}
	allow()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("who made a policy has left it: %v", err)
	}
}

func TestNothingIsInstalledWithoutAptGet(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var out strings.Builder
	err := install(t.Context(), &out, "redis-server")
	if err == nil || !strings.Contains(err.Error(), "apt-get") || !strings.Contains(err.Error(), "redis-server") {
		t.Errorf("got %v, want to hear of apt-get and redis-server", err)
	}
	if out.Len() > 0 {
		t.Errorf("it says %q, and does nothing", out.String())
	}
}

func TestLastLineIsWhatMatters(t *testing.T) {
	for said, want := range map[string]string{
		"": "", "\n": "", "one": "one", "one\ntwo\n\n": "two", "one\r\ntwo\r\n": "two",
	} {
		if got := lastLine([]byte(said)); got != want {
			t.Errorf("of %q it is %q, want %q", said, got, want)
		}
	}
}
