package child

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
	"time"
)

// markOf is the mark in the environment that a process was started with; empty
// if it has none, or may not be read.
func markOf(p *person, buf []byte) string {
	if p.state != 'Z' {
		m := markIn(p.pid, "/environ", buf)
		for range execFor {
			if m != "" || !inExec(p.pid) {
				break
			}
			time.Sleep(time.Millisecond)
			m = markIn(p.pid, "/environ", buf)
		}
		return m
	}
	// The first thread has ended, and has no memory to look at any more.
	threads, _ := os.ReadDir("/proc/" + strconv.Itoa(p.pid) + "/task")
	for _, t := range threads {
		if m := markIn(p.pid, "/task/"+t.Name()+"/environ", buf); m != "" {
			return m
		}
	}
	return ""
}

// execFor is how many milliseconds an exec may take from the point where the old
// memory is gone to that where the new environment is there.
const execFor = 20

// inExec reports whether a process is at such a point: it has no command line,
// which after an exec has one byte at least.
func inExec(pid int) bool {
	var b [1]byte
	text, err := readProc(pid, "/cmdline", b[:])
	return err == nil && len(text) == 0
}

var markStart = []byte(markKey + "=")

// markIn looks for the mark in a file of strings that end in NUL. Environments
// may be megabytes, and the mark anywhere.
func markIn(pid int, file string, buf []byte) string {
	fd, err := openProc(pid, file)
	if err != nil {
		return ""
	}
	defer syscall.Close(fd)
	kept := 0 // of a string whose end has not been read
	for skipping := false; ; {
		n, err := syscall.Read(fd, buf[kept:])
		if err != nil || n <= 0 {
			return markOfString(buf[:kept], skipping)
		}
		text := buf[:kept+n]
		for {
			end := bytes.IndexByte(text, 0)
			if end < 0 {
				break
			}
			if m := markOfString(text[:end], skipping); m != "" {
				return m
			}
			text, skipping = text[end+1:], false
		}
		kept = copy(buf, text)
		if kept == len(buf) { // no mark is as long as that
			kept, skipping = 0, true
		}
	}
}

// markOfString is the mark if s is its variable. tail says that s is only the
// end of a string.
func markOfString(s []byte, tail bool) string {
	if value, ok := bytes.CutPrefix(s, markStart); ok && !tail {
		return string(value)
	}
	return ""
}
