package main

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/task"
)

// failure says what a client is told of a check that came to nothing. What its
// own source did to the process that checked it, is its own mistake.
func failure(err error) (status int, message string) {
	switch {
	case errors.Is(err, errEnded):
		return http.StatusUnprocessableEntity, fault.HintOf(err)
	case fault.KindOf(err) == fault.Deadline:
		return http.StatusUnprocessableEntity, "the check was ended: this source takes longer than a check may"
	case fault.KindOf(err) == fault.Lost && !fault.Started(err):
		return http.StatusServiceUnavailable, "the check could not begin: " + oneLine(err)
	}
	return http.StatusInternalServerError, "the check failed: " + oneLine(err)
}

// errEnded is what a source does to the process that checks it. The Hint beside it
// says how.
var errEnded = fault.Sentinel("checker: the source has ended the process that checked it")

// explained are processes whose ends are explained where they are seen: a
// proc.ExitError does not cross to another process, and a Sentinel does.
type explained struct{ *proc.Pool }

// Run makes explained a task.Runner.
func (e explained) Run(ctx context.Context, c *task.Call) error { return explain(e.Pool.Run(ctx, c)) }

func explain(err error) error {
	exit, ended := errors.AsType[*proc.ExitError](err)
	if !ended || !fault.Started(err) {
		return err
	}
	e := &fault.Error{Op: "checker", Kind: fault.Lost, Started: true, Err: errEnded}
	switch {
	case exit.OverMemory:
		e.Hint = "the check was ended: this source takes more memory than a check may have"
	case fault.KindOf(err) == fault.Deadline:
		return err
	default:
		e.Hint = "the check crashed: " + lastWords(exit)
	}
	return e
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
