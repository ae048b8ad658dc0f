package child

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// ownPlaces are the cgroups where this process may work: its own, in which it
// may make others, but not enable controllers, because processes are in it; and
// the one above, if systemd has delegated that one, as it does when the unit has
// a DelegateSubgroup.
func ownPlaces() ([]string, error) {
	cgroups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	dir, mount, err := ownGroup(string(cgroups), string(mounts))
	if err != nil {
		return nil, err
	}
	places := []string{dir}
	if above := filepath.Dir(dir); dir != mount && delegated(above) {
		places = append(places, above)
	}
	return places, nil
}

// delegated reports whether systemd has marked a cgroup as ours to change.
func delegated(dir string) bool {
	var value [8]byte
	for _, name := range []string{"user.delegate", "trusted.delegate"} {
		n, err := syscall.Getxattr(dir, name, value[:])
		if err == nil && string(value[:n]) == "1" {
			return true
		}
	}
	return false
}

// ownGroup finds the directory of the process's cgroup v2, and where that
// hierarchy is mounted, in the text of /proc/self/cgroup and /proc/self/mountinfo.
func ownGroup(cgroups, mounts string) (dir, mount string, err error) {
	path := ""
	for line := range strings.Lines(cgroups) {
		if rest, ok := strings.CutPrefix(line, "0::"); ok {
			path = strings.TrimSuffix(rest, "\n")
		}
	}
	if path == "" {
		return "", "", errors.New("the process is in no cgroup of version 2")
	}
	if path == "/.." || strings.HasPrefix(path, "/../") {
		return "", "", errors.New("the process's cgroup is outside of its cgroup namespace")
	}
	mounted := false
	for line := range strings.Lines(mounts) {
		root, at, ok := groupMount(line)
		if !ok {
			continue
		}
		mounted = true
		if rest, ok := below(path, root); ok {
			return filepath.Join(at, rest), at, nil
		}
	}
	if mounted {
		return "", "", fmt.Errorf("no mount of cgroup2 shows the process's cgroup %s", path)
	}
	return "", "", errors.New("cgroup2 is not mounted")
}

// groupMount takes a line of mountinfo apart, if it is of a cgroup2:
//
//	41 31 0:38 /root /at rw,relatime shared:1 - cgroup2 cgroup2 rw
func groupMount(line string) (root, at string, ok bool) {
	mount, kind, _ := strings.Cut(line, " - ")
	words := strings.Fields(mount)
	if len(words) < 6 || !strings.HasPrefix(kind, "cgroup2 ") {
		return "", "", false
	}
	return unescape(words[3]), unescape(words[4]), true
}

// below is what is left of path below root.
func below(path, root string) (rest string, ok bool) {
	if root == "/" {
		return path, true
	}
	rest, ok = strings.CutPrefix(path, root)
	return rest, ok && (rest == "" || rest[0] == '/')
}

// unescape undoes what mountinfo does to blanks and backslashes: \040.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
