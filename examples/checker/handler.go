package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/hemgo/hem/examples/checker/check"
	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/inspect"
	"github.com/hemgo/hem/scope"
)

// maxBody bounds what a client may post: a compressed archive of the most
// source that is checked.
const maxBody = 16 << 20

func (v *service) handler(s *scope.Scope) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ping", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "pong\n") })
	mux.HandleFunc("GET /debug/hem", liveTree)
	mux.Handle("GET /check", adopted(s, v.checkStd))
	mux.Handle("POST /check", adopted(s, v.checkPosted))
	return mux
}

// adopted makes each request a task of s: net/http started the goroutine, but
// the scope joins it, and sees what it waits for.
func adopted(s *scope.Scope, h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := s.Do(r.Context(), func(ctx context.Context) error {
			h(w, r.WithContext(ctx))
			return nil
		}, scope.Name(r.Method+" "+r.URL.Path))
		if err != nil {
			fail(w, http.StatusServiceUnavailable, err.Error())
		}
	})
}

func (v *service) checkStd(w http.ResponseWriter, r *http.Request) {
	pkg := r.URL.Query().Get("pkg")
	if pkg == "" {
		fail(w, http.StatusBadRequest, "name a standard package, as in /check?pkg=net/http, or POST source")
		return
	}
	v.answer(w, r, subject{Std: pkg})
}

func (v *service) checkPosted(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooBig := (*http.MaxBytesError)(nil); errors.As(err, &tooBig) {
		fail(w, http.StatusRequestEntityTooLarge, "the body is larger than "+strconv.Itoa(maxBody>>20)+" MiB")
		return
	}
	if err != nil {
		fail(w, http.StatusBadRequest, "the body cannot be read: "+err.Error())
		return
	}
	if len(data) == 0 {
		fail(w, http.StatusBadRequest, "the body is empty: post a tar archive, or one Go file")
		return
	}
	name := r.URL.Query().Get("name")
	if name == "" && isGoFile(r, data) {
		name = "posted.go"
	}
	if name != "" && name != path.Base(name) {
		fail(w, http.StatusBadRequest, "name is a file's name without its folder")
		return
	}
	v.answer(w, r, subject{Name: name, Data: data})
}

// isGoFile tells one file from an archive: by its declared type, else because
// it holds no archive's magic.
func isGoFile(r *http.Request, data []byte) bool {
	if ct := r.Header.Get("Content-Type"); strings.HasPrefix(ct, "text/") {
		return true
	} else if strings.Contains(ct, "tar") || strings.Contains(ct, "gzip") {
		return false
	}
	gzip := len(data) > 2 && data[0] == 0x1f && data[1] == 0x8b
	tar := len(data) > 262 && string(data[257:262]) == "ustar"
	return !gzip && !tar
}

// answer runs the check wherever the service was told to, and says how it went.
func (v *service) answer(w http.ResponseWriter, r *http.Request, s subject) {
	got, err := v.check(r.Context(), s)
	switch {
	case err == nil && got.Refused == nil:
		reply(w, http.StatusOK, got.Report)
	case err == nil:
		fail(w, statusOf(got.Refused.Reason), got.Refused.Message)
	case fault.KindOf(err) == fault.Overloaded:
		w.Header().Set("Retry-After", "1")
		fail(w, http.StatusServiceUnavailable, err.Error())
	case r.Context().Err() != nil:
		fail(w, http.StatusServiceUnavailable, "the request was given up: "+context.Cause(r.Context()).Error())
	default:
		status, message := failure(err)
		if status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "1")
		}
		fail(w, status, message)
	}
}

func statusOf(reason check.Reason) int {
	switch reason {
	case check.NotFound:
		return http.StatusNotFound
	case check.TooLarge:
		return http.StatusRequestEntityTooLarge
	case check.TooComplex:
		return http.StatusUnprocessableEntity
	}
	return http.StatusBadRequest
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func fail(w http.ResponseWriter, status int, message string) {
	reply(w, status, map[string]string{"error": message})
}

// liveTree shows what runs and waits.
func liveTree(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("format") == "json" {
		w.Header().Set("Content-Type", "application/json")
		inspect.DumpJSON(w)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	inspect.Dump(w)
}
