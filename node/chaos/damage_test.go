//go:build linux

package chaos_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/node/natslog"
)

// A sample is a store that a life has left, and what is in it.
type sample struct {
	name string
	dir  string
	want string // as contents has it
}

// samples are stores of some hundred jobs: that of a life that was told to stop,
// and that of one that was killed, each with its log from the beginning, and with
// one that snapshots have replaced the beginning of.
func samples(t *testing.T) []sample {
	var all []sample
	for _, killed := range []bool{false, true} {
		for _, after := range []int64{1 << 30, snapshotAfter} {
			s := sample{name: fmt.Sprintf("killed %v, snapshot after %d", killed, after)}
			for {
				s.dir = filepath.Join(t.TempDir(), "log")
				tr := newTrial(t, "jobs", s.dir)
				tr.order.Keep, tr.order.SnapshotAfter = time.Hour, after
				lf := tr.begin(1000)
				lf.wait(t)
				if !killed {
					lf.dismiss(t)
					break
				}
				lf.kill()
				lf.mourn(t)
				stored, noted := ends(t, s.dir)
				if stored == noted {
					break
				}
				t.Logf("killed when record %d was stored and not yet acknowledged: another one", stored)
			}
			copied := filepath.Join(t.TempDir(), "log")
			copyDir(t, s.dir, copied)
			var err error
			if s.want, err = open(copied); err != nil {
				t.Fatal(err)
			}
			all = append(all, s)
		}
	}
	return all
}

// ends returns the last record of a store and the last one that its head knows of.
// They differ if the life was killed between storing a record and acknowledging it:
// that one nobody has been promised, and damage to it is not seen.
func ends(t *testing.T, dir string) (stored, noted uint64) {
	t.Helper()
	head, err := os.ReadFile(filepath.Join(dir, "head"))
	if err != nil {
		t.Fatal(err)
	}
	a, b := head[:128], head[4096:4096+128] // its two slots, of which the one written more often counts
	if binary.LittleEndian.Uint64(b[8:]) > binary.LittleEndian.Uint64(a[8:]) {
		a = b
	}
	copied := filepath.Join(t.TempDir(), "log")
	copyDir(t, dir, copied)
	l, err := natslog.Open(t.Context(), copied, natslog.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, stored, err = l.Bounds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return stored, binary.LittleEndian.Uint64(a[32:])
}

// errByLog is in an error of open if it was the log that refused.
var errByLog = errors.New("refused by the log")

// open opens the store in dir, owns it, and returns what is in it.
func open(dir string) (contents string, err error) {
	l, err := natslog.Open(context.Background(), dir, natslog.Config{Log: quiet})
	if err != nil {
		return "", fmt.Errorf("%w: %w", errByLog, err)
	}
	defer l.Close()
	return own(l)
}

// own opens an owner over l and returns what jobs there are.
func own(l job.Log) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	o, err := job.Open(ctx, l, job.Config{SnapshotAfter: 1 << 30, Log: quiet})
	if err != nil {
		return "", err
	}
	defer o.Close(ctx)
	var b strings.Builder
	counts, err := o.Client().Counts(ctx, "")
	if err != nil {
		return "", err
	}
	for id, left := job.ID(1), counts.Live()+counts.Done+counts.Dead+counts.Cancelled; left > 0; id++ {
		s, err := o.Client().Status(ctx, id)
		switch {
		case errors.Is(err, job.ErrNoJob) && id < 1<<20:
			continue
		case err != nil:
			return "", err
		}
		left--
		if s.State == job.Delayed {
			s.State = job.Ready // sooner or later, whenever this is
		}
		fmt.Fprint(&b, s.ID, s.State, s.Key, s.Attempt, s.Attempts, s.Entered.UnixMicro())
		for _, f := range s.Failures { // a takeover is one, at whatever time it is
			fmt.Fprint(&b, f.Epoch, f.Error)
		}
		fmt.Fprintln(&b)
	}
	if _, err := job.Enqueue(ctx, o.Client(), work, nil); err != nil {
		return "", fmt.Errorf("it takes no more: %w", err)
	}
	return b.String(), nil
}

// A blow is one damage to the files of a store.
type blow struct {
	name string
	do   func(dir string) error
}

// blows are damages to s, in the order of r.
func blows(t *testing.T, s sample, r *rand.Rand) []blow {
	var bs []blow
	add := func(what, name string, do func(path string) error) {
		bs = append(bs, blow{what + " " + name, func(dir string) error { return do(filepath.Join(dir, name)) }})
	}
	names, sizes := filesOf(t, s.dir)
	for i, name := range names {
		size := sizes[i]
		for range min(size, 12) {
			at, bit := r.Int64N(size), byte(1)<<r.IntN(8)
			add(fmt.Sprintf("bit %#x at %d of %d flipped in", bit, at, size), name, func(p string) error { return flip(p, at, bit) })
			to := r.Int64N(size)
			add(fmt.Sprintf("cut from %d to %d:", size, to), name, func(p string) error { return os.Truncate(p, to) })
			from, many := r.Int64N(size), r.Int64N(4096)
			add(fmt.Sprintf("%d bytes from %d of %d zeroed in", many, from, size), name, func(p string) error { return zero(p, from, many) })
			add(fmt.Sprintf("%d bytes from %d of %d doubled in", many, from, size), name, func(p string) error { return double(p, from, many) })
		}
		add("deleted", name, os.Remove)
		for j, other := range names {
			switch dir := filepath.Dir(name); {
			case j == i:
			case j > i:
				bs = append(bs, blow{"swapped " + name + " and " + other, func(dir string) error { return swap(filepath.Join(dir, name), filepath.Join(dir, other)) }})
				fallthrough
			case filepath.Dir(other) == dir:
				bs = append(bs, blow{"duplicated " + name + " over " + other, func(dir string) error { return copyFile(filepath.Join(dir, name), filepath.Join(dir, other)) }})
			}
		}
		if strings.HasSuffix(name, ".blk") {
			add("duplicated as the next", name, func(p string) error { return copyFile(p, filepath.Join(filepath.Dir(p), "1000.blk")) })
		}
	}
	bs = append(bs,
		blow{"the store deleted", func(dir string) error { return os.RemoveAll(filepath.Join(dir, "jetstream")) }},
		blow{"all but LOCK deleted", func(dir string) error {
			return errors.Join(os.RemoveAll(filepath.Join(dir, "jetstream")), os.Remove(filepath.Join(dir, "head")))
		}},
	)
	r.Shuffle(len(bs), func(i, j int) { bs[i], bs[j] = bs[j], bs[i] })
	return bs
}

func TestDamageIsRefusedSayingWhereOrHealedAndNeverSilent(t *testing.T) {
	all := samples(t)
	r := seeded(t)
	counts := map[string]int{}
	var todo [][]blow
	for _, s := range all {
		todo = append(todo, blows(t, s, r))
	}
	root := t.TempDir()
	for e := effort(80); e.more(); {
		i := e.rounds % len(all)
		s := all[i]
		if len(todo[i]) == 0 {
			todo[i] = blows(t, s, r)
		}
		b := todo[i][0]
		todo[i] = todo[i][1:]
		dir := filepath.Join(root, fmt.Sprint(e.rounds))
		copyDir(t, s.dir, dir)
		if err := b.do(dir); err != nil {
			t.Fatalf("%s: %v", b.name, err)
		}
		got, err := open(dir)
		switch {
		case err == nil && got == s.want:
			counts["whole"]++
		case err == nil:
			t.Errorf("%s, %s: it was silent: there are %d bytes to tell of the jobs, of %d", s.name, b.name, len(got), len(s.want))
		case fault.HintOf(err) == "" || fault.Retryable(err):
			t.Errorf("%s, %s: refused without a hint, or as worth trying again: %v", s.name, b.name, err)
		case errors.Is(err, errByLog) && !strings.Contains(err.Error(), dir):
			t.Errorf("%s, %s: the error does not say where: %v", s.name, b.name, err)
		case errors.Is(err, errByLog):
			counts["refused by the log"]++
		case !errors.Is(err, job.ErrDamaged) || !strings.Contains(err.Error(), "record"):
			t.Errorf("%s, %s: it is not job.ErrDamaged or does not say where: %v", s.name, b.name, err)
		default:
			counts["refused by the owner"]++
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	}
	t.Log(counts)
	if counts["whole"] == 0 || counts["refused by the log"] == 0 {
		t.Error("some kind of damage was not done")
	}
}

// A lying log is one whose records are changed when they are read, with
// checksums that fit: a store cannot tell.
type lyingLog struct {
	job.Log
	change func(seq uint64, rec []byte) []byte // nil drops it, and all that follow move up
}

func (l *lyingLog) Read(ctx context.Context, from uint64, f func(uint64, []byte) error) error {
	next := from
	return l.Log.Read(ctx, from, func(seq uint64, rec []byte) error {
		if rec = l.change(seq, bytes.Clone(rec)); rec == nil {
			return nil
		}
		next++
		return f(next-1, rec)
	})
}

// A told is the log of a sample, and its records as they are.
type told struct {
	sample
	log         *natslog.Log
	first, last uint64
	recs        [][]byte
}

func tell(t *testing.T, s sample) *told {
	t.Helper()
	l, err := natslog.Open(t.Context(), s.dir, natslog.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	x := &told{sample: s, log: l}
	if x.first, x.last, err = l.Bounds(t.Context()); err != nil {
		t.Fatal(err)
	}
	err = l.Read(t.Context(), x.first, func(_ uint64, rec []byte) error {
		x.recs = append(x.recs, rec)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func (x *told) rec(seq uint64) []byte { return x.recs[seq-x.first] }

// lie is some lie about x. It is never about what comes after the last record:
// that there was more, nothing that is left can tell.
func (x *told) lie(r *rand.Rand) (what string, change func(uint64, []byte) []byte) {
	at := x.first + r.Uint64N(x.last-x.first)
	lies := []struct {
		what   string
		change func(seq uint64, rec []byte) []byte
	}{
		{"a bit of %d is another", x.at(at, func(rec []byte) []byte { rec[r.IntN(len(rec))] ^= 1 << r.IntN(8); return rec })},
		{"%d is shorter", x.at(at, func(rec []byte) []byte { return rec[:r.IntN(len(rec))] })},
		{"%d is longer", x.at(at, func(rec []byte) []byte { return append(rec, rec[r.IntN(len(rec)):]...) })},
		{"%d is missing", x.at(at, func([]byte) []byte { return nil })},
		{"%d is there twice", x.at(at+1, func([]byte) []byte { return x.rec(at) })},
		{"%d and the next are swapped", func(seq uint64, rec []byte) []byte {
			switch seq {
			case at:
				return x.rec(at + 1)
			case at + 1:
				return x.rec(at)
			}
			return rec
		}},
	}
	l := lies[r.IntN(len(lies))]
	return fmt.Sprintf(l.what, at), l.change
}

// at changes one record.
func (x *told) at(at uint64, change func([]byte) []byte) func(uint64, []byte) []byte {
	return func(seq uint64, rec []byte) []byte {
		if seq == at {
			return change(rec)
		}
		return rec
	}
}

// What only an owner can see: its records say what comes before them.
func TestLogThatLiesIsFoundOutAndNotWrittenTo(t *testing.T) {
	var all []*told
	for _, s := range samples(t) {
		all = append(all, tell(t, s))
	}
	r := seeded(t)
	e := effort(100)
	for e.more() {
		x := all[e.rounds%len(all)]
		what, change := x.lie(r)
		_, err := own(&lyingLog{x.log, change})
		if !errors.Is(err, job.ErrDamaged) || !strings.Contains(err.Error(), "record") || fault.Retryable(err) || fault.HintOf(err) == "" {
			t.Errorf("%s, %d to %d, and %s: %v", x.name, x.first, x.last, what, err)
		}
		if f, l, err := x.log.Bounds(t.Context()); f != x.first || l != x.last || err != nil {
			t.Fatalf("the log was written to: it was %d to %d, and is %d to %d: %v", x.first, x.last, f, l, err)
		}
	}
	t.Log(e)
	for _, x := range all { // the control
		if got, err := own(x.log); err != nil || got != x.want {
			t.Errorf("%s: without a lie it is not as it was: %v", x.name, err)
		}
	}
}

func filesOf(t *testing.T, dir string) (names []string, sizes []int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		names, sizes = append(names, name), append(sizes, info.Size())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names, sizes
}

func flip(path string, at int64, bit byte) error {
	return edit(path, func(b []byte) []byte {
		b[at] ^= bit
		return b
	})
}

func zero(path string, from, many int64) error {
	return edit(path, func(b []byte) []byte {
		clear(b[from:min(from+many, int64(len(b)))])
		return b
	})
}

func double(path string, from, many int64) error {
	return edit(path, func(b []byte) []byte {
		to := min(from+many, int64(len(b)))
		return append(bytes.Clone(b[:to]), b[from:]...)
	})
}

func edit(path string, f func([]byte) []byte) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, f(b), 0o600)
}

func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o600)
}

func swap(a, b string) error {
	return errors.Join(os.Rename(a, a+"x"), os.Rename(b, a), os.Rename(a+"x", b))
}

func copyDir(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}
