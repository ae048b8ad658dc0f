package fault

import (
	"path"
	"runtime"
	"strconv"
	"strings"
)

// Frame is one place in the source.
type Frame struct {
	Func string // with its package path, as the runtime gives it
	File string // with its folder, as the runtime gives it
	Line int
}

// String is short, for one line of a report: "fetch (order.go:41)".
func (f Frame) String() string {
	name, at := f.name(), f.place()
	switch {
	case at == "":
		return name
	case name == "":
		return at
	}
	return name + " (" + at + ")"
}

// place is "order.go:41", or nothing.
func (f Frame) place() string {
	if f.File == "" {
		return ""
	}
	return path.Base(f.File) + ":" + strconv.Itoa(f.Line)
}

// name is Func without its package: "fetch", "(*Cart).fetch", "fetch.func1".
func (f Frame) name() string {
	// What is in brackets may be paths too. Dots in the last element of a
	// package path are written %2e, so the first dot ends the package.
	plain, _, _ := strings.Cut(f.Func, "[")
	start := strings.LastIndexByte(plain, '/') + 1
	if dot := strings.IndexByte(plain[start:], '.'); dot >= 0 {
		start += dot + 1
	}
	return f.Func[start:]
}

// Stack is a goroutine's calls, innermost first.
type Stack []Frame

// Frames resolves program counters as [runtime.Callers] gives them. Resolving
// costs several times what taking them does (BenchmarkFrames), so keep the
// counters and resolve them when somebody wants to read.
func Frames(pcs []uintptr) Stack {
	if len(pcs) == 0 {
		return nil
	}
	s := make(Stack, 0, len(pcs))
	for it := runtime.CallersFrames(pcs); ; {
		f, more := it.Next()
		if f.PC != 0 || f.Function != "" {
			s = append(s, Frame{Func: f.Function, File: f.File, Line: f.Line})
		}
		if !more {
			return s
		}
	}
}

// FrameAt resolves one program counter as [runtime.Callers] gives it. It is
// the zero Frame if pc is zero.
func FrameAt(pc uintptr) Frame {
	if s := Frames([]uintptr{pc}); len(s) > 0 {
		return s[0]
	}
	return Frame{}
}

// String is the stack as a crash prints it: two lines for each call.
func (s Stack) String() string {
	var b strings.Builder
	for _, f := range s {
		b.WriteString(f.Func)
		b.WriteString("\n\t")
		b.WriteString(f.File)
		b.WriteByte(':')
		b.WriteString(strconv.Itoa(f.Line))
		b.WriteByte('\n')
	}
	return b.String()
}

// Site is the first call outside Go's runtime and outside Hem: the line that
// its reader wrote. If there is none it is the innermost call, and the zero
// Frame if the stack is empty.
func (s Stack) Site() Frame {
	for _, f := range s {
		if !f.internal() {
			return f
		}
	}
	if len(s) > 0 {
		return s[0]
	}
	return Frame{}
}

const module = "github.com/hemgo/hem/"

// internal reports whether f is machinery: the runtime, synchronisation in
// the standard library, or Hem without its tests and examples.
func (f Frame) internal() bool {
	for _, prefix := range [...]string{"runtime.", "runtime/", "sync.", "internal/"} {
		if strings.HasPrefix(f.Func, prefix) {
			return true
		}
	}
	rest, ours := strings.CutPrefix(f.Func, module)
	return ours && !strings.HasPrefix(rest, "examples") && !strings.HasSuffix(f.File, "_test.go")
}

// Step is one link of a spawn path: a task, and where it was started.
type Step struct {
	Task string // name#id
	Site Frame
}

// String is "checkout#7 (order.go:41)".
func (s Step) String() string {
	if at := s.Site.place(); at != "" {
		return s.Task + " (" + at + ")"
	}
	return s.Task
}

// Path says who started whom, from the task outwards.
type Path []Step

// String is "checkout#7 (order.go:41) < serve#1 (main.go:20)".
func (p Path) String() string {
	steps := make([]string, len(p))
	for i, s := range p {
		steps[i] = s.String()
	}
	return strings.Join(steps, " < ")
}
