package lock_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

// rwModel is what an RWMutex is meant to be, one step at a time.
type rwModel struct {
	readers  []int // who read
	turn     int   // who writes, or will when the readers have left; -1 nobody
	toRead   []int // who wait to
	toWrite  []int
	finished map[int]bool // who have held it, or given up
}

func (m *rwModel) rlock(i int) {
	if m.turn >= 0 {
		m.toRead = append(m.toRead, i)
	} else {
		m.readers = append(m.readers, i)
	}
}

func (m *rwModel) lock(i int) {
	if m.turn >= 0 {
		m.toWrite = append(m.toWrite, i)
	} else {
		m.turn = i
	}
}

// end is what i does last: it unlocks, or gives up waiting.
func (m *rwModel) end(i int) {
	m.finished[i] = true
	isI := func(x int) bool { return x == i }
	m.readers = slices.DeleteFunc(m.readers, isI)
	m.toRead = slices.DeleteFunc(m.toRead, isI)
	m.toWrite = slices.DeleteFunc(m.toWrite, isI)
	if m.turn != i {
		return
	}
	m.readers, m.toRead, m.turn = append(m.readers, m.toRead...), nil, -1
	if len(m.toWrite) > 0 {
		m.turn, m.toWrite = m.toWrite[0], m.toWrite[1:]
	}
}

// holders are those who hold it, in order of their numbers.
func (m *rwModel) holders() []int {
	all := slices.Sorted(slices.Values(m.readers))
	if len(all) == 0 && m.turn >= 0 {
		return []int{m.turn}
	}
	return all
}

// waiting reports whether i is in a queue, or has the turn and waits.
func (m *rwModel) waiting(i int) bool {
	return !m.finished[i] && !slices.Contains(m.holders(), i)
}

// actor is one task of the real thing.
type actor struct {
	holds  bool
	over   bool
	err    error
	cancel context.CancelFunc
	unlock chan struct{}
}

// play lets so many steps, which bytes choose, happen to an RWMutex and to the
// model, and compares after each.
func play(t *testing.T, steps []byte) {
	synctest.Test(t, func(t *testing.T) {
		var l lock.RWMutex
		m := &rwModel{turn: -1, finished: make(map[int]bool)}
		var actors []*actor
		trace := ""
		err := scope.Run(t.Context(), func(ctx context.Context, s *scope.Scope) error {
			for _, b := range steps {
				verb, who := b>>6, int(b&63)
				if verb < 2 || len(actors) == 0 {
					trace += fmt.Sprintf(" %c%d", "rw"[verb&1], len(actors))
					a := &actor{unlock: make(chan struct{})}
					if verb&1 == 0 {
						m.rlock(len(actors))
						a.start(ctx, s, who, l.RLock)
					} else {
						m.lock(len(actors))
						a.start(ctx, s, who, l.Lock)
					}
					actors = append(actors, a)
				} else {
					i := who % len(actors)
					switch a := actors[i]; {
					case m.finished[i]:
						continue
					case m.waiting(i):
						trace += fmt.Sprintf(" give up %d", i)
						m.end(i)
						a.cancel()
					default:
						trace += fmt.Sprintf(" unlock %d", i)
						m.end(i)
						close(a.unlock)
					}
				}
				synctest.Wait()
				var holders []int
				for i, a := range actors {
					if a.holds {
						holders = append(holders, i)
					}
					if a.over != m.finished[i] {
						t.Errorf("after%s: %d is over %v, want %v, error %v", trace, i, a.over, m.finished[i], a.err)
					}
				}
				if want := m.holders(); !slices.Equal(holders, want) {
					t.Errorf("after%s: held by %v, want %v", trace, holders, want)
				}
				if t.Failed() {
					break
				}
			}
			for range actors { // let all go
				for i, a := range actors {
					if !m.finished[i] && a.holds {
						m.end(i)
						close(a.unlock)
						synctest.Wait()
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// start begins the task: it is a task of s, or every fifth an outside goroutine.
func (a *actor) start(ctx context.Context, s *scope.Scope, who int, take func(context.Context) (lock.Held, error)) {
	own, cancel := context.WithCancel(ctx)
	a.cancel = cancel
	live := func(ctx context.Context) {
		h, err := take(ctx)
		a.err = err
		if err == nil {
			a.holds = true
			<-a.unlock
			a.holds = false
			h.Unlock()
		}
		a.over = true
	}
	if who%5 == 4 {
		s.Go(func(context.Context) error { // joined, and yet outside: own is the body's
			live(own)
			return nil
		})
		return
	}
	s.Go(func(ctx context.Context) error {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		defer context.AfterFunc(own, stop)()
		live(ctx)
		return nil
	})
}

func TestAnRWMutexDoesWhatItsModelDoes(t *testing.T) {
	for seed := range uint64(amount(t, 300, "HEM_MODEL")) {
		r := rand.New(rand.NewPCG(seed, 51))
		steps := make([]byte, 60)
		for i := range steps {
			steps[i] = byte(r.Uint32())
		}
		if play(t, steps); t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func FuzzRWMutex(f *testing.F) {
	f.Add([]byte{0, 0, 64, 0, 129, 128})
	f.Add([]byte{64, 0, 0, 64, 0, 128, 131, 129})
	f.Fuzz(func(t *testing.T, steps []byte) {
		play(t, steps[:min(len(steps), 200)])
	})
}
