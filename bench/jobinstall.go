//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// policyFile is asked by Debian before a package starts its service. Where there
// is none, everything is started.
const policyFile = "/usr/sbin/policy-rc.d"

// install installs Debian's packages and tells out what it does. Their services
// are not started: the servers that are measured are started by the bench.
func install(ctx context.Context, out io.Writer, packages ...string) error {
	if len(packages) == 0 {
		return nil
	}
	apt, err := exec.LookPath("apt-get")
	switch {
	case err != nil:
		return fmt.Errorf("there is no apt-get to install %s with", strings.Join(packages, " "))
	case os.Geteuid() != 0:
		return fmt.Errorf("only root may install %s", strings.Join(packages, " "))
	}
	allow, err := denyServices(policyFile)
	if err != nil {
		return fmt.Errorf("keep services from being started: %w", err)
	}
	defer allow()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	for _, args := range [][]string{
		{"update"},
		slices.Concat([]string{"install", "-y", "--no-install-recommends"}, packages),
	} {
		fmt.Fprintln(out, "# installing: apt-get", strings.Join(args, " "))
		cmd := exec.CommandContext(ctx, apt, args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		// A package manager that is killed leaves locks and halves behind.
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
		cmd.WaitDelay = time.Minute
		if said, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("apt-get %s: %w: %s", args[0], err, lastLine(said))
		}
	}
	return nil
}

// denyServices makes a policy file that forbids the start of any service, and
// returns what removes it. One that is there already is its owner's affair, and
// stays as it is.
func denyServices(path string) (allow func(), err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if errors.Is(err, os.ErrExist) {
		return func() {}, nil
	}
	if err != nil {
		return nil, err
	}
	_, err = io.WriteString(f, "#!/bin/sh\n# Hem's bench is installing servers that it starts itself.\nexit 101\n")
	return func() { os.Remove(path) }, errors.Join(err, f.Close())
}

// lastLine returns the last line of what a program has said that is not blank.
func lastLine(said []byte) string {
	lines := strings.Split(strings.TrimSpace(string(said)), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
