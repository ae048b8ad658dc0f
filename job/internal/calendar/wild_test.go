package calendar_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// wild are zones as no parliament has made them yet: clocks are set on and back by up
// to two days, every few hours or years, as far as RFC 8536 goes.
var wild = []string{"Wild/0", "Wild/1", "Wild/2", "Wild/3", "Wild/4", "Wild/5"}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "zones")
	if err == nil {
		err = os.Mkdir(filepath.Join(dir, "Wild"), 0o755)
	}
	for i, name := range wild {
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), wildZone(rand.New(rand.NewPCG(uint64(i), 1))), 0o644)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Setenv("ZONEINFO", dir) // those that are not there are looked for elsewhere
	status := m.Run()
	os.RemoveAll(dir)
	os.Exit(status)
}

// wildZone is a file of version 1: changes, offsets and one abbreviation.
func wildZone(rng *rand.Rand) []byte {
	const kinds, changes = 40, 300
	b := append([]byte("TZif"), make([]byte, 16)...)
	for _, n := range []uint32{0, 0, 0, changes, kinds, 4} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	at := int64(-200_040)
	for range changes {
		switch {
		case at < 100_000: // many around the first of our times
			at += 60 * (1 + rng.Int64N(12*60))
		case rng.IntN(3) == 0:
			at += 60 * (1 + rng.Int64N(300*24*60))
		default:
			at += 60 * (1 + rng.Int64N(3*24*60))
		}
		b = binary.BigEndian.AppendUint32(b, uint32(at))
	}
	for range changes {
		b = append(b, byte(rng.IntN(kinds)))
	}
	for i := range kinds {
		offset := 60 * (rng.IntN(51*60) - 25*60 + 1)
		if i%4 != 0 {
			offset /= 25
			offset -= offset % 60
		}
		b = binary.BigEndian.AppendUint32(b, uint32(int32(offset)))
		b = append(b, 0, 0)
	}
	return append(b, "WLD\x00"...)
}
