//go:build unix

package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// programs makes files in dir that could be run.
func programs(t *testing.T, dir string, names ...string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNewestPostgresThatIsWholeIsFound(t *testing.T) {
	root := t.TempDir()
	t.Setenv("PATH", t.TempDir())
	pattern := filepath.Join(root, "*", "bin")
	if found := findPostgres(pattern); found != "" {
		t.Errorf("found %q where nothing is", found)
	}
	programs(t, filepath.Join(root, "9.6", "bin"), "postgres", "initdb")
	programs(t, filepath.Join(root, "15", "bin"), "postgres", "initdb")
	programs(t, filepath.Join(root, "17", "bin"), "initdb") // its client alone
	if found, want := findPostgres(pattern), filepath.Join(root, "15", "bin"); found != want {
		t.Errorf("found %q, want %q", found, want)
	}
}

func TestPostgresInPathComesFirstAndLinksAreFollowed(t *testing.T) {
	root, path := t.TempDir(), t.TempDir()
	t.Setenv("PATH", path)
	programs(t, filepath.Join(root, "15", "bin"), "postgres", "initdb")
	programs(t, filepath.Join(root, "14", "bin"), "postgres", "initdb")
	mine, err := filepath.EvalSymlinks(filepath.Join(root, "14", "bin"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(mine, "postgres"), filepath.Join(path, "postgres")); err != nil {
		t.Fatal(err)
	}
	if found := findPostgres(filepath.Join(root, "*", "bin")); found != mine {
		t.Errorf("found %q, want %q", found, mine)
	}
}

func TestRedisIsFoundInPathOrNotAtAll(t *testing.T) {
	path := t.TempDir()
	t.Setenv("PATH", path)
	if found := findRedis(); found != "" {
		t.Errorf("found %q where nothing is", found)
	}
	programs(t, path, "redis-server")
	if found, want := findRedis(), filepath.Join(path, "redis-server"); found != want {
		t.Errorf("found %q, want %q", found, want)
	}
}

func TestNewerVersionsComeFirstByTheirNumbers(t *testing.T) {
	got := newestFirst([]string{"/pg/9.6/bin", "/pg/15/bin", "/pg/9.10/bin", "/pg/devel/bin", "/pg/8/bin"})
	want := []string{"/pg/15/bin", "/pg/9.10/bin", "/pg/9.6/bin", "/pg/8/bin", "/pg/devel/bin"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestServersTellTheirVersions(t *testing.T) {
	for said, want := range map[string]string{
		"postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n":                       "15.18",
		"postgres (PostgreSQL) 18beta1\n":                                              "18",
		"Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64 build=6\n": "7.0.15",
		"":             "unknown",
		"usage: redis": "unknown",
	} {
		if got := versionOf(said); got != want {
			t.Errorf("%q is version %q, want %q", said, got, want)
		}
	}
}
