package jobtest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hemgo/hem/job"
)

// A Memory is a [job.Log] that keeps its records in memory, and fails when and
// how a test says: see [Memory.Faults], [Memory.Crash] and [Memory.Flip]. Left
// alone, it is a Log like any other.
//
// It is stricter than it must be where that finds mistakes: what a Read has
// passed to its function is overwritten as soon as that returns.
type Memory struct {
	consult sync.Mutex // held while faults runs, and never together with mu

	mu      sync.Mutex
	idle    sync.Cond // calls is 0
	calls   int       // under way
	closed  bool
	crashed chan struct{} // closed by Crash
	faults  func(Op) Fault
	store   store
	counts  Counts
}

var _ job.Log = (*Memory)(nil)

// NewMemory returns a new log, which has no faults. What waits because of a
// fault waits in virtual time if NewMemory was called in a bubble of
// testing/synctest.
func NewMemory() *Memory {
	return remember(store{first: 1})
}

func remember(s store) *Memory {
	m := &Memory{store: s, crashed: make(chan struct{})}
	m.idle.L = &m.mu
	return m
}

// Append is [job.Log.Append].
func (m *Memory) Append(ctx context.Context, after uint64, rec []byte) error {
	if err := m.append(ctx, after, rec); err != nil {
		return fmt.Errorf("jobtest: append after record %d: %w", after, err)
	}
	return nil
}

func (m *Memory) append(ctx context.Context, after uint64, rec []byte) error {
	f, err := m.enter(Op{Verb: Append, Seq: after + 1, Bytes: len(rec)})
	if err != nil {
		return err
	}
	defer m.leave()
	if len(rec) == 0 || len(rec) > job.MaxRecord {
		return fmt.Errorf("%w: it has %d bytes, at most %d are possible", job.ErrTooLarge, len(rec), job.MaxRecord)
	}
	if err := m.sleep(ctx, f.Wait); err != nil {
		return m.unknown(err)
	}
	answer := m.take(after, slices.Clone(rec), f)
	if err := m.sleep(ctx, f.Lag); err != nil {
		return m.unknown(err)
	}
	if answer != nil {
		return answer
	}
	return m.acknowledge(after + 1)
}

// take does to rec what f says, and returns what an Append is answered.
func (m *Memory) take(after uint64, rec []byte, f Fault) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.hasCrashedLocked() {
		return m.unknownLocked(job.ErrClosed)
	}
	m.landSoonLocked()
	switch {
	case f.Err != nil:
		return f.Err
	case f.Lose == Never:
	case f.Lose == Stored:
		m.storeLocked(after, rec) // what it is refused for is lost as well
	case f.Lose == Soon || f.Lose == Later:
		m.postponeLocked(after, rec, f.Lose)
	default:
		return m.storeLocked(after, rec)
	}
	return m.unknownLocked(errLost)
}

// storeLocked stores rec unless something speaks against it.
func (m *Memory) storeLocked(after uint64, rec []byte) error {
	err := m.store.append(after, rec)
	if err == nil {
		m.counts.Stored++
	} else {
		m.counts.Refused++
	}
	return err
}

// acknowledge makes sure of record seq, which was stored.
func (m *Memory) acknowledge(seq uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.hasCrashedLocked() {
		return m.unknownLocked(job.ErrClosed)
	}
	m.store.sure = max(m.store.sure, seq)
	m.counts.Acknowledged++
	return nil
}

// Read is [job.Log.Read].
func (m *Memory) Read(ctx context.Context, from uint64, f func(seq uint64, rec []byte) error) error {
	untouched, err := m.read(ctx, from, f)
	if err != nil {
		return fmt.Errorf("jobtest: read from record %d: %w", from, err)
	}
	return untouched
}

// read returns f's error apart from its own.
func (m *Memory) read(ctx context.Context, from uint64, f func(uint64, []byte) error) (untouched, err error) {
	fault, err := m.enter(Op{Verb: Read, Seq: from})
	if err != nil {
		return nil, err
	}
	defer m.leave()
	if err := m.sleep(ctx, fault.Wait); err != nil {
		return nil, err
	}
	last, err := m.span(from, fault)
	if err != nil {
		return nil, err
	}
	var rec []byte
	for seq := from; seq <= last; seq++ {
		if err := m.sleep(ctx, 0); err != nil {
			return nil, err
		}
		if rec, err = m.show(seq, rec); err != nil {
			return nil, err
		}
		if err := f(seq, rec[:len(rec):len(rec)]); err != nil {
			return err, nil
		}
		overwrite(rec)
	}
	if fault.Err != nil {
		return nil, fault.Err
	}
	return nil, m.sleep(ctx, fault.Lag)
}

// span returns the last record that a Read from from is to show.
func (m *Memory) span(from uint64, f Fault) (last uint64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	last, err = m.store.span(from)
	if err != nil {
		return 0, err
	}
	last = max(last-min(last, f.Stale), from-1)
	if f.Err != nil {
		last = min(last, from-1+f.Steps)
	}
	return last, nil
}

// show copies record seq into rec.
func (m *Memory) show(seq uint64, rec []byte) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.hasCrashedLocked() {
		return nil, job.ErrClosed
	}
	kept, err := m.store.read(seq)
	return append(rec[:0], kept...), err
}

// overwrite makes rec useless to whoever has kept it.
func overwrite(rec []byte) {
	for i := range rec {
		rec[i] = 0xdb
	}
}

// Bounds is [job.Log.Bounds].
func (m *Memory) Bounds(ctx context.Context) (first, last uint64, err error) {
	f, err := m.enter(Op{Verb: Bounds})
	if err == nil {
		defer m.leave()
		err = m.sleep(ctx, f.Wait+f.Lag)
	}
	if err == nil {
		err = f.Err
	}
	if err != nil {
		return 0, 0, fmt.Errorf("jobtest: bounds: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	first = max(m.store.first-min(m.store.first, f.Stale), 1)
	last = max(m.store.head-min(m.store.head, f.Stale), first-1)
	return first, last, nil
}

// Trim is [job.Log.Trim].
func (m *Memory) Trim(ctx context.Context, before uint64) error {
	if err := m.trim(ctx, before); err != nil {
		return fmt.Errorf("jobtest: trim before record %d: %w", before, err)
	}
	return nil
}

func (m *Memory) trim(ctx context.Context, before uint64) error {
	f, err := m.enter(Op{Verb: Trim, Seq: before})
	if err != nil {
		return err
	}
	defer m.leave()
	if err := m.sleep(ctx, f.Wait); err != nil {
		return err
	}
	if err := m.forget(before, f); err != nil {
		return err
	}
	return m.sleep(ctx, f.Lag)
}

func (m *Memory) forget(before uint64, f Fault) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.hasCrashedLocked() {
		return job.ErrClosed
	}
	if f.Err == nil {
		return m.store.trim(before, before)
	}
	_ = m.store.trim(before, f.Steps) // its own refusal does not matter beside the fault's
	return f.Err
}

// Close is [job.Log.Close].
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	for m.calls > 0 {
		m.idle.Wait()
	}
	return nil
}

// enter begins a call, and says what befalls it.
func (m *Memory) enter(op Op) (Fault, error) {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return Fault{}, job.ErrClosed
	}
	m.calls++
	op.N = m.counts.begin(op.Verb)
	faults := m.faults
	m.mu.Unlock()
	if faults == nil {
		return Fault{}, nil
	}
	return m.ask(faults, op), nil
}

// leave ends a call.
func (m *Memory) leave() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.calls--; m.calls == 0 {
		m.idle.Broadcast()
	}
}

// sleep waits for d, unless ctx or the log ends first.
func (m *Memory) sleep(ctx context.Context, d time.Duration) error {
	if d > 0 && ctx.Err() == nil {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
		case <-m.crashed:
		}
	}
	if m.hasCrashed() {
		return job.ErrClosed
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}
