package wire_test

import (
	"encoding/binary"
	"testing"

	"github.com/hemgo/hem/job/internal/state"
	"github.com/hemgo/hem/job/internal/wire"
)

// Else a job without a key would have two encodings: with no key, and with the key "".
func TestAFieldThatIsSaidToBeThereAndIsZeroIsRefused(t *testing.T) {
	for name, take := range map[string]func(f *wire.Fields){
		"spec": func(f *wire.Fields) { f.Spec(new(state.Spec)) },
		"info": func(f *wire.Fields) { f.Info(new(state.Info)) },
	} {
		f := wire.Put(nil)
		take(&f)
		plain := f.Bytes()
		plain = plain[:len(plain)-1] // without the mask
		whole := 0
		for bit := range 24 {
			b := binary.AppendUvarint(plain[:len(plain):len(plain)], 1<<bit)
			for range 4 { // as many zeros as any field has
				f := wire.Take(b, nil)
				if take(&f); f.Whole() {
					whole++
				}
				b = append(b, 0)
			}
		}
		// What is only true or false has nothing behind its bit.
		if want := map[string]int{"spec": 2, "info": 3}[name]; whole != want {
			t.Errorf("%s: %d encodings are taken, want %d", name, whole, want)
		}
	}
}
