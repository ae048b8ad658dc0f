package graph

import (
	"bytes"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"github.com/hemgo/hem/fault"
)

// markers are the functions in whose frames a traceback shows a task's address.
var markers = [...]string{"hem/scope.(*task).execute(0x", "hem/scope.(*task).adopt(0x"}

// maxTraceback bounds the memory and the pause that Stacks may cost.
const maxTraceback = 16 << 20

// Stacks returns the stacks of those of tasks whose goroutines a traceback of
// the whole program shows. It stops the world for that long: it is for
// reports of what has gone wrong. Parked tasks of a knot tell theirs cheaper.
func Stacks(tasks []*Task) map[*Task]fault.Stack {
	want := make(map[uintptr]*Task, len(tasks))
	for _, t := range tasks {
		want[uintptr(unsafe.Pointer(t))] = t
	}
	buf := make([]byte, 256<<10)
	n := runtime.Stack(buf, true)
	for n == len(buf) && len(buf) < maxTraceback {
		buf = make([]byte, 4*len(buf))
		n = runtime.Stack(buf, true)
	}
	found := make(map[*Task]fault.Stack, len(tasks))
	for _, g := range bytes.Split(buf[:n], []byte("\n\n")) {
		if t := want[address(g)]; t != nil {
			found[t] = parse(string(g))
		}
	}
	return found
}

// address returns the task's address in one goroutine's traceback, zero if
// there is none. A goroutine that was adopted within a task shows two: the
// inner one is who it acts for.
func address(g []byte) uintptr {
	first, digits := -1, []byte(nil)
	for _, m := range markers {
		if i := bytes.Index(g, []byte(m)); i >= 0 && (first < 0 || i < first) {
			first, digits = i, g[i+len(m):]
		}
	}
	end := bytes.IndexFunc(digits, func(r rune) bool { return !strings.ContainsRune("0123456789abcdef", r) })
	if end < 0 {
		return 0
	}
	a, _ := strconv.ParseUint(string(digits[:end]), 16, 64)
	return uintptr(a)
}

// parse reads one goroutine's traceback: after its heading, two lines a call.
func parse(g string) (s fault.Stack) {
	lines := strings.Split(g, "\n")
	for i := 1; i+1 < len(lines); i += 2 {
		name := lines[i]
		if strings.HasPrefix(name, "created by ") {
			break
		}
		if open := strings.LastIndexByte(name, '('); open > 0 {
			name = name[:open]
		}
		var f fault.Frame
		f.Func = name
		at, _, _ := strings.Cut(strings.TrimPrefix(lines[i+1], "\t"), " ")
		if colon := strings.LastIndexByte(at, ':'); colon > 0 {
			f.File = at[:colon]
			fmt.Sscan(at[colon+1:], &f.Line)
		}
		s = append(s, f)
	}
	return s
}
