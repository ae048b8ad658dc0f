package inspect_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hemgo/hem/inspect"
	"github.com/hemgo/hem/scope"
)

// churn starts, nests, cancels and adopts without pause until c ends.
func churn(c ctx, s *scope.Scope) {
	for range 4 {
		s.Go(func(c ctx) error {
			for c.Err() == nil {
				scope.Run(c, func(c ctx, s *scope.Scope) error {
					f := scope.Try(s, func(c ctx) (int, error) { return 1, scope.Sleep(c, 100*time.Microsecond) }, scope.Name("short"))
					for range 10 {
						s.Go(func(c ctx) error { _, err := f.Await(c); return err })
					}
					s.Daemon(idle)
					var wg sync.WaitGroup
					wg.Go(func() {
						scope.Run(c, func(c ctx, s *scope.Scope) error {
							s.Go(func(ctx) error { return nil })
							return errors.New("no")
						}, scope.Name("guest"))
					})
					wg.Wait()
					s.Cancel(errors.New("enough"))
					return nil
				})
			}
			return nil
		}, scope.Name("churner"))
	}
}

func TestEveryLookSeesWhoLivesThroughoutOnceAmidChurn(t *testing.T) {
	const steady = 500
	length := time.Second
	if testing.Short() {
		length = 200 * time.Millisecond
	}
	c, cancel := context.WithTimeout(context.Background(), length)
	defer cancel()
	var looks atomic.Int64
	scope.Run(context.Background(), func(_ ctx, s *scope.Scope) error {
		for range steady {
			s.Go(func(ctx) error { return idle(c) }, scope.Name("steady"))
		}
		s.Go(func(ctx) error {
			return scope.Run(c, func(c ctx, s *scope.Scope) error { churn(c, s); return nil })
		})
		check := func(how string, snap *inspect.Snapshot) {
			n := 0
			ids := make(map[string]bool)
			for task := range snap.Tasks() {
				if ids[task.ID] {
					t.Errorf("%s shows %s twice", how, task)
				}
				ids[task.ID] = true
				if task.Name == "steady" {
					n++
				}
			}
			if n != steady && c.Err() == nil {
				t.Errorf("%s shows %d of %d", how, n, steady)
			}
			snap.Waits()
			looks.Add(1)
		}
		for _, look := range []func(){
			func() { check("Take", inspect.Take()) },
			func() {
				var b bytes.Buffer
				inspect.DumpJSON(&b)
				check("DumpJSON", decoded(t, b.Bytes()))
			},
			func() {
				text := dump(t, inspect.WithStacks(3))
				if !strings.Contains(text, "× 500 steady  running  the oldest, steady#") && c.Err() == nil {
					t.Errorf("Dump shows not all of the steady:\n%s", text)
				}
				looks.Add(1)
			},
			func() { inspect.Dump(io.Discard, inspect.Depth(2), inspect.Limit(1)) },
		} {
			s.Go(func(ctx) error {
				for c.Err() == nil {
					look()
				}
				return nil
			}, scope.Name("look"))
		}
		return nil
	})
	if looks.Load() < 3 {
		t.Errorf("only %d looks", looks.Load())
	}
	t.Logf("%d looks", looks.Load())
}
