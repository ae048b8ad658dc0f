package main

import (
	"errors"
	"net/http"
	"strings"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/proc"
)

// failure says what a client is told of a check that came to nothing. What its
// own source did to the process that checked it, is its own mistake.
func failure(err error) (status int, message string) {
	exit, ended := errors.AsType[*proc.ExitError](err)
	switch {
	case ended && exit.OverMemory:
		return http.StatusUnprocessableEntity, "the check was ended: this source takes more memory than a check may have"
	case fault.KindOf(err) == fault.Deadline:
		return http.StatusUnprocessableEntity, "the check was ended: this source takes longer than a check may"
	case ended && fault.Started(err):
		return http.StatusUnprocessableEntity, "the check crashed: " + lastWords(exit)
	case fault.KindOf(err) == fault.Lost:
		return http.StatusServiceUnavailable, "the check could not begin: " + oneLine(err)
	}
	return http.StatusInternalServerError, "the check failed: " + oneLine(err)
}

// lastWords is why a process ended: what the Go runtime printed last, or else
// how it ended.
func lastWords(exit *proc.ExitError) string {
	for line := range strings.Lines(exit.Stderr) {
		for _, prefix := range []string{"fatal error: ", "panic: "} {
			if why, ok := strings.CutPrefix(line, prefix); ok {
				return strings.TrimSpace(why)
			}
		}
	}
	line, _, _ := strings.Cut(exit.Error(), ", having printed")
	return line
}

// oneLine keeps stacks out of answers; they are in the log.
func oneLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
