package graph_test

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/scope"
)

// never is a resource that nobody grants.
type never struct{}

func (never) Blocked(*graph.Task, func(*graph.Task) bool) bool { return false }
func (never) Label() graph.Label                               { return graph.Label{Kind: "never"} }

// parkOften makes the calling task one whose group rings when the context ends.
func parkOften(ctx context.Context) {
	for range 20 {
		var w graph.Wait
		w.Begin(ctx, never{})
		w.Publish()
		go w.Grant()
		if w.Park() != nil {
			return
		}
	}
}

func TestTaskThatHasParkedOftenHearsTheEndOfItsContext(t *testing.T) {
	why := errors.New("enough")
	for round := range 300 {
		var got error
		scope.Run(context.Background(), func(_ context.Context, s *scope.Scope) error {
			parked := make(chan struct{})
			s.Go(func(ctx context.Context) error {
				parkOften(ctx)
				w := new(graph.Wait)
				w.Begin(ctx, never{})
				w.Publish()
				close(parked)
				got = w.Park()
				return nil
			})
			<-parked
			if round%2 == 0 { // else as it falls asleep
				for !asleep(s) {
					runtime.Gosched()
				}
			}
			s.Cancel(why)
			return nil
		})
		if got != why {
			t.Fatalf("round %d: the wait ended with %v", round, got)
		}
	}
}

// asleep reports whether a task of s can be seen to wait. It is asleep then or
// about to be.
func asleep(s *scope.Scope) (waits bool) {
	graph.Current(s.Context()).Inner().Tasks(func(t *graph.Task) bool {
		waits = waits || t.Wait() != nil
		return true
	})
	return waits
}

func TestTasksThatHaveParkedOftenAllHearTheEndOfTheirContext(t *testing.T) {
	const tasks = 8
	for range 20 {
		scope.Run(context.Background(), func(_ context.Context, s *scope.Scope) error {
			started := make(chan struct{}, tasks)
			for range tasks {
				s.Go(func(ctx context.Context) error {
					parkOften(ctx)
					started <- struct{}{}
					for {
						w := new(graph.Wait)
						w.Begin(ctx, never{})
						w.Publish()
						go w.Grant()
						if w.Park() != nil {
							return nil
						}
					}
				})
			}
			for range tasks {
				<-started
			}
			s.Cancel(nil)
			return nil
		})
	}
}
