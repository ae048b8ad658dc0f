package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"sync"

	"github.com/hemgo/hem/examples/checker/check"
	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/task"
)

// subject is what one request wants checked: a standard package, or source.
type subject struct {
	Std  string // import path; empty if there is source
	Name string // of the one file in Data; empty if Data is a tar
	Data []byte
	File string // where Data is, if it is too large for the rung to carry
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
var checkSource = task.Define("check", func(ctx context.Context, s subject) (verdict, error) {
	checker, err := theChecker()
	if err != nil {
		return verdict{}, err
	}
	src, err := s.source()
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

func (s subject) source() (*check.Source, error) {
	if s.Std != "" {
		return check.FromStd(s.Std, check.Limits{})
	}
	var data io.Reader = bytes.NewReader(s.Data)
	if s.File != "" {
		f, err := os.Open(s.File)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		data = f
	}
	if s.Name != "" {
		return check.FromFile(s.Name, data, check.Limits{})
	}
	return check.FromTar(data, check.Limits{})
}

// theChecker is one for each process: it holds the standard library.
var theChecker = sync.OnceValues(func() (*check.Checker, error) {
	c, err := check.New(check.Config{})
	if err != nil {
		return nil, &fault.Error{Op: "checker", Kind: fault.Failed, Err: err, Hint: "install Go, whose sources are checked against"}
	}
	return c, nil
})
