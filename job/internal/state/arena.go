package state

// An arena keeps byte strings without giving the collector a pointer for each.
// Those of up to classMost bytes are in blocks of a few sizes, cut from chunks;
// a larger one is an allocation of its own. What is freed is used again for the
// next of its size; chunks are never given back.
type arena struct {
	classes [classCount]class
	big     [][]byte
	bigFree []uint32
}

// A blob names a byte string in an arena: its class in the upper bits and its
// block there in the lower ones. Zero is the empty string.
type blob uint32

const (
	blockBits = 25
	bigClass  = 127 // no class has this number: blob is an index into big

	fineStep, fineMost = 16, 512   // sizes in steps of 16 bytes up to 512
	classStep          = 64        // then in steps of 64
	classMost          = 2048 + 64 // up to here
	fineCount          = fineMost / fineStep
	classCount         = fineCount + (classMost-fineMost)/classStep
	chunkBytes         = 64 << 10

	lengthBytes = 2 // at the start of a block
)

type class struct {
	chunks [][]byte
	made   uint32   // blocks that were ever used; block 0 of class 0 is never
	free   []uint32 // blocks
}

func classOf(n int) int {
	if n <= fineMost {
		return max(n-1, 0) / fineStep
	}
	return fineCount + (n-fineMost-1)/classStep
}

func classSize(c int) int {
	if c < fineCount {
		return (c + 1) * fineStep
	}
	return fineMost + (c-fineCount+1)*classStep
}

func (a *arena) put(b []byte) blob {
	if len(b) == 0 {
		return 0
	}
	if len(b)+lengthBytes > classMost {
		return a.putBig(b)
	}
	c := classOf(len(b) + lengthBytes)
	block := a.classes[c].take(c)
	at := a.classes[c].at(c, block)
	at[0], at[1] = byte(len(b)), byte(len(b)>>8)
	copy(at[lengthBytes:], b)
	return blob(c<<blockBits) | blob(block)
}

func (a *arena) putBig(b []byte) blob {
	kept := append([]byte(nil), b...)
	var i uint32
	if n := len(a.bigFree); n > 0 {
		i = a.bigFree[n-1]
		a.bigFree = a.bigFree[:n-1]
		a.big[i] = kept
	} else {
		i = uint32(len(a.big))
		a.big = append(a.big, kept)
	}
	return blob(bigClass<<blockBits) | blob(i)
}

// get aliases the arena: it is good until the blob is dropped.
func (a *arena) get(b blob) []byte {
	if b == 0 {
		return nil
	}
	c, i := int(b>>blockBits), uint32(b&(1<<blockBits-1))
	if c == bigClass {
		return a.big[i]
	}
	at := a.classes[c].at(c, i)
	n := int(at[0]) | int(at[1])<<8
	return at[lengthBytes : lengthBytes+n : lengthBytes+n]
}

func (a *arena) drop(b blob) {
	if b == 0 {
		return
	}
	c, i := int(b>>blockBits), uint32(b&(1<<blockBits-1))
	if c == bigClass {
		a.big[i] = nil
		a.bigFree = append(a.bigFree, i)
		return
	}
	a.classes[c].free = append(a.classes[c].free, i)
}

func (k *class) take(c int) uint32 {
	if n := len(k.free); n > 0 {
		i := k.free[n-1]
		k.free = k.free[:n-1]
		return i
	}
	if k.made == 0 && c == 0 {
		k.made = 1 // so that no blob is zero
	}
	perChunk := chunkBytes / classSize(c)
	if int(k.made)/perChunk == len(k.chunks) {
		k.chunks = append(k.chunks, make([]byte, perChunk*classSize(c)))
	}
	k.made++
	if k.made >= 1<<blockBits {
		panic("state: more than 33 million byte strings of one size")
	}
	return k.made - 1
}

func (k *class) at(c int, i uint32) []byte {
	size := classSize(c)
	perChunk := uint32(chunkBytes / size)
	off := int(i%perChunk) * size
	return k.chunks[i/perChunk][off : off+size]
}
