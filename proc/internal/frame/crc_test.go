package frame_test

// castagnoli is CRC32C bit by bit, as the reference describes it to those who
// have no library for it: what package hash/crc32 says must not be what this
// package is held to.
func castagnoli(b []byte) uint32 {
	crc := ^uint32(0)
	for _, c := range b {
		crc ^= uint32(c)
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ 0x82f63b78
			} else {
				crc >>= 1
			}
		}
	}
	return ^crc
}
