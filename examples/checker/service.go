package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/task"
)

// service is the assembled program: main and the tests start the same one.
type service struct {
	runner task.Runner
	check  func(context.Context, subject) (verdict, error)
}

func newService(placement string, each proc.Limits) (*service, error) {
	r, err := openPlacement(placement, each)
	if err != nil {
		return nil, err
	}
	v := &service{runner: r, check: checkSource.On(r)}
	if c, ok := r.(interface {
		check(context.Context, subject) (verdict, error)
	}); ok {
		v.check = c.check
	}
	return v, nil
}

// start serves on addr as tasks of s, and returns the service's URL. Asked to
// stop, s lets requests in flight finish within its grace, then joins them.
func (v *service) start(s *scope.Scope, addr string) (url string, err error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return "", &fault.Error{Op: "checker: serve", Kind: fault.Invalid, Err: err, Hint: "-addr 127.0.0.1:0 picks a free port"}
	}
	srv := &http.Server{
		Handler:           v.handler(s),
		BaseContext:       func(net.Listener) context.Context { return s.Context() },
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	s.OnStop(srv.Shutdown)
	s.Defer(func() error {
		if c, ok := v.runner.(interface{ Close(context.Context) error }); ok {
			return c.Close(context.Background())
		}
		return nil
	})
	if w, ok := v.runner.(interface{ work(context.Context) error }); ok {
		s.Daemon(w.work, scope.Name("worker")) // as long as there are requests
	}
	s.Go(func(context.Context) error {
		if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}, scope.Name("http"))
	return "http://" + ln.Addr().String(), nil
}
