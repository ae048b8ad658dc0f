package natslog_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/node/natslog"
)

// A sample is a store that damage is done to copies of.
type sample struct {
	name        string
	dir         string
	first, last uint64
}

// samples are a store that was closed, one as a crash left it, and one of
// several blocks that was trimmed.
func samples(t *testing.T) []sample {
	const few, many = 300, 900
	root := t.TempDir()
	at := func(name string) string { return filepath.Join(root, name) }

	l := open(t, at("closed"), natslog.Unsynced(quiet()))
	fill(t, l, 0, few)
	copyDir(t, at("closed"), at("crashed"))
	l.Close()

	l = open(t, at("trimmed"), natslog.Unsynced(quiet()))
	for after := range uint64(many) {
		if err := l.Append(t.Context(), after, large(after+1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Trim(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	copyDir(t, at("trimmed"), at("trimmed, crashed"))
	l.Close()
	return []sample{
		{"closed", at("closed"), 1, few},
		{"crashed", at("crashed"), 1, few},
		{"trimmed", at("trimmed"), 100, many},
		{"trimmed, crashed", at("trimmed, crashed"), 100, many},
	}
}

// want is what a sample has as record seq.
func (s sample) want(seq uint64) []byte {
	if s.first > 1 {
		return large(seq)
	}
	return record(seq)
}

// The store looks at numbers before it looks at hashes, and fills what seems to be
// missing between them.
func TestNumberThatCannotBeIsRefusedAndNotFilledUpTo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	l := open(t, dir, natslog.Unsynced(quiet()))
	for after := range uint64(900) { // several blocks
		if err := l.Append(t.Context(), after, large(after+1)); err != nil {
			t.Fatal(err)
		}
	}
	l.Close()
	blocks, err := filepath.Glob(filepath.Join(dir, "jetstream", "$G", "streams", "log", "msgs", "*.blk"))
	if err != nil || len(blocks) < 2 {
		t.Fatalf("%d blocks, %v", len(blocks), err)
	}
	b, err := os.ReadFile(blocks[0])
	if err != nil {
		t.Fatal(err)
	}
	second := int(binary.LittleEndian.Uint32(b) &^ (1 << 31))
	b[second+4+5] ^= 1 // bit 40 of the number of the second
	if err := os.WriteFile(blocks[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, fault.Failed, "the log is damaged", "block 1", "record 1099511627778")
}

// A blow is one damage. It is given the files of a store by name.
type blow struct {
	name string
	do   func(dir string) error
}

// blows are the damages done to the files of s.
func blows(t *testing.T, s sample) []blow {
	r := rand.New(rand.NewPCG(7, 7))
	var bs []blow
	files := filesOf(t, s.dir)
	add := func(what, name string, do func(path string) error) {
		bs = append(bs, blow{what + " " + name, func(dir string) error { return do(filepath.Join(dir, name)) }})
	}
	flips, cuts := 16, 3
	if s.first > 1 {
		flips, cuts = 2, 1 // its copies are larger
	}
	for _, name := range files {
		size := sizeOf(t, filepath.Join(s.dir, name))
		for range flips {
			if size > 0 {
				at, bit := r.Int64N(size), byte(1)<<r.IntN(8)
				add(fmt.Sprintf("bit %#x at %d of %d flipped in", bit, at, size), name, func(p string) error { return flip(p, at, bit) })
			}
		}
		for i := range cuts {
			to := size * int64(i) / int64(cuts)
			add(fmt.Sprintf("cut from %d to %d:", size, to), name, func(p string) error { return os.Truncate(p, to) })
		}
		add("cut by a byte:", name, func(p string) error { return os.Truncate(p, max(size-1, 0)) })
		add("deleted", name, os.Remove)
	}
	blocks := only(files, ".blk")
	for i, name := range blocks {
		add("duplicated as the next", name, func(p string) error { return copyFile(p, filepath.Join(filepath.Dir(p), fmt.Sprint(1000+i, ".blk"))) })
		for _, other := range blocks[i+1:] {
			bs = append(bs, blow{"swapped " + name + " and " + other, func(dir string) error { return swap(filepath.Join(dir, name), filepath.Join(dir, other)) }})
			bs = append(bs, blow{"duplicated " + name + " over " + other, func(dir string) error { return copyFile(filepath.Join(dir, name), filepath.Join(dir, other)) }})
		}
	}
	bs = append(bs,
		blow{"the store deleted", func(dir string) error { return os.RemoveAll(filepath.Join(dir, "jetstream")) }},
		blow{"the store emptied", func(dir string) error {
			return errors.Join(os.RemoveAll(filepath.Join(dir, "jetstream")), os.Mkdir(filepath.Join(dir, "jetstream"), 0o700))
		}},
		blow{"all but LOCK deleted", func(dir string) error {
			return errors.Join(os.RemoveAll(filepath.Join(dir, "jetstream")), os.Remove(filepath.Join(dir, "head")))
		}},
		blow{"the messages deleted", func(dir string) error { return os.RemoveAll(msgsOf(dir)) }},
	)
	return bs
}

// outcome opens the store in dir and reads it: "whole", "refused", or how it
// lies.
func outcome(s sample, dir string, c natslog.Config) string {
	l, err := natslog.Open(context.Background(), dir, c)
	if err != nil {
		return "refused"
	}
	defer l.Close()
	next := s.first
	wrong := ""
	err = l.Read(context.Background(), s.first, func(seq uint64, rec []byte) error {
		if seq != next || !bytes.Equal(rec, s.want(seq)) {
			wrong = fmt.Sprintf("record %d is not record %d that was appended", seq, next)
		}
		next++
		return nil
	})
	switch {
	case wrong != "":
		return wrong
	case err != nil:
		return "refused"
	case next != s.last+1:
		return fmt.Sprintf("it ends at %d instead of %d", next-1, s.last)
	}
	if err := l.Append(context.Background(), s.last, []byte("one more")); err != nil && !errors.Is(err, job.ErrDamaged) {
		return fmt.Sprintf("it is whole and takes no more: %v", err)
	}
	return "whole"
}

func TestDamageIsRefusedOrHealedAndNeverSilent(t *testing.T) {
	for _, s := range samples(t) {
		t.Run(s.name, func(t *testing.T) {
			counts := map[string]int{}
			for _, b := range blows(t, s) {
				dir := filepath.Join(t.TempDir(), "log")
				copyDir(t, s.dir, dir)
				if err := b.do(dir); err != nil {
					t.Fatalf("%s: %v", b.name, err)
				}
				got := outcome(s, dir, quiet())
				counts[got]++
				if got != "whole" && got != "refused" {
					t.Errorf("%s: %s", b.name, got)
				}
				os.RemoveAll(dir)
			}
			t.Log(counts)
			if counts["refused"] == 0 {
				t.Error("no damage was noticed")
			}
		})
	}
}

// The control: what the head is for.
func TestDamageIsSilentWithoutTheHead(t *testing.T) {
	silent := 0
	for _, s := range samples(t)[:2] {
		for _, b := range blows(t, s) {
			if !strings.Contains(b.name, "blk") {
				continue
			}
			dir := filepath.Join(t.TempDir(), "log")
			copyDir(t, s.dir, dir)
			if err := b.do(dir); err != nil {
				t.Fatal(err)
			}
			if got := outcome(s, dir, natslog.Unchecked(quiet())); got != "whole" && got != "refused" {
				silent++
			}
			os.RemoveAll(dir)
		}
	}
	t.Logf("%d damages were silent", silent)
	if silent == 0 {
		t.Error("no damage was silent: the test of damage proves nothing")
	}
}

func msgsOf(dir string) string {
	return filepath.Join(dir, "jetstream", "$G", "streams", "log", "msgs")
}

func filesOf(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(dir, path)
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func only(names []string, suffix string) []string {
	var with []string
	for _, name := range names {
		if strings.HasSuffix(name, suffix) {
			with = append(with, name)
		}
	}
	return with
}

func sizeOf(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func flip(path string, at int64, bit byte) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	b[at] ^= bit
	return os.WriteFile(path, b, 0o600)
}

func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o600)
}

func swap(a, b string) error {
	return errors.Join(os.Rename(a, a+"x"), os.Rename(b, a), os.Rename(a+"x", b))
}

func copyDir(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}
