package job_test

import (
	"encoding/binary"
	"hash/crc32"
)

// seal makes the checksum of a record right again: see docs/design.
func seal(rec []byte) {
	end := len(rec) - 4
	binary.LittleEndian.PutUint32(rec[end:], crc32.Checksum(rec[:end], crc32.MakeTable(crc32.Castagnoli)))
}
