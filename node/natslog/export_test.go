package natslog

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
	"testing"
)

// Unsynced returns c for a log that flushes nothing to the disk: what a loss of
// power does to it, a test must notice.
func Unsynced(c Config) Config { c.unsynced = true; return c }

// Unchecked returns c for a log that does not compare what it has with its head.
func Unchecked(c Config) Config { c.unchecked = true; return c }

// Blind makes l believe that the file system has room for ever, so that it runs
// into its end.
func (l *Log) Blind() { l.room.blind.Store(true) }

// AfterStep calls f after each step of a trim of l.
func AfterStep(l *Log, f func()) { l.afterStep = f }

// Newer returns a head file as a later version of this package may write it.
func Newer(file []byte) []byte {
	b := slices.Clone(file)
	for _, slot := range [][]byte{b[:slotBytes], b[slotAt : slotAt+slotBytes]} {
		slot[7] = headVersion + 1
		copy(slot[90:], "something new")
		binary.LittleEndian.PutUint32(slot[124:], crc32.Checksum(slot[:124], castagnoli))
	}
	return b
}

// TakeShelter leaves in dir what a crash does while the server opens the stream, but
// for what the server has done by then.
func TakeShelter(dir string) error { return takeShelter(dir) }

// HalfMade leaves in dir what a crash in the making of a log does.
func HalfMade(t *testing.T, dir string) {
	t.Helper()
	if err := createHead(dir, head{id: [16]byte{1}, oldest: 1}); err != nil {
		t.Fatal(err)
	}
	n, err := startNode(dir, Config{Log: quietLog})
	if err != nil {
		t.Fatal(err)
	}
	n.stop()
}
