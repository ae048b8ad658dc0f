package jobtest

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/hemgo/hem/job"
)

// A store is what a Memory has on its disk: one file with the records and one
// with their head. It knows nothing of goroutines, faults or time.
type store struct {
	slots []slot // where record seq should be is slots[seq-1]; trimmed ones stay, for Records
	first uint64 // the oldest that was not trimmed
	head  uint64 // the last one, as the head file has it
	sure  uint64 // the last one that a power cut leaves

	taken     int64 // bytes of the records that were not trimmed
	capacity  int64 // none if zero
	watermark int64 // none if zero

	silent  bool      // does not look at what it reads
	pending []Pending // sent and not arrived, oldest first
	sent    int       // how many were ever pending

	// Until somebody damages it:
	//   T1. len(slots) == head.
	//   T2. slots[i].seq == i+1, and its sum is that of its seq and rec.
	//   T3. 1 <= first <= head, or first == 1 and head == 0.
	//   T4. sure <= head.
}

// A slot is a place for a record.
type slot struct {
	seq uint64
	rec []byte // nil if it is gone
	sum uint32
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(seq uint64, rec []byte) uint32 {
	sum := crc32.Checksum(binary.LittleEndian.AppendUint64(nil, seq), castagnoli)
	return crc32.Update(sum, castagnoli, rec)
}

// append stores rec, which the caller gives away.
func (s *store) append(after uint64, rec []byte) error {
	if err := s.whole(); err != nil {
		return err
	}
	if after != s.head {
		return fmt.Errorf("%w: its last record is %d", job.ErrConflict, s.head)
	}
	if size := int64(len(rec)); s.capacity > 0 && s.taken+size > s.capacity {
		return fmt.Errorf("%w: %d of %d bytes are taken, %d are wanted (trim it, or SetCapacity)", job.ErrFull, s.taken, s.capacity, size)
	}
	s.head++
	s.slots = append(s.slots, slot{s.head, rec, checksum(s.head, rec)})
	s.taken += int64(len(rec))
	return nil
}

// whole is an error if the records do not reach as far as the head says. A
// store without a head file could not know.
func (s *store) whole() error {
	if n := uint64(len(s.slots)); n < s.head {
		return fmt.Errorf("%w: its head is record %d, its last record %d (restore it from a copy)", job.ErrDamaged, s.head, n)
	}
	return nil
}

// span returns the last record that a Read from from reads.
func (s *store) span(from uint64) (last uint64, err error) {
	if err := s.trimmed(from); err != nil {
		return 0, err
	}
	if from > s.head+1 {
		return 0, fmt.Errorf("%w: record %d is wanted, and the last is %d", job.ErrDamaged, from, s.head)
	}
	return s.head, s.whole()
}

// trimmed is an error if seq was trimmed. Record 0, which never was, counts.
func (s *store) trimmed(seq uint64) error {
	if seq < s.first {
		return fmt.Errorf("%w: record %d is wanted, and the first is %d", job.ErrTrimmed, seq, s.first)
	}
	return nil
}

// read returns record seq of the span. The caller must not change it.
func (s *store) read(seq uint64) ([]byte, error) {
	if err := s.trimmed(seq); err != nil {
		return nil, err
	}
	if err := s.whole(); err != nil {
		return nil, err
	}
	at := s.slots[seq-1]
	switch {
	case at.rec == nil:
		return nil, fmt.Errorf("%w: record %d is missing", job.ErrDamaged, seq)
	case s.silent:
	case at.seq != seq:
		return nil, fmt.Errorf("%w: in the place of record %d is record %d", job.ErrDamaged, seq, at.seq)
	case at.sum != checksum(seq, at.rec):
		return nil, fmt.Errorf("%w: record %d has another checksum than when it was stored", job.ErrDamaged, seq)
	}
	s.sure = max(s.sure, seq)
	return at.rec, nil
}

// trim forgets the records before before, but at most most.
func (s *store) trim(before, most uint64) error {
	if before > s.head {
		return fmt.Errorf("%w: its last record is %d", job.ErrConflict, s.head)
	}
	s.sure = max(s.sure, before) // or a power cut could leave no record at all
	for ; s.first < before && most > 0; most-- {
		if s.first <= uint64(len(s.slots)) {
			s.taken -= int64(len(s.slots[s.first-1].rec))
		}
		s.first++
	}
	return nil
}

// low is an error above the watermark.
func (s *store) low() error {
	if s.watermark > 0 && s.taken > s.watermark {
		return fmt.Errorf("the log is nearly full: %d of %d bytes are left (trim it, or SetCapacity)", s.capacity-s.taken, s.capacity)
	}
	return nil
}

// clone shares the bytes of the records, which never change in place.
func (s *store) clone() store {
	c := *s
	c.slots, c.pending = slices.Clone(s.slots), slices.Clone(s.pending)
	return c
}
