package kernels

var locksAndWaits = []Kernel{
	{
		Bug: "cockroach#1055", Study: goBench, Class: LockAndWait,
		Story: "Stop holds the stopper's mutex while it waits for the WaitGroup of its workers; a worker calls StartTask, which takes the mutex. " +
			"Fixed: Stop waits when it has unlocked.",
		Buggy: func(w World) { stopper(w, "Stopper.mu", "Stop", "worker", false) },
		Fixed: func(w World) { stopper(w, "Stopper.mu", "Stop", "worker", true) },
	},
	{
		Bug: "neilotoole/errgroup#6", Study: issue, Class: LockAndWait,
		Story: "Wait holds the group's mutex while it waits for its goroutines, one of which starts another by Go, which takes the mutex. " +
			"Fixed: Wait waits when it has unlocked.",
		Buggy: func(w World) { growingGroup(w, false) },
		Fixed: func(w World) { growingGroup(w, true) },
	},
	{
		Bug: "etcd#6873", Study: goBench, Class: LockAndWait,
		Story: "To stop the watch broadcasts locks them, closes the channel of updates and waits for the loop's end, which locks them to coalesce what it has got. " +
			"Fixed: it waits when it has unlocked.",
		Buggy: func(w World) { watchBroadcasts(w, false) },
		Fixed: func(w World) { watchBroadcasts(w, true) },
	},
	{
		Bug: "etcd#7902", Study: goBench, Class: LockAndWait,
		Story: "Election clients release under the test's mutex. A follower waits there for the leader, which needs the mutex to release. " +
			"Fixed: no mutex around release.",
		Buggy: func(w World) { election(w, true) },
		Fixed: func(w World) { election(w, false) },
	},
}

func stopper(w World, lock, stop, worker string, waitsUnlocked bool) {
	mu := w.Mutex(lock)
	w.Go(stop, func(s Strand) {
		s.Join(func(w World) {
			w.Go(worker, func(s Strand) { once(s, mu) }) // StartTask
			mu.Lock(s)
			if waitsUnlocked {
				mu.Unlock(s)
			}
		})
		if !waitsUnlocked {
			mu.Unlock(s)
		}
	})
}

func growingGroup(w World, waitsUnlocked bool) {
	mu := w.Mutex("Group.mu")
	w.Go("main", func(s Strand) {
		s.Join(func(w World) {
			once(s, mu) // Go
			w.Go("goroutine A", func(s Strand) {
				mu.Lock(s) // Go
				defer mu.Unlock(s)
				w.Go("worker", func(Strand) {})
			})
			mu.Lock(s) // Wait
			if waitsUnlocked {
				mu.Unlock(s)
			}
		})
		if !waitsUnlocked {
			mu.Unlock(s)
		}
	})
}

func watchBroadcasts(w World, waitsUnlocked bool) {
	mu := w.Mutex("watchBroadcasts.mu")
	loop := w.Go("coalesce loop", func(s Strand) { once(s, mu) })
	w.Go("stop", func(s Strand) {
		mu.Lock(s)
		if waitsUnlocked {
			mu.Unlock(s)
		} else {
			defer mu.Unlock(s)
		}
		s.Wait(loop)
	})
}

func election(w World, locksToRelease bool) {
	mu := w.Mutex("mu")
	client := func(s Strand, release func()) {
		once(s, mu) // validate
		if locksToRelease {
			mu.Lock(s)
			defer mu.Unlock(s)
		}
		release()
	}
	leader := w.Go("leader", func(s Strand) { client(s, func() {}) })
	for _, name := range []string{"follower", "follower too"} {
		w.Go(name, func(s Strand) { client(s, func() { s.Wait(leader) }) })
	}
}
