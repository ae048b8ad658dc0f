package task

import (
	"context"
	"strings"
)

// Trace is a W3C trace context: the headers traceparent and tracestate. Hem
// makes no spans; it sees to it that those of the caller and of the function
// belong together on every rung.
type Trace struct {
	// Parent is a traceparent:
	// 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.
	Parent string

	// State is a tracestate, which may be empty.
	State string
}

type traceKey struct{}

// WithTrace returns a context that carries t to every call made with it, on
// every rung. A trace comes from outside, so a malformed one is no error: if
// Parent is not a traceparent, ctx is returned as it is, with the trace that it
// has; if only State is not a tracestate, or has more than 512 bytes or 32
// members, t goes without it. Work is never refused for its trace.
func WithTrace(ctx context.Context, t Trace) context.Context {
	if !validParent(t.Parent) {
		return ctx
	}
	if !validState(t.State) {
		t.State = ""
	}
	return context.WithValue(ctx, traceKey{}, t)
}

// TraceOf returns the trace that ctx carries, the zero Trace if it has none.
func TraceOf(ctx context.Context) Trace {
	t, _ := ctx.Value(traceKey{}).(Trace)
	return t
}

// validParent reports whether s is a traceparent: version, trace, span, flags,
// in lower-case hexadecimal, the middle two not zero. A version later than 00
// may be longer.
func validParent(s string) bool {
	const size = len("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	if len(s) < size || len(s) > 512 || s[2] != '-' || s[35] != '-' || s[52] != '-' {
		return false
	}
	version, trace, span, flags := s[:2], s[3:35], s[36:52], s[53:55]
	if !isHex(version) || !isHex(trace) || !isHex(span) || !isHex(flags) {
		return false
	}
	switch rest := s[size:]; {
	case version == "ff", isZero(trace), isZero(span):
		return false
	case rest == "":
		return true
	case version == "00" || rest[0] != '-':
		return false
	}
	return printable(s)
}

// validState reports whether s is a tracestate, as far as carrying it goes.
func validState(s string) bool {
	if len(s) > 512 || strings.Count(s, ",") >= 32 || !printable(s) {
		return false
	}
	for member := range strings.SplitSeq(s, ",") {
		member = strings.Trim(member, " \t")
		if key, _, ok := strings.Cut(member, "="); member != "" && (!ok || key == "" || strings.ContainsAny(key, " \t")) {
			return false
		}
	}
	return true
}

func isHex(s string) bool { return strings.Trim(s, "0123456789abcdef") == "" }

func isZero(s string) bool { return strings.Trim(s, "0") == "" }

func printable(s string) bool {
	for i := range len(s) {
		if s[i] != '\t' && (s[i] < ' ' || s[i] > '~') {
			return false
		}
	}
	return true
}
