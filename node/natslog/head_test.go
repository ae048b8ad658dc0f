package natslog

import (
	"bytes"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
)

var quietLog = slog.New(slog.DiscardHandler)

// file is a head file with two slots.
func file(first, second head) []byte {
	b := make([]byte, headBytes)
	copy(b, first.encode())
	copy(b[slotAt:], second.encode())
	return b
}

func TestHeadIsTheNewerOfTwoSlotsAndTheOtherIfThatIsTorn(t *testing.T) {
	id := [16]byte{1, 2, 3}
	older := head{count: 7, id: id, live: true, last: 40, hash: [32]byte{4}, oldest: 3}
	newer := head{count: 8, id: id, live: true, last: 41, hash: [32]byte{5}, oldest: 3}
	for _, x := range []struct {
		name string
		file []byte
		want head
		slot int
		err  error
	}{
		{"newer second", file(older, newer), newer, 1, nil},
		{"newer first", file(newer, older), newer, 0, nil},
		{"newer torn", torn(file(older, newer), slotAt+20), older, 0, nil},
		{"older torn", torn(file(older, newer), 20), newer, 1, nil},
		{"both torn", torn(torn(file(older, newer), 20), slotAt+20), head{}, 0, errHeadDamaged},
		{"of two logs", file(older, head{count: 8, id: [16]byte{9}, oldest: 1}), head{}, 0, errHeadDamaged},
		{"short", file(older, newer)[:headBytes-1], head{}, 0, errHeadDamaged},
		{"long", append(file(older, newer), 0), head{}, 0, errHeadDamaged},
		{"empty", nil, head{}, 0, errHeadDamaged},
		{"newer version", Newer(file(older, newer)), head{}, 0, errHeadNewer},
	} {
		t.Run(x.name, func(t *testing.T) {
			got, slot, err := decodeHead(x.file)
			if got != x.want || slot != x.slot || !errors.Is(err, x.err) {
				t.Errorf("got %+v, slot %d, %v", got, slot, err)
			}
		})
	}
}

func torn(b []byte, at int) []byte { b[at] ^= 0x10; return b }

// H1, by looking at the file: what was synced stays until the next sync.
func TestHeadThatWasSyncedIsNotTouchedBeforeTheNextSync(t *testing.T) {
	dir := t.TempDir()
	if err := createHead(dir, head{oldest: 1}); err != nil {
		t.Fatal(err)
	}
	hf, err := openHead(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	defer hf.close()
	read := func() []byte {
		b := make([]byte, headBytes)
		if _, err := hf.f.ReadAt(b, 0); err != nil {
			t.Fatal(err)
		}
		return b
	}
	for seq := uint64(1); seq < 20; {
		synced := hf.slot ^ 1
		before := bytes.Clone(read()[synced*slotAt : synced*slotAt+slotBytes])
		for range 3 {
			if err := hf.stored(seq, [32]byte{byte(seq)}); err != nil {
				t.Fatal(err)
			}
			if got, _, err := decodeHead(read()); err != nil || got != hf.get() || got.last != seq {
				t.Fatalf("after %d: the file has %+v, %v", seq, got, err)
			}
			seq++
		}
		if after := read()[synced*slotAt : synced*slotAt+slotBytes]; !bytes.Equal(before, after) {
			t.Fatalf("before %d: the slot that was synced has been written", seq)
		}
		if err := hf.sync(); err != nil {
			t.Fatal(err)
		}
	}
}

// H2.
func TestHeadNeverFalls(t *testing.T) {
	dir := t.TempDir()
	if err := createHead(dir, head{oldest: 1}); err != nil {
		t.Fatal(err)
	}
	hf, err := openHead(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{hf.stored(9, [32]byte{9}), hf.stored(8, [32]byte{8}), hf.forget(5), hf.forget(4), hf.close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	hf, err = openHead(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	defer hf.close()
	if h := hf.get(); h.last != 9 || h.hash != [32]byte{9} || h.oldest != 5 {
		t.Errorf("got %+v", h)
	}
}

func TestCloseLeavesTheSameHeadTwice(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	l, err := Open(t.Context(), dir, Config{Log: quietLog})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Append(t.Context(), 0, []byte("one")); err != nil {
		t.Fatal(err)
	}
	l.Close()
	for slot := range 2 {
		hf, err := openHead(dir, false)
		if err != nil {
			t.Fatal(err)
		}
		if h := hf.get(); h.last != 1 || h.hash != hashOf([]byte("one")) {
			t.Errorf("without slot %d: got %+v", slot-1, h)
		}
		if _, err := hf.f.WriteAt(make([]byte, slotBytes), int64(slot)*slotAt); err != nil {
			t.Fatal(err)
		}
		hf.f.Close()
		if slot == 0 {
			continue
		}
		if _, err := openHead(dir, false); !errors.Is(err, errHeadDamaged) {
			t.Errorf("without both slots: got %v", err)
		}
	}
}

func FuzzHead(f *testing.F) {
	h := head{count: 7, id: [16]byte{1}, live: true, last: 40, hash: [32]byte{4}, oldest: 3}
	f.Add(h.encode(), h.encode())
	f.Add(Newer(file(h, h))[:slotBytes], h.encode())
	f.Add([]byte{}, make([]byte, slotBytes))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		b := make([]byte, headBytes)
		copy(b[:slotAt], first)
		copy(b[slotAt:], second)
		h, slot, err := decodeHead(b)
		if err != nil {
			if h != (head{}) {
				t.Errorf("%v comes with %+v", err, h)
			}
			return
		}
		if !bytes.Equal(h.encode(), b[slot*slotAt:slot*slotAt+slotBytes]) {
			t.Errorf("%+v is not what slot %d says", h, slot)
		}
	})
}
