// Package origin says for which attempt at which durable job something is done. Package
// job knows it, and package proc takes it along, into the process in which the handler
// runs: so the token is there that fences what the handler does to others.
package origin

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// An Attempt is a worker's at a job.
type Attempt struct {
	Log    [16]byte // which log the job is in
	Job    uint64
	Epoch  uint32 // of its claim
	Number int    // from 1: those that count

	Scheduled bool  // by a schedule
	Tick      int64 // and for when, in microseconds of Unix time

	// The trace of whoever has enqueued it.
	TraceParent string
	TraceState  string

	// Local is what package job has of it in the worker's own process. It does not
	// travel.
	Local any
}

type key struct{}

// With returns a context that is of a, which is not changed any more.
func With(ctx context.Context, a *Attempt) context.Context {
	return context.WithValue(ctx, key{}, a)
}

// Of returns of which attempt ctx is, or nil.
func Of(ctx context.Context) *Attempt {
	a, _ := ctx.Value(key{}).(*Attempt)
	return a
}

// form is an Attempt as others read it.
type form struct {
	Log         string `json:"log"`
	Job         uint64 `json:"job"`
	Epoch       uint32 `json:"epoch"`
	Attempt     int    `json:"attempt"`
	Tick        *int64 `json:"tick,omitempty"`
	TraceParent string `json:"traceparent,omitempty"`
	TraceState  string `json:"tracestate,omitempty"`
}

// Encode returns a in JSON.
func (a *Attempt) Encode() string {
	f := form{hex.EncodeToString(a.Log[:]), a.Job, a.Epoch, a.Number, nil, a.TraceParent, a.TraceState}
	if a.Scheduled {
		f.Tick = &a.Tick
	}
	b, err := json.Marshal(f)
	if err != nil {
		panic(err) // of numbers and strings
	}
	return string(b)
}

// Decode reads what Encode has written. Fields that it does not know are ignored.
func Decode(s string) (*Attempt, error) {
	var f form
	if err := json.Unmarshal([]byte(s), &f); err != nil {
		return nil, fmt.Errorf("the attempt %.100q: %w", s, err)
	}
	a := &Attempt{Job: f.Job, Epoch: f.Epoch, Number: f.Attempt, TraceParent: f.TraceParent, TraceState: f.TraceState}
	log, err := hex.DecodeString(f.Log)
	if err != nil || len(log) != len(a.Log) || f.Job == 0 || f.Epoch == 0 {
		return nil, fmt.Errorf("the attempt %.100q has no log of 16 bytes, no job or no epoch", s)
	}
	copy(a.Log[:], log)
	if f.Tick != nil {
		a.Scheduled, a.Tick = true, *f.Tick
	}
	return a, nil
}
