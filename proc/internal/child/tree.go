package child

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
)

// markKey is the variable of the environment that carries the mark.
const markKey = "HEM_PROC_MARK"

// A tree is a child with everything it has started.
type tree struct {
	mark   string // in the environment of all that have not cleared it
	leader int    // the child's pid, and its session's; 0: it is not known
	leaf   *leaf  // the cgroup it was born in; nil: none
	start  uint64 // of the leader, as in its stat; 0: to be looked up
}

// hostMark is the mark of the tree that this process is in; empty: none. It is
// read before main, which may clear the environment.
var hostMark = os.Getenv(markKey)

// family is the part of the marks that only this process's trees have.
var family = func() string {
	var b [8]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}()

var families atomic.Uint64

// newMark makes the mark of a new tree. Within a tree of another host it begins
// with that tree's, so that whoever kills the outer tree finds the inner ones.
func newMark() string {
	m := family + "." + strconv.FormatUint(families.Add(1), 10)
	if hostMark != "" {
		m = hostMark + "/" + m
	}
	return m
}

// markEnv returns env with the mark in it, in place of any other.
func markEnv(env []string, mark string) []string {
	return setEnv(env, markKey, mark)
}

// setEnv returns a copy of env in which key is value, and nothing else.
func setEnv(env []string, key, value string) []string {
	kept := make([]string, 0, len(env)+1)
	for _, e := range env {
		if !strings.HasPrefix(e, key+"=") {
			kept = append(kept, e)
		}
	}
	return append(kept, key+"="+value)
}
