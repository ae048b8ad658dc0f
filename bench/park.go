package main

import (
	"context"
	"sync"

	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/scope"
)

// pingPong compares two that wait for each other in turn. One turn is a round
// trip: two hand-overs. The channels hold one element, as a gate does, so that
// handing over never blocks and needs no context; waiting does.
func pingPong() []side {
	return []side{
		plain("hem", parkRounds),
		plain("chan+select", func(n int) {
			serving(func(ctx context.Context) {
				wait := func(c chan struct{}) {
					select {
					case <-c:
					case <-ctx.Done():
						must(ctx.Err())
					}
				}
				channelRounds(n, wait)
			})
		}),
		plain("chan", func(n int) {
			channelRounds(n, func(c chan struct{}) { <-c })
		}),
	}
}

func parkRounds(n int) {
	var ping, pong gate
	// take waits at mine and lets the other go on, n times.
	player := func(mine, other *gate) func(context.Context) error {
		return func(ctx context.Context) error {
			other.by.Store(graph.FromContext(ctx))
			for range n {
				if err := mine.pass(ctx); err != nil {
					return err
				}
				other.let()
			}
			return nil
		}
	}
	serving(func(ctx context.Context) {
		must(scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
			ping.let() // before they wait: who opens it later is not who does now
			s.Go(player(&ping, &pong))
			s.Go(player(&pong, &ping))
			return nil
		}))
	})
}

func channelRounds(n int, wait func(chan struct{})) {
	ping, pong := make(chan struct{}, 1), make(chan struct{}, 1)
	player := func(mine, other chan struct{}) {
		for range n {
			wait(mine)
			other <- struct{}{}
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() { player(ping, pong) })
	wg.Go(func() { player(pong, ping) })
	ping <- struct{}{}
	wg.Wait()
}
