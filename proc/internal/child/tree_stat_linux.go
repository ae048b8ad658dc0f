package child

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
	"time"
)

// A person is a process as /proc/<pid>/stat has it.
type person struct {
	pid, parent, session int
	threads              int
	start                uint64 // in ticks since the machine started
	state                byte
	guard                bool          // it is called as guards are
	kernel               bool          // it is a kernel thread
	cpu                  time.Duration // its own, and of the children it waited for
	memory               int64         // resident bytes
}

// alive reports whether any of its threads may still run. A process whose first
// thread has ended is a zombie by its state, however busy the others are.
func (p *person) alive() bool {
	switch p.state {
	case 'Z', 'X', 'x':
		return p.threads > 1
	}
	return true
}

// tick is the unit of times in stat: USER_HZ, which is 100 on all machines that
// Go runs on.
const tick = 10 * time.Millisecond

var pageSize = int64(os.Getpagesize())

// isKernelThread is the flag PF_KTHREAD.
const isKernelThread = 0x00200000

// lookAt reads the stat of a process; ok is false if there is none.
func lookAt(pid int, buf []byte) (p person, ok bool) {
	text, err := readProc(pid, "/stat", buf)
	if err != nil {
		return person{}, false
	}
	return parseStat(text)
}

// parseStat takes the fields it wants from a line of stat. The name, which is
// the second and in parentheses, may hold spaces and parentheses itself.
func parseStat(text []byte) (p person, ok bool) {
	open, close := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if open < 1 || close < open || close+2 > len(text) {
		return person{}, false
	}
	p.pid = int(number(text[:open-1]))
	p.guard = string(text[open+1:close]) == guardName
	field := 2
	for rest := text[close+1:]; len(rest) > 0; {
		rest = bytes.TrimLeft(rest, " \n")
		end := bytes.IndexAny(rest, " \n")
		if end < 0 {
			end = len(rest)
		}
		word := rest[:end]
		rest = rest[end:]
		field++
		switch field {
		case 3:
			p.state = word[0]
		case 4:
			p.parent = int(number(word))
		case 6:
			p.session = int(number(word))
		case 9:
			p.kernel = number(word)&isKernelThread != 0
		case 14, 15, 16, 17:
			p.cpu += time.Duration(number(word)) * tick
		case 20:
			p.threads = int(number(word))
		case 22:
			p.start = uint64(number(word))
		case 24:
			p.memory = number(word) * pageSize
			return p, p.pid > 0
		}
	}
	return person{}, false
}

// number is the decimal number in b; zero if there is none.
func number(b []byte) int64 {
	n := int64(0)
	for _, c := range bytes.TrimSpace(b) {
		if c < '0' || c > '9' {
			return 0
		}
		n = n*10 + int64(c-'0')
	}
	return n
}

// startOf is when a process started, in ticks; zero if there is none.
func startOf(pid int) uint64 {
	p, _ := lookAt(pid, make([]byte, 1024))
	return p.start
}

// readProc reads what fits into buf of a file about a process. It does without
// package os, whose files cost more than what they are read for.
func readProc(pid int, file string, buf []byte) ([]byte, error) {
	fd, err := openProc(pid, file)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	n, err := syscall.Read(fd, buf)
	if err != nil {
		return nil, err
	}
	return buf[:n], nil
}

func openProc(pid int, file string) (int, error) {
	return syscall.Open("/proc/"+strconv.Itoa(pid)+file, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
}
