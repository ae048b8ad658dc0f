//go:build unix

package main

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// debianPostgres is where Debian keeps the servers of every major version, out
// of everybody's PATH.
const debianPostgres = "/usr/lib/postgresql/*/bin"

// findPostgres returns the directory that has a PostgreSQL server and what makes
// its data, "" if there is none: that of the one in PATH, else the newest of those
// that match pattern.
func findPostgres(pattern string) string {
	whole := func(dir string) bool { return isProgram(dir, "postgres") && isProgram(dir, "initdb") }
	if found, err := exec.LookPath("postgres"); err == nil {
		// A link in PATH has no initdb beside it, and needs its own libraries.
		if real, err := filepath.EvalSymlinks(found); err == nil && whole(filepath.Dir(real)) {
			return filepath.Dir(real)
		}
	}
	dirs, _ := filepath.Glob(pattern)
	for _, dir := range newestFirst(dirs) {
		if whole(dir) {
			return dir
		}
	}
	return ""
}

// findRedis returns a Redis server in PATH, "" if there is none.
func findRedis() string {
	found, _ := exec.LookPath("redis-server")
	return found
}

func isProgram(dir, name string) bool {
	info, err := os.Stat(filepath.Join(dir, name))
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// newestFirst orders directories by the versions that their paths name: 15
// before 9.6.
func newestFirst(dirs []string) []string {
	version := regexp.MustCompile(`[0-9]+(\.[0-9]+)*`)
	numbers := func(dir string) (all []int) {
		for part := range strings.SplitSeq(version.FindString(dir), ".") {
			n, _ := strconv.Atoi(part)
			all = append(all, n)
		}
		return all
	}
	dirs = slices.Clone(dirs)
	slices.SortFunc(dirs, func(a, b string) int {
		return cmp.Or(slices.Compare(numbers(b), numbers(a)), strings.Compare(a, b))
	})
	return dirs
}

// versionOf finds the version in what a server says of itself, as in
// "postgres (PostgreSQL) 15.18 (Debian 15.18-0)" or "Redis server v=7.0.15
// sha=00000000:0"; "unknown" if it says none.
func versionOf(said string) string {
	found := regexp.MustCompile(`(?:\) |v=)([0-9]+(?:\.[0-9]+)*)`).FindStringSubmatch(said)
	if found == nil {
		return "unknown"
	}
	return found[1]
}

// askVersion asks the server at path.
func askVersion(path string) string {
	said, _ := exec.Command(path, "--version").Output()
	return versionOf(string(said))
}
