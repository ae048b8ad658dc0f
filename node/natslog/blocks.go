package natslog

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A block of the store is messages one after the other:
//
//	0  length of all of it, with a flag in the upper bit  4   little endian
//	4  number, with flags in the two upper bits           8
//	12 time                                               8
//	20 length of the subject                              2
//	22 subject, headers, record, hash
const (
	messageHead = 22
	lengthFlag  = 1 << 31
	numberFlags = 3 << 62

	// How far the numbers in a store may be ahead of what the head knows, which
	// after a loss of power is a second old.
	farAhead = 1 << 20
)

// checkNumbers reads the heads of all messages, and refuses a store in which one
// has a number that cannot be. The server believes numbers before it has looked at
// the hash, and has a place in memory for each that it finds missing: for one bit
// flipped in the upper half of a number that is more memory than there is. All
// other damage is the server's to find.
func (l *Log) checkNumbers() error {
	most := l.head.get().last + farAhead
	names, err := filepath.Glob(filepath.Join(blocksDir(l.dir), "*.blk"))
	if err != nil {
		return err
	}
	for _, name := range names {
		seq, err := highest(name)
		switch {
		case errors.Is(err, fs.ErrNotExist): // the server will say what that means
		case err != nil:
			return err
		case seq > most:
			return damaged(l.dir, fmt.Sprintf("in the block %s is a record %d, and the last one is %d or little more",
				strings.TrimSuffix(filepath.Base(name), ".blk"), seq, l.head.get().last))
		}
	}
	return nil
}

// nextBlock is up to where whole blocks can be forgotten: the number of the record
// that begins a block, after first and at most oldest. Of several it is the last
// that is at most want, or else the first. It is 0 if there is none.
func (l *Log) nextBlock(first, want, oldest uint64) (to uint64, err error) {
	names, err := filepath.Glob(filepath.Join(blocksDir(l.dir), "*.blk"))
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		begins, err := firstOf(name)
		if err != nil || begins <= first || begins > oldest {
			continue // it is being removed, or is empty, or does not help
		}
		switch {
		case to == 0, begins <= want && (begins > to || to > want), begins > want && begins < to:
			to = begins
		}
	}
	return to, nil
}

// firstOf is the number of the first message in a block.
func firstOf(name string) (uint64, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var head [messageHead]byte
	if _, err := io.ReadFull(f, head[:]); err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(head[4:]) &^ numberFlags, nil
}

// highest is the highest number of a message in a block, as far as one can follow
// another.
func highest(name string) (seq uint64, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 64<<10)
	var head [messageHead]byte
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return seq, nil
		}
		length := int64(binary.LittleEndian.Uint32(head[:]) &^ lengthFlag)
		seq = max(seq, binary.LittleEndian.Uint64(head[4:])&^numberFlags)
		if length < messageHead {
			return seq, nil
		}
		if _, err := r.Discard(int(length) - messageHead); err != nil {
			return seq, nil
		}
	}
}
