//go:build unix && !linux

package main

import (
	"os"
	"os/exec"
)

// dieWithUs does nothing: only Linux can. A server outlives a bench that is
// killed, but not one that is interrupted.
func dieWithUs(*exec.Cmd, os.Signal) {}

// inMemory does not know.
func inMemory(string) bool { return false }
