package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hemgo/hem/scope"
)

// heavyClients is how many clients ask for checks, each one after another.
const heavyClients = 8

// pingEvery is the pause between two pings: enough samples for a 99th
// percentile in a few seconds, too few to be load.
const pingEvery = 5 * time.Millisecond

// loadPackages are real packages of middling size, checked in turn.
var loadPackages = []string{"net/url", "encoding/json", "text/template", "go/parser", "bufio", "regexp", "strconv", "archive/tar"}

// figures are what one placement was measured at.
type figures struct {
	pingP50, pingP99 float64 // ms
	checksPerSecond  float64
}

// drive loads the service at url with clients for span, and pings it beside
// them. A first round of every package, not measured, warms its caches. In
// processes each worker has its own, so there is a round for each processor, at
// the same time.
func drive(ctx context.Context, url string, clients int, span time.Duration) (figures, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients + 1}}
	defer client.CloseIdleConnections()
	if err := warm(ctx, client, url, runtime.GOMAXPROCS(0)); err != nil {
		return figures{}, err
	}
	var checks atomic.Int64
	enough := func() bool { return clients == 0 || checks.Load() > 0 }
	start := time.Now()
	pings, err := scope.Value(ctx, func(ctx context.Context, s *scope.Scope) ([]time.Duration, error) {
		for c := range clients {
			s.Daemon(func(ctx context.Context) error {
				for i := c; ctx.Err() == nil; i++ {
					if err := get(ctx, client, url+"/check?pkg="+loadPackages[i%len(loadPackages)]); err != nil {
						return err
					}
					checks.Add(1)
				}
				return nil
			}, scope.Name("client"))
		}
		return ping(ctx, client, url, span, enough)
	}, scope.Name("load"))
	if err != nil {
		return figures{}, err
	}
	took := time.Since(start)
	slices.Sort(pings)
	return figures{
		pingP50:         quantile(pings, 0.50),
		pingP99:         quantile(pings, 0.99),
		checksPerSecond: float64(checks.Load()) / took.Seconds(),
	}, nil
}

// warm has each of so many clients check every package once, all at the same time.
func warm(ctx context.Context, client *http.Client, url string, clients int) error {
	return scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
		for range clients {
			s.Go(func(ctx context.Context) error {
				for _, pkg := range loadPackages {
					if err := get(ctx, client, url+"/check?pkg="+pkg); err != nil {
						return err
					}
				}
				return nil
			}, scope.Name("client"))
		}
		return nil
	}, scope.Name("warm up"))
}

// ping asks for /ping again and again for span, and until enough, and returns
// how long each took.
func ping(ctx context.Context, client *http.Client, url string, span time.Duration, enough func() bool) ([]time.Duration, error) {
	var took []time.Duration
	for end := time.Now().Add(span); time.Now().Before(end) || !enough(); {
		start := time.Now()
		if err := get(ctx, client, url+"/ping"); err != nil {
			return nil, err
		}
		took = append(took, time.Since(start))
		if err := scope.Sleep(ctx, pingEvery); err != nil {
			return nil, err
		}
	}
	return took, nil
}

func get(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %.200s", url, resp.Status, body)
	}
	return nil
}

// quantile returns the q-th of sorted, in milliseconds.
func quantile(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	i := min(int(q*float64(len(sorted))), len(sorted)-1)
	return float64(sorted[i].Microseconds()) / 1000
}
