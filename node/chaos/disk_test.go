//go:build linux

package chaos_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A disk is a file whose content is kept here, in memory, and that a loop device
// is put on. It is what a disk with a volatile cache is to a file system: what
// has been written can be read, but only what a flush has followed is sure to be
// there after the power has gone.
//
// The kernel speaks to it by FUSE: the file is the root of a mount of its own. A
// flush that a file system sends to the loop device comes here as an fsync of
// the file, after the writes that it is to cover have been answered.
type disk struct {
	fd int

	mu      sync.Mutex
	content []byte  // what is read
	cache   []write // what no flush has followed, in order
	writes  int     // answered so far
	flushes int
	left    int  // how many writes there are until the power goes
	off     bool // the power has gone: all requests fail

	gone   chan struct{} // closed when the power has gone
	dead   chan struct{} // closed when those who were writing are dead: until then nothing is answered
	served chan struct{} // closed when the kernel has no more requests
}

// A write is one that may still be lost.
type write struct {
	at       int64
	old, new []byte
}

const (
	sector     = 512  // what a disk writes whole or not at all
	superblock = 4096 // ext4 does without a copy of what is here, and counts on its being written whole
)

// insert makes a disk with content, which it takes, and the file at path that it
// is read and written through. Its power goes after so many writes.
func insert(t *testing.T, path string, content []byte, after int) *disk {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	fd, err := syscall.Open("/dev/fuse", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		lacks(t, "/dev/fuse: %v", err)
	}
	d := &disk{fd: fd, content: content, left: after,
		gone: make(chan struct{}), dead: make(chan struct{}), served: make(chan struct{})}
	options := fmt.Sprintf("fd=%d,rootmode=100600,user_id=%d,group_id=%d", fd, os.Getuid(), os.Getgid())
	if err := syscall.Mount("disk", path, "fuse", syscall.MS_NOSUID|syscall.MS_NODEV, options); err != nil {
		syscall.Close(fd)
		lacks(t, "mounting a file by FUSE: %v", err)
	}
	go d.serve()
	return d
}

// remove takes the file away from path. It ends when the kernel has let go of
// it, the loop device last.
func (d *disk) remove(path string) error {
	err := syscall.Unmount(path, syscall.MNT_DETACH)
	select {
	case <-d.served:
		syscall.Close(d.fd)
	case <-time.After(patience):
		err = errors.Join(err, errors.New("the kernel does not let go of it"))
	}
	return errors.Join(err, os.Remove(path))
}

// cut takes the power away now, if it has not gone.
func (d *disk) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cutLocked()
}

func (d *disk) cutLocked() {
	if !d.off {
		d.off = true
		close(d.gone)
	}
}

// bury lets all requests fail from now on, those that have been waiting since
// the power went included.
func (d *disk) bury() { close(d.dead) }

// isOff reports whether the power has gone.
func (d *disk) isOff() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.off
}

// keep makes the content what it is when the power is back: what was flushed,
// and of the sectors that were written since, any: none of them, all, or about
// half, as r has it. It says what it did. The disk has been removed.
func (d *disk) keep(r *rand.Rand) string {
	for _, w := range slices.Backward(d.cache) {
		copy(d.content[w.at:], w.old)
	}
	share, kept, all := r.IntN(3), 0, 0
	for _, w := range d.cache {
		for i, size := 0, 0; i < len(w.new); i += size {
			size = min(sector, len(w.new)-i)
			if w.at < superblock {
				size = len(w.new)
			}
			all++
			if r.IntN(2) < share {
				copy(d.content[w.at+int64(i):], w.new[i:i+size])
				kept++
			}
		}
	}
	return fmt.Sprintf("%d writes, %d flushes, %d of %d unflushed sectors kept", d.writes, d.flushes, kept, all)
}

// The part of FUSE that one file needs: linux/fuse.h.
const (
	fuseForget      = 2
	fuseGetattr     = 3
	fuseOpen        = 14
	fuseRead        = 15
	fuseWrite       = 16
	fuseRelease     = 18
	fuseFsync       = 20
	fuseFlush       = 25
	fuseInit        = 26
	fuseInterrupt   = 36
	fuseDestroy     = 38
	fuseBatchForget = 42

	fuseHeader    = 40
	fuseWriteIn   = 40
	fuseMaxWrite  = 128 << 10
	fuseBigWrites = 1 << 5
)

var native = binary.NativeEndian

// serve answers the kernel, one request after another, until the file is
// nobody's any more.
func (d *disk) serve() {
	defer close(d.served)
	buf := make([]byte, fuseHeader+fuseWriteIn+fuseMaxWrite+4096)
	for {
		n, err := syscall.Read(d.fd, buf)
		switch {
		case err == syscall.EINTR, err == syscall.ENOENT, err == syscall.EAGAIN: // it was withdrawn
			continue
		case err != nil: // ENODEV: unmounted
			return
		case n < fuseHeader:
			panic(fmt.Sprintf("a FUSE request of %d bytes", n))
		}
		opcode := native.Uint32(buf[4:])
		body, errno := d.answer(opcode, buf[fuseHeader:n])
		switch opcode {
		case fuseForget, fuseBatchForget, fuseInterrupt:
			continue
		}
		reply := make([]byte, 16, 16+len(body))
		native.PutUint32(reply, uint32(16+len(body)))
		native.PutUint32(reply[4:], uint32(-int32(errno)))
		copy(reply[8:16], buf[8:16])
		syscall.Write(d.fd, append(reply, body...))
	}
}

// answer does what the request says.
func (d *disk) answer(opcode uint32, req []byte) (body []byte, errno syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch opcode {
	case fuseInit:
		body = make([]byte, 64)
		native.PutUint32(body, 7)
		native.PutUint32(body[4:], 31)
		native.PutUint32(body[8:], native.Uint32(req[8:])) // readahead: what was asked for
		native.PutUint32(body[12:], fuseBigWrites)
		native.PutUint32(body[20:], fuseMaxWrite)
		native.PutUint32(body[24:], 1)
		return body, 0
	case fuseGetattr:
		return d.attributes(), 0
	case fuseOpen:
		return make([]byte, 16), 0
	case fuseRelease, fuseFlush, fuseDestroy:
		return nil, 0
	}
	switch opcode {
	case fuseRead, fuseWrite, fuseFsync:
	default:
		return nil, syscall.ENOSYS // the kernel does without
	}
	if d.off {
		d.mu.Unlock()
		<-d.dead
		d.mu.Lock()
		return nil, syscall.EIO
	}
	switch opcode {
	case fuseRead:
		at, size := int64(native.Uint64(req[8:])), int64(native.Uint32(req[16:]))
		at = min(at, int64(len(d.content)))
		return d.content[at:min(at+size, int64(len(d.content)))], 0
	case fuseWrite:
		at, data := int64(native.Uint64(req[8:])), req[fuseWriteIn:]
		if at+int64(len(data)) > int64(len(d.content)) {
			return nil, syscall.ENOSPC
		}
		d.writeLocked(at, data)
		body = make([]byte, 8)
		native.PutUint32(body, uint32(len(data)))
		return body, 0
	}
	d.flushes++
	d.cache = nil
	return nil, 0
}

// writeLocked keeps data, and what was there before.
func (d *disk) writeLocked(at int64, data []byte) {
	place := d.content[at : at+int64(len(data))]
	d.cache = append(d.cache, write{at, slices.Clone(place), slices.Clone(data)})
	copy(place, data)
	d.writes++
	if d.left--; d.left == 0 {
		d.cutLocked()
	}
}

// attributes are the file's: a regular one of the size of the disk.
func (d *disk) attributes() []byte {
	body := make([]byte, 104)
	native.PutUint64(body, 3600) // for how many seconds they hold
	attr := body[16:]
	native.PutUint64(attr, 1)
	native.PutUint64(attr[8:], uint64(len(d.content)))
	native.PutUint64(attr[16:], uint64(len(d.content))/512)
	native.PutUint32(attr[60:], syscall.S_IFREG|0o600)
	native.PutUint32(attr[64:], 1)
	native.PutUint32(attr[68:], uint32(os.Getuid()))
	native.PutUint32(attr[72:], uint32(os.Getgid()))
	native.PutUint32(attr[80:], 4096)
	return body
}
