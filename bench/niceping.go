package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

func init() { children["pinger"] = pingingMain }

// serveLight serves requests that cost next to nothing.
func serveLight() (addr string, shut func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "pong\n") })}
	served := make(chan struct{})
	go func() {
		_ = s.Serve(l) // until Close
		close(served)
	}()
	return l.Addr().String(), func() {
		_ = s.Close()
		<-served
	}, nil
}

const pingEnv = "HEM_BENCH_PING"

// A pingPart is what the pinger is asked to do.
type pingPart struct {
	Addr string
	Span time.Duration
}

// ping has the pinger send requests for span.
func (b *bearing) ping(addr string, span time.Duration) error {
	part, err := json.Marshal(pingPart{addr, span})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), span+30*time.Second)
	defer cancel()
	cmd := childCommand(ctx, "pinger")
	cmd.Env = append(cmd.Env, pingEnv+"="+string(part))
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("the pinger's process: %w", err)
	}
	var pings []float64
	if err := json.Unmarshal(out, &pings); err != nil {
		return err
	}
	b.pings = append(b.pings, pings...)
	return nil
}

// pingEvery is the pause between two requests.
const pingEvery = 5 * time.Millisecond

// pingingMain is the pinger: it sends requests, one after the other, and prints
// how long each took. The first ones, which make the connection, do not count.
func pingingMain() {
	var part pingPart
	must(json.Unmarshal([]byte(os.Getenv(pingEnv)), &part))
	client := &http.Client{Timeout: 20 * time.Second}
	for range 3 {
		pingOnce(client, part.Addr)
	}
	pings := []float64{}
	for start := time.Now(); time.Since(start) < part.Span || len(pings) == 0; time.Sleep(pingEvery) {
		pings = append(pings, float64(timed(func(int) { pingOnce(client, part.Addr) }, 1).Nanoseconds()))
	}
	must(json.NewEncoder(os.Stdout).Encode(pings))
}

func pingOnce(client *http.Client, addr string) {
	resp, err := client.Get("http://" + addr + "/")
	must(err)
	_, err = io.Copy(io.Discard, resp.Body)
	must(err)
	resp.Body.Close()
}
