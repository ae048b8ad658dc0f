package kernels

import "sync/atomic"

var doubleLocks = []Kernel{
	{
		Bug: "cockroach#584", Study: goBench, Class: DoubleLock,
		Story: "Gossip's bootstrap loop breaks out while it holds the mutex, and manage locks it again. " +
			"Fixed: it unlocks before the break.",
		Buggy: func(w World) { gossip(w, false) },
		Fixed: func(w World) { gossip(w, true) },
	},
	{
		Bug: "cockroach#9935", Study: goBench, Class: DoubleLock,
		Story: "The logger cannot create its file, and exits by a function that takes the mutex it holds. " +
			"Fixed: it unlocks before it exits.",
		Buggy: func(w World) { logger(w, false) },
		Fixed: func(w World) { logger(w, true) },
	},
	{
		Bug: "etcd#5509", Study: goBench, Class: DoubleLock,
		Story: "acquire returns an error with the client's read lock held, and Close waits for ever. " +
			"Fixed: it unlocks on that path too.",
		Buggy: func(w World) { remoteClient(w, false) },
		Fixed: func(w World) { remoteClient(w, true) },
	},
	{
		Bug: "etcd#6708", Study: goBench, Class: DoubleLock,
		Story: "Sync holds the client's lock while it picks the leader's endpoint, by a request for which the client is read-locked. " +
			"Fixed: the leader is asked for before the lock is taken.",
		Buggy: func(w World) {
			mu := w.RWMutex("httpClusterClient")
			w.Go("Sync", func(s Strand) {
				mu.Lock(s)
				defer mu.Unlock(s)
				request(s, mu)
			})
		},
		Fixed: func(w World) {
			mu := w.RWMutex("httpClusterClient")
			w.Go("Sync", func(s Strand) {
				request(s, mu)
				mu.Lock(s)
				defer mu.Unlock(s)
			})
		},
	},
	{
		Bug: "etcd#10492", Study: goBench, Class: DoubleLock,
		Story: "Renew holds the lessor's lock and calls the checkpointer, which locks the lessor. " +
			"Fixed: it unlocks for the call.",
		Buggy: func(w World) {
			mu := w.RWMutex("lessor.mu")
			w.Go("Renew", func(s Strand) {
				mu.Lock(s)
				defer mu.Unlock(s)
				once(s, mu) // Checkpoint
			})
		},
		Fixed: func(w World) {
			mu := w.RWMutex("lessor.mu")
			w.Go("Renew", func(s Strand) {
				mu.Lock(s)
				mu.Unlock(s)
				once(s, mu)
				mu.Lock(s)
				mu.Unlock(s)
			})
		},
	},
	{
		Bug: "grpc#795", Study: goBench, Class: DoubleLock,
		Story: "GracefulStop returns without unlocking, and is called twice. " +
			"Fixed: a deferred unlock.",
		Buggy: func(w World) { gracefulStop(w, false) },
		Fixed: func(w World) { gracefulStop(w, true) },
	},
	{
		Bug: "grpc#3017", Study: goBench, Class: DoubleLock,
		Story: "The timer that deletes a cached connection finds that it was used again meanwhile, and returns with the cache locked. " +
			"Fixed: it unlocks on that path too.",
		Buggy: func(w World) { connCache(w, false) },
		Fixed: func(w World) { connCache(w, true) },
	},
	{
		Bug: "hugo#5379", Study: goBench, Class: DoubleLock,
		Story: "A page's content is initialised under a mutex by rendering its shortcodes, one of which asks for the page's word count, which initialises the content. " +
			"Fixed: shortcodes get a page without content, which has nothing to initialise.",
		Buggy: func(w World) {
			mu := w.Mutex("contentInitMu")
			w.Go("initContent", func(s Strand) {
				mu.Lock(s)
				defer mu.Unlock(s)
				once(s, mu) // WordCount
			})
		},
		Fixed: func(w World) {
			mu := w.Mutex("contentInitMu")
			w.Go("initContent", func(s Strand) {
				mu.Lock(s)
				defer mu.Unlock(s)
			})
		},
	},
	{
		Bug: "moby#7559", Study: goBench, Class: DoubleLock,
		Story: "The UDP proxy cannot dial a backend, continues its loop with the table of connections locked, and locks it again. " +
			"Fixed: it unlocks before it continues.",
		Buggy: func(w World) { udpProxy(w, false) },
		Fixed: func(w World) { udpProxy(w, true) },
	},
	{
		Bug: "moby#17176", Study: goBench, Class: DoubleLock,
		Story: "If there are no deleted devices their clean-up returns with the device set locked; the test that found it waits for somebody who locks it. " +
			"Fixed: it unlocks before it returns.",
		Buggy: func(w World) { cleanUpDevices(w, false) },
		Fixed: func(w World) { cleanUpDevices(w, true) },
	},
	{
		Bug: "moby#36114", Study: goBench, Class: DoubleLock,
		Story: "To add disks to a service VM takes its lock; if that fails they are removed, which takes it too. " +
			"Fixed: they are removed by a function that expects the lock to be held.",
		Buggy: func(w World) {
			mu := w.Mutex("serviceVM")
			w.Go("hotAddVHDsAtStart", func(s Strand) {
				mu.Lock(s)
				defer mu.Unlock(s)
				once(s, mu) // hotRemoveVHDsAtStart
			})
		},
		Fixed: func(w World) {
			mu := w.Mutex("serviceVM")
			w.Go("hotAddVHDsAtStart", func(s Strand) {
				mu.Lock(s)
				defer mu.Unlock(s)
			})
		},
	},
	{
		Bug: "syncthing#4829", Study: goBench, Class: DoubleLock,
		Story: "A mapping clears its addresses under its lock, and notifies its subscribers, whose list it read-locks. " +
			"Fixed: it notifies when it has unlocked.",
		Buggy: func(w World) { clearAddresses(w, false) },
		Fixed: func(w World) { clearAddresses(w, true) },
	},
	{
		Bug: "docker@0d9e543", Study: asplos, Class: DoubleLock,
		Story: "A container that does not stop in time is killed by the exported Kill, which takes the lock that Stop holds. " +
			"Fixed: by the unexported kill, which does not.",
		Buggy: func(w World) {
			mu := w.Mutex("container.state")
			w.Go("Stop", func(s Strand) {
				mu.Lock(s)
				defer mu.Unlock(s)
				once(s, mu) // Kill
			})
			w.Go("Stop again", func(s Strand) { once(s, mu) })
		},
		Fixed: func(w World) {
			mu := w.Mutex("container.state")
			w.Go("Stop", func(s Strand) {
				mu.Lock(s)
				defer mu.Unlock(s)
			})
			w.Go("Stop again", func(s Strand) { once(s, mu) })
		},
	},
	{
		Bug: "tektoncd/pipelines-as-code#2173", Study: issue, Class: DoubleLock,
		Story: "tryAcquire of a run's place locks and calls acquire, which locks. " +
			"Fixed: it does itself what acquire does.",
		Buggy: func(w World) {
			mu := w.Mutex("prioritySemaphore.lock")
			w.Go("tryAcquire", func(s Strand) {
				mu.Lock(s)
				defer mu.Unlock(s)
				once(s, mu) // acquire
			})
		},
		Fixed: func(w World) {
			mu := w.Mutex("prioritySemaphore.lock")
			w.Go("tryAcquire", func(s Strand) {
				mu.Lock(s)
				defer mu.Unlock(s)
			})
		},
	},
}

// once is what many functions do with a mutex.
func once(s Strand, mu Mutex) {
	mu.Lock(s)
	mu.Unlock(s)
}

// request is a read of what mu protects.
func request(s Strand, mu RWMutex) {
	mu.RLock(s)
	mu.RUnlock(s)
}

func gossip(w World, unlocks bool) {
	mu := w.Mutex("Gossip.mu")
	w.Go("start", func(s Strand) {
		for range 2 { // bootstrap, manage: the gossip is closed
			mu.Lock(s)
			if unlocks {
				mu.Unlock(s)
			}
		}
	})
}

func logger(w World, unlocks bool) {
	mu := w.Mutex("loggingT.mu")
	w.Go("outputLogEntry", func(s Strand) {
		mu.Lock(s)
		if unlocks {
			mu.Unlock(s)
		} else {
			defer mu.Unlock(s)
		}
		once(s, mu) // exit
	})
}

func remoteClient(w World, unlocks bool) {
	mu := w.RWMutex("simpleClient.mu")
	w.Go("acquire", func(s Strand) {
		mu.RLock(s)
		if unlocks {
			mu.RUnlock(s)
		}
	})
	w.Go("Close", func(s Strand) { once(s, mu) })
}

func gracefulStop(w World, unlocks bool) {
	mu := w.Mutex("Server.mu")
	w.Go("Serve", func(s Strand) { once(s, mu) })
	w.Go("test", func(s Strand) {
		for range 2 { // GracefulStop
			mu.Lock(s)
			if unlocks {
				mu.Unlock(s)
			}
		}
	})
}

func connCache(w World, unlocks bool) {
	mu := w.Mutex("lbCacheClientConn.mu")
	var fired, abort atomic.Bool
	w.Go("balancer", func(s Strand) {
		mu.Lock(s) // RemoveSubConn
		w.Go("timer", func(s Strand) {
			fired.Store(true)
			mu.Lock(s)
			if abort.Load() && !unlocks {
				return
			}
			mu.Unlock(s)
		})
		mu.Unlock(s)
		mu.Lock(s) // NewSubConn: too late to stop the timer
		abort.Store(fired.Load())
		mu.Unlock(s)
		once(s, mu) // RemoveSubConn
	})
}

func udpProxy(w World, unlocks bool) {
	mu := w.Mutex("connTrackLock")
	w.Go("Run", func(s Strand) {
		for dialled := range 2 {
			mu.Lock(s)
			if dialled == 0 && !unlocks {
				continue
			}
			mu.Unlock(s)
		}
	})
}

func cleanUpDevices(w World, unlocks bool) {
	mu := w.Mutex("DeviceSet")
	w.Go("test", func(s Strand) {
		mu.Lock(s) // cleanupDeletedDevices
		if unlocks {
			mu.Unlock(s)
		}
		s.Wait(w.Go("locker", func(s Strand) { once(s, mu) }))
	})
}

func clearAddresses(w World, notifiesLater bool) {
	mu := w.RWMutex("Mapping.mut")
	service := w.RWMutex("Service.mut")
	w.Go("RemoveMapping", func(s Strand) {
		service.Lock(s)
		defer service.Unlock(s)
		mu.Lock(s)
		if notifiesLater {
			mu.Unlock(s)
		} else {
			defer mu.Unlock(s)
		}
		request(s, mu) // notify
	})
}
