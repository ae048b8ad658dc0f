package main

import (
	"context"
	"io"
	"sync"

	"github.com/sasha-s/go-deadlock"
	"golang.org/x/sync/semaphore"

	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

// What a lock costs: one turn of the uncontended cases is a loop of one task
// that locks, adds one and unlocks; of the others, 16 tasks that do so. The
// graph is always on. go-deadlock is measured as it comes and, as "off", with
// Opts.Disable.
func init() {
	register(suite{name: "lock", cases: []trial{
		{name: "mutex-uncontended", ops: 1, per: "lock and unlock", sides: mutexes(alone, plainContext), owed: owed{"sync", 1.4}, also: owed{"go-deadlock", 0.05}},
		{name: "mutex-uncontended-wrapped", ops: 1, per: "lock and unlock", sides: mutexes(alone, wrappedContext), owed: owed{"sync", 1.9}},
		{name: "mutex-contended-16", ops: 1, per: "lock and unlock", sides: mutexes(sixteen, plainContext), owed: owed{"sync", 1.5}},
		{name: "rwmutex-read", ops: 1, per: "lock and unlock", sides: rwmutexes(alone, 0), owed: owed{"sync", 1.5}},
		{name: "rwmutex-read-16", ops: 1, per: "lock and unlock", sides: rwmutexes(sixteen, 0)},
		{name: "rwmutex-90-10", ops: 1, per: "lock and unlock", sides: rwmutexes(sixteen, 10)},
		{name: "semaphore", ops: 1, per: "acquire and release", sides: semaphores(alone, 1), owed: owed{"x/sync", 1.0}},
		{name: "semaphore-with", ops: 1, per: "call", sides: withUnits()},
		{name: "semaphore-contended", ops: 1, per: "acquire and release", sides: semaphores(sixteen, 4), owed: owed{"x/sync", 0.5}},
		{name: "guard-update", ops: 1, per: "update", sides: guarded()},
	}})
}

// A party is who uses a lock: so many at once, n times in all. use is given a
// context and how often.
type party func(n int, derive func(context.Context) context.Context, use func(ctx context.Context, n int))

func plainContext(ctx context.Context) context.Context { return ctx }

// wrappedContext is how contexts reach most locks: with a value or two on top.
func wrappedContext(ctx context.Context) context.Context {
	type key struct{}
	return context.WithValue(ctx, key{}, "request 7")
}

func alone(n int, derive func(context.Context) context.Context, use func(context.Context, int)) {
	must(scope.Run(context.Background(), func(_ context.Context, s *scope.Scope) error {
		s.Go(func(ctx context.Context) error {
			use(derive(ctx), n)
			return nil
		})
		return nil
	}))
}

func sixteen(n int, derive func(context.Context) context.Context, use func(context.Context, int)) {
	must(scope.Run(context.Background(), func(_ context.Context, s *scope.Scope) error {
		for i := range 16 {
			s.Go(func(ctx context.Context) error {
				use(derive(ctx), (n+i)/16)
				return nil
			})
		}
		return nil
	}))
}

// used is what the locks protect.
var used int

// keep uses what was read.
func keep(n int) {
	if n < 0 {
		panic("a count fell below zero")
	}
}

func mutexes(p party, derive func(context.Context) context.Context) []side {
	return []side{
		{"hem", func() (func(int), func()) {
			m := new(lock.Mutex)
			return func(n int) {
				p(n, derive, func(ctx context.Context, n int) {
					for range n {
						h, err := m.Lock(ctx)
						if err != nil {
							panic(err)
						}
						used++
						h.Unlock()
					}
				})
			}, func() {}
		}},
		{"sync", func() (func(int), func()) {
			m := new(sync.Mutex)
			return func(n int) {
				p(n, derive, func(_ context.Context, n int) {
					for range n {
						m.Lock()
						used++
						m.Unlock()
					}
				})
			}, func() {}
		}},
		deadlockMutex("go-deadlock", false, p, derive),
		deadlockMutex("go-deadlock off", true, p, derive),
	}
}

// deadlockMutex is go-deadlock's. Its options are the whole program's, and set for
// each turn.
func deadlockMutex(name string, off bool, p party, derive func(context.Context) context.Context) side {
	return side{name, func() (func(int), func()) {
		m := new(deadlock.Mutex)
		return func(n int) {
			deadlockOptions(off)
			p(n, derive, func(_ context.Context, n int) {
				for range n {
					m.Lock()
					used++
					m.Unlock()
				}
			})
		}, func() {}
	}}
}

func deadlockOptions(off bool) {
	deadlock.Opts.Disable = off
	deadlock.Opts.LogBuf = io.Discard
	deadlock.Opts.OnPotentialDeadlock = func() {}
}

// rwmutexes compares reading and, so many times in a hundred, writing.
func rwmutexes(p party, writes int) []side {
	return []side{
		{"hem", func() (func(int), func()) {
			l := new(lock.RWMutex)
			return func(n int) {
				p(n, plainContext, func(ctx context.Context, n int) {
					for i := range n {
						if i%100 < writes {
							h, err := l.Lock(ctx)
							if err != nil {
								panic(err)
							}
							used++
							h.Unlock()
						} else {
							h, err := l.RLock(ctx)
							if err != nil {
								panic(err)
							}
							n := used
							h.Unlock()
							keep(n)
						}
					}
				})
			}, func() {}
		}},
		{"sync", func() (func(int), func()) {
			l := new(sync.RWMutex)
			return func(n int) {
				p(n, plainContext, func(_ context.Context, n int) {
					for i := range n {
						if i%100 < writes {
							l.Lock()
							used++
							l.Unlock()
						} else {
							l.RLock()
							n := used
							l.RUnlock()
							keep(n)
						}
					}
				})
			}, func() {}
		}},
	}
}

func semaphores(p party, size int64) []side {
	return []side{
		{"hem", func() (func(int), func()) {
			s := lock.NewSemaphore(size)
			return func(n int) {
				p(n, plainContext, func(ctx context.Context, n int) {
					for range n {
						if err := s.Acquire(ctx, 1); err != nil {
							panic(err)
						}
						s.Release(1)
					}
				})
			}, func() {}
		}},
		{"x/sync", func() (func(int), func()) {
			s := semaphore.NewWeighted(size)
			return func(n int) {
				p(n, plainContext, func(ctx context.Context, n int) {
					for range n {
						if err := s.Acquire(ctx, 1); err != nil {
							panic(err)
						}
						s.Release(1)
					}
				})
			}, func() {}
		}},
	}
}

// withUnits compares units that have an owner with units that have none.
func withUnits() []side {
	s, rival := lock.NewSemaphore(1), semaphore.NewWeighted(1)
	return []side{
		plain("hem", func(n int) {
			alone(n, plainContext, func(ctx context.Context, n int) {
				for range n {
					must(s.With(ctx, 1, nopContext))
				}
			})
		}),
		plain("x/sync", func(n int) {
			alone(n, plainContext, func(ctx context.Context, n int) {
				for range n {
					must(rival.Acquire(ctx, 1))
					must(nopContext(ctx))
					rival.Release(1)
				}
			})
		}),
	}
}

func guarded() []side {
	g := lock.NewGuard(0)
	var m sync.Mutex
	add := func(n *int) error { *n++; return nil }
	return []side{
		plain("hem", func(n int) {
			alone(n, plainContext, func(ctx context.Context, n int) {
				for range n {
					must(g.Update(ctx, add))
				}
			})
		}),
		plain("sync", func(n int) {
			alone(n, plainContext, func(_ context.Context, n int) {
				for range n {
					m.Lock()
					must(add(&used))
					m.Unlock()
				}
			})
		}),
	}
}
