package natslog

import (
	"io"
	"os"
	"path/filepath"
	"sync"
)

// A headFile keeps a head on the disk. What is written reaches the kernel at
// once, so that it outlives this process, and the disk when sync is called.
type headFile struct {
	f        *os.File
	unsynced bool

	mu    sync.Mutex
	head  head
	slot  int  // the one that is written next
	dirty bool // slot was written since the last sync

	// Whenever mu is free:
	//   H1. The slot other than slot is what it was when it was last synced, so
	//       a loss of power in the middle of a write leaves one that is whole.
	//   H2. head.last and head.oldest never fall.
}

// createHead writes the head file of a new store, all of it or nothing.
func createHead(dir string, h head) error {
	b := make([]byte, headBytes)
	copy(b, h.encode())
	copy(b[slotAt:], h.encode())
	tmp := filepath.Join(dir, headName+".new")
	if err := writeSynced(tmp, b); err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(dir, headName)); err != nil {
		return err
	}
	return syncDir(dir)
}

// openHead reads the head file of dir.
func openHead(dir string, unsynced bool) (*headFile, error) {
	f, err := os.OpenFile(filepath.Join(dir, headName), os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, headBytes+1))
	if err == nil {
		var h head
		var slot int
		if h, slot, err = decodeHead(b); err == nil {
			return &headFile{f: f, unsynced: unsynced, head: h, slot: 1 - slot}, nil
		}
	}
	f.Close()
	return nil, err
}

// get is the head as it is now.
func (hf *headFile) get() head {
	hf.mu.Lock()
	defer hf.mu.Unlock()
	return hf.head
}

// stored notes that rec, whose hash is given, is stored as record seq.
func (hf *headFile) stored(seq uint64, hash [32]byte) error {
	hf.mu.Lock()
	defer hf.mu.Unlock()
	if seq <= hf.head.last {
		return nil // H2
	}
	h := hf.head
	h.last, h.hash = seq, hash
	return hf.writeLocked(h)
}

// forget notes, on the disk, that what is before oldest is about to go.
func (hf *headFile) forget(oldest uint64) error {
	hf.mu.Lock()
	defer hf.mu.Unlock()
	if oldest <= hf.head.oldest {
		return nil // H2
	}
	h := hf.head
	h.oldest = oldest
	if err := hf.writeLocked(h); err != nil {
		return err
	}
	return hf.syncLocked()
}

// begin notes, on the disk, that the stream exists.
func (hf *headFile) begin() error {
	hf.mu.Lock()
	defer hf.mu.Unlock()
	h := hf.head
	h.live = true
	if err := hf.writeLocked(h); err != nil {
		return err
	}
	return hf.syncLocked()
}

func (hf *headFile) writeLocked(h head) error {
	h.count++
	if _, err := hf.f.WriteAt(h.encode(), int64(hf.slot)*slotAt); err != nil {
		return err
	}
	hf.head, hf.dirty = h, true
	return nil
}

// sync brings the head to the disk. Whoever appends waits meanwhile: else both
// slots could be in the middle of being written when the power goes (H1).
func (hf *headFile) sync() error {
	hf.mu.Lock()
	defer hf.mu.Unlock()
	return hf.syncLocked()
}

func (hf *headFile) syncLocked() error {
	if !hf.dirty {
		return nil
	}
	if !hf.unsynced {
		if err := hf.f.Sync(); err != nil {
			return err
		}
	}
	hf.dirty = false
	hf.slot = 1 - hf.slot
	return nil
}

// close leaves the same head in both slots, so that damage to one is healed.
func (hf *headFile) close() error {
	hf.mu.Lock()
	defer hf.mu.Unlock()
	err := hf.syncLocked()
	if err == nil {
		if err = hf.writeLocked(hf.head); err == nil {
			err = hf.syncLocked()
		}
	}
	if cerr := hf.f.Close(); err == nil {
		err = cerr
	}
	return err
}

func writeSynced(name string, b []byte) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
