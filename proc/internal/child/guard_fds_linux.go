package child

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// letGo puts null in place of what the guard holds beside its own descriptors.
// A host's are close-on-exec, but not those that it was itself started with and
// knows nothing of, such as a shell's; and package initialisation may have
// opened some. They are replaced because what has opened them may close them
// yet, whoever has the number then. Those without a name are the runtime's.
func letGo(null string) {
	f, err := os.OpenFile(null, os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer f.Close()
	fds, _ := os.ReadDir("/proc/self/fd")
	for _, entry := range fds {
		fd, err := strconv.Atoi(entry.Name())
		if err != nil || fd <= statusFD || fd == int(f.Fd()) {
			continue
		}
		to, err := os.Readlink("/proc/self/fd/" + entry.Name())
		if err == nil && !strings.HasPrefix(to, "anon_inode:") {
			syscall.Dup3(int(f.Fd()), fd, syscall.O_CLOEXEC)
		}
	}
}
