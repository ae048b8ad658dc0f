package main

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"github.com/hemgo/hem/examples/checker/check"
	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/task"
)

// job is what one request wants checked: a standard package, or source.
type job struct {
	Std  string // import path; empty if there is source
	Name string // of the one file in Source; empty if Source is a tar
	Data []byte
}

// verdict is what came of it: a report, or why the input was refused. A refusal
// is an answer and no failure, so it reads the same from every rung.
type verdict struct {
	Report  *check.Report
	Refused *refusal
}

type refusal struct {
	Reason  check.Reason
	Message string
}

// checkSource is the heavy work. It has a name and can travel, so that any
// Runner may run it.
var checkSource = task.Define("check", func(ctx context.Context, j job) (verdict, error) {
	checker, err := theChecker()
	if err != nil {
		return verdict{}, err
	}
	src, err := j.source()
	if err == nil {
		var report *check.Report
		if report, err = checker.Check(ctx, src); err == nil {
			return verdict{Report: report}, nil
		}
	}
	if in := (*check.InputError)(nil); errors.As(err, &in) {
		return verdict{Refused: &refusal{in.Reason, in.Error()}}, nil
	}
	return verdict{}, err
})

func (j job) source() (*check.Source, error) {
	switch {
	case j.Std != "":
		return check.FromStd(j.Std, check.Limits{})
	case j.Name != "":
		return check.FromFile(j.Name, bytes.NewReader(j.Data), check.Limits{})
	}
	return check.FromTar(bytes.NewReader(j.Data), check.Limits{})
}

// theChecker is one for each process: it holds the standard library.
var theChecker = sync.OnceValues(func() (*check.Checker, error) {
	c, err := check.New(check.Config{})
	if err != nil {
		return nil, &fault.Error{Op: "checker", Kind: fault.Failed, Err: err, Hint: "install Go, whose sources are checked against"}
	}
	return c, nil
})
