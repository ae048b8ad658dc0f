package job_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/task"
)

// changes lets the weather of s be another one again and again, until ctx ends. Then
// it is calm.
func (s *strait) changes(ctx context.Context, r *rand.Rand) {
	between := func(least, most time.Duration) time.Duration {
		return least + time.Duration(r.Int64N(int64(most-least)))
	}
	for ctx.Err() == nil {
		var w weather
		lasts := between(time.Second, 10*time.Second)
		switch r.IntN(9) {
		case 0, 7, 8:
			w.most, lasts = 50*time.Millisecond, between(5*time.Second, 30*time.Second)
		case 1:
			w.most, lasts = time.Second, between(time.Second, 20*time.Second)
		case 2: // longer than a beat, and than a ping
			w.least, w.most, lasts = time.Second, 4*time.Second, between(5*time.Second, 20*time.Second)
		case 3: // longer than a session
			w.least, w.most, lasts = 8*time.Second, 25*time.Second, between(5*time.Second, 30*time.Second)
		case 4:
			w.stuck[r.IntN(2)], lasts = true, between(time.Second, 25*time.Second)
		case 5:
			w.bytes, w.most = 2000, 20*time.Millisecond
			s.cut()
		case 6:
			s.cut()
		}
		s.turn(w)
		_ = scope.Sleep(ctx, lasts)
	}
	s.turn(weather{})
	s.cut()
}

// A watch sees everything that handlers do, as nobody can who is behind a
// connection.
type watch struct {
	t *testing.T

	mu      sync.Mutex
	running map[job.ID]int
	byKey   map[string]int
	begun   map[string]int  // by what it is
	had     map[string]bool // its result was told
	stopped map[fault.Kind]int
}

const mostOfKey = 2

// begin is for a handler that begins with what, and returns what it does when it
// ends. A key is a limit's, or none.
func (w *watch) begin(ctx context.Context, what, key string) (end func()) {
	token, _ := job.Token(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.had[what] {
		w.t.Errorf("%s begins again after its result was told", what)
	}
	w.begun[what]++
	if w.running[token.Job]++; w.running[token.Job] > 1 {
		w.t.Errorf("%s is worked on by two at %v", what, time.Now())
	}
	if w.byKey[key]++; key != "" && w.byKey[key] > mostOfKey {
		w.t.Errorf("%d of key %s are worked on", w.byKey[key], key)
	}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.running[token.Job]--
		w.byKey[key]--
		if ctx.Err() != nil {
			w.stopped[fault.KindOf(context.Cause(ctx))]++
		}
	}
}

func (w *watch) has(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.had[what] = true
}

// errand is what there is to do.
type errand struct {
	Name, Key string
	Takes     time.Duration
	Children  int
}

func nameOf(e errand) string { return e.Name }

func (w *watch) tasks() (plain, keyed, parent *task.Def[errand, string]) {
	does := func(ctx context.Context, e errand) (string, error) {
		defer w.begin(ctx, e.Name, e.Key)()
		if err := scope.Sleep(ctx, e.Takes); err != nil {
			return "", err
		}
		return e.Name, nil
	}
	plain = task.Define("plain", does)
	keyed = task.Define("keyed", does).Keyed(nameOf)
	parent = task.Define("parent", func(ctx context.Context, e errand) (string, error) {
		defer w.begin(ctx, e.Name, e.Key)()
		for i := range e.Children {
			child := errand{Name: fmt.Sprint(e.Name, "/", i), Takes: e.Takes}
			if _, err := keyed.Do(ctx, job.Current(ctx), child); err != nil {
				return "", err
			}
			w.has(child.Name)
		}
		return e.Name, nil
	})
	return plain, keyed, parent
}

// TestStormsOverTheStraitEndWithEverythingDoneOnce lets workers, producers and
// callers go on for some minutes over connections that are slow, stuck in one
// direction, and break in the middle of frames, while the owner is replaced. The
// watch says whether anything was done twice that must not be, or by two.
func TestStormsOverTheStraitEndWithEverythingDoneOnce(t *testing.T) {
	seeds := []uint64{1, 2, 3, 4, rand.Uint64()}
	if text := os.Getenv("HEM_STORM_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seeds = []uint64{seed}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("HEM_STORM_SEED=%d", seed), func(t *testing.T) {
			bubble(t, func(t *testing.T) { storm(t, seed) })
		})
	}
}

func storm(t *testing.T, seed uint64) {
	stream := uint64(0)
	dice := func() *rand.Rand {
		stream++
		return rand.New(rand.NewPCG(seed, stream))
	}
	const lasts = 4 * time.Minute
	m := jobtest.NewMemory()
	conf := job.Config{Limits: map[string]job.LimitConfig{"key": {Running: mostOfKey}}}
	conf.Log = quiet
	own := func() *job.Owner {
		o, err := job.Open(t.Context(), m, conf)
		if err != nil {
			t.Error(err)
		}
		return o
	}
	o := own()
	h := &host{owner: o}
	t.Cleanup(func() {
		shut(t, o)
		h.busy.Wait()
	})
	defer notForEver(time.Hour)()
	w := &watch{t: t, running: make(map[job.ID]int), byKey: make(map[string]int), begun: make(map[string]int),
		had: make(map[string]bool), stopped: make(map[fault.Kind]int)}
	plain, keyed, parent := w.tasks()

	ctx, calm := context.WithTimeout(t.Context(), lasts)
	defer calm()
	var all sync.WaitGroup
	connect := func() *job.Client {
		s := newStrait(h, dice())
		r := across(t, s)
		changes := dice()
		all.Go(func() { s.changes(ctx, changes) })
		return r.Client()
	}
	for range 3 {
		working(t, connect(), job.WorkerConfig{Tasks: []task.Task{plain, keyed, parent}, Slots: 6, Log: quiet})
	}
	replaces := dice()
	all.Go(func() { // the owner is replaced
		r := replaces
		for {
			if scope.Sleep(ctx, time.Duration(r.Int64N(int64(90*time.Second)))) != nil {
				return
			}
			h.move(nil)
			h.cut()
			shut(t, o)
			time.Sleep(time.Duration(r.Int64N(int64(12 * time.Second))))
			o = own()
			h.move(o)
		}
	})

	var mu sync.Mutex
	var handles []*job.Handle[string]
	for p := range 2 {
		c, r := connect().With(job.Attempts(1000), job.Backoff(0, 0)), dice()
		all.Go(func() { // enqueues
			for n := 0; scope.Sleep(ctx, time.Duration(r.Int64N(int64(4*time.Second)))) == nil; n++ {
				e := errand{Name: fmt.Sprint("enqueued-", p, "-", n), Key: fmt.Sprint(n % 3), Takes: time.Duration(r.Int64N(int64(8 * time.Second)))}
				def, view := plain, c.With(job.Limit("key", e.Key))
				if n%5 == 4 {
					def, view, e.Key, e.Children = parent, c, "", 4
				}
				h, err := job.Enqueue(t.Context(), view, def, e)
				if err != nil {
					t.Errorf("%s: %v", e.Name, err)
					continue
				}
				mu.Lock()
				handles = append(handles, h)
				mu.Unlock()
				all.Go(func() {
					if _, err := h.Wait(t.Context()); err == nil {
						w.has(e.Name)
					} else {
						t.Errorf("%s: %v", e.Name, err)
					}
				})
			}
		})
	}
	kinds := make(map[fault.Kind]int)
	for p := range 2 {
		c, r := connect(), dice()
		all.Go(func() { // calls
			for n := 0; scope.Sleep(ctx, time.Duration(r.Int64N(int64(3*time.Second)))) == nil; n++ {
				e := errand{Name: fmt.Sprint("called-", p, "-", n), Takes: time.Duration(r.Int64N(int64(10 * time.Second)))}
				def, patience := plain, time.Duration(r.Int64N(int64(40*time.Second)))
				if n%3 == 2 {
					def, e.Name = keyed, fmt.Sprint("keyed-", n)
				}
				all.Go(func() {
					ctx, leave := context.WithTimeoutCause(t.Context(), patience, errEnough)
					defer leave()
					began := time.Now()
					name, err := def.Do(ctx, c, e)
					if err == nil && name != e.Name {
						t.Errorf("%s returned %q", e.Name, name)
					}
					// A worker has 10 s to be there again, or the new owner's 10 s; and
					// the owner may be away for 12 s. A session that is heard now and
					// then keeps everybody waiting.
					if over := time.Since(began) - patience; over > time.Minute {
						t.Errorf("%s returned %v after it was to: %v", e.Name, over, err)
					}
					mu.Lock()
					kinds[fault.KindOf(err)]++
					mu.Unlock()
					switch fault.KindOf(err) {
					case fault.None, fault.Deadline, fault.Lost, fault.Cancelled:
					default:
						t.Errorf("%s: %v (%v)", e.Name, err, fault.KindOf(err))
					}
				})
			}
		})
	}
	<-ctx.Done()
	all.Wait()
	time.Sleep(30 * time.Second) // every worker has a session
	end := time.Now()
	for { // what nobody waits for any more
		c, err := o.Client().Counts(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		if c.Live() == 0 {
			break
		}
		if time.Since(end) > 5*time.Minute {
			t.Fatalf("there are %+v", c)
		}
		time.Sleep(time.Second)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	again := 0
	for what, n := range w.begun {
		if n > 1 {
			if len(what) > 6 && what[:6] == "called" {
				t.Errorf("%s, which is attached, began %d times", what, n)
			}
			again++
		}
	}
	if len(w.begun) == 0 || w.stopped[fault.Fenced] == 0 || kinds[fault.Lost] == 0 {
		t.Error("it was too calm")
	}
	t.Logf("%d enqueued; calls: %v; %d began, %d of them again; handlers were stopped: %v", len(handles), kinds, len(w.begun), again, w.stopped)
	if errors.Is(ctx.Err(), context.Canceled) {
		t.Error(ctx.Err())
	}
}
