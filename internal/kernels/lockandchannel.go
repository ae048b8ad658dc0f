package kernels

var locksAndChannels = []Kernel{
	{
		Bug: "etcd#7443", Study: goBench, Class: LockAndChannel,
		Story: "The balancer sends gRPC an address with its mutex held; gRPC takes it when it has torn an old connection down, of which it tells the balancer, which locks. Who wants to close the balancer waits, too. " +
			"Fixed: addresses are sent by a loop that holds no lock.",
		Buggy: func(w World) { simpleBalancer(w, true) },
		Fixed: func(w World) { simpleBalancer(w, false) },
	},
	{
		Bug: "etcd#7492", Study: goBench, Class: LockAndChannel,
		Story: "A simple token is handed to its keeper over a channel with the tokens locked, three at once; the keeper deletes an old one, for which it locks the tokens. " +
			"Fixed: no channel, but a mutex of the keeper's that all take first.",
		Buggy: func(w World) { tokenKeeper(w, false) },
		Fixed: func(w World) { tokenKeeper(w, true) },
	},
	{
		Bug: "grpc#1353", Study: goBench, Class: LockAndChannel,
		Story: "The round-robin balancer sends addresses with its mutex held; the watcher that receives them is tearing a connection down, under that one's mutex, and tells the balancer, which locks. " +
			"Fixed: the channel has room for one, and an old value is taken out first.",
		Buggy: func(w World) { roundRobin(w, true) },
		Fixed: func(w World) { roundRobin(w, false) },
	},
	{
		Bug: "grpc#1460", Study: goBench, Class: LockAndChannel,
		Story: "keepalive goes dormant with the transport's mutex held; the new stream that would awaken it locks the mutex first. " +
			"Fixed: it unlocks before it goes dormant.",
		Buggy: func(w World) { waitsForWhoLocks(w, "http2Client.mu", "keepalive", "NewStream", true) },
		Fixed: func(w World) { waitsForWhoLocks(w, "http2Client.mu", "keepalive", "NewStream", false) },
	},
	{
		Bug: "istio#16224", Study: goBench, Class: LockAndChannel,
		Story: "A config store's event handler sends on an unbuffered channel with a mutex held; the receiver locks the mutex before it receives. " +
			"Fixed: it sends when it has unlocked.",
		Buggy: func(w World) { waitsForWhoLocks(w, "lock", "event handler", "receiver", true) },
		Fixed: func(w World) { waitsForWhoLocks(w, "lock", "event handler", "receiver", false) },
	},
	{
		Bug: "kubernetes#1321", Study: goBench, Class: LockAndChannel,
		Story: "distribute sends to a watcher with the mux locked; a watcher that stops locks the mux to close the channel that is sent on. " +
			"Fixed: it first closes another, for which distribute listens, too.",
		Buggy: func(w World) { muxWatcher(w, false) },
		Fixed: func(w World) { muxWatcher(w, true) },
	},
	{
		Bug: "kubernetes#6632", Study: goBench, Class: LockAndChannel,
		Story: "WriteFrame sends on a full channel with the write lock held; the monitor needs that lock to close the channel. " +
			"Fixed: the monitor first starts somebody who drains it.",
		Buggy: func(w World) { idleFramer(w, false) },
		Fixed: func(w World) { idleFramer(w, true) },
	},
	{
		Bug: "kubernetes#10182", Study: goBench, Class: LockAndChannel,
		Story: "A pod's status is sent to the sync loop with the statuses locked; the loop, which deletes another, locks them before it receives again. " +
			"Fixed: it deletes in a goroutine.",
		Buggy: func(w World) { podStatuses(w, false) },
		Fixed: func(w World) { podStatuses(w, true) },
	},
	{
		Bug: "kubernetes#26980", Study: goBench, Class: LockAndChannel,
		Story: "pop waits with the listener locked for somebody to take a notification, who adds one first and locks for it. " +
			"Fixed: it unlocks before it waits.",
		Buggy: func(w World) { waitsForWhoLocks(w, "processorListener.lock", "pop", "add", true) },
		Fixed: func(w World) { waitsForWhoLocks(w, "processorListener.lock", "pop", "add", false) },
	},
	{
		Bug: "kubernetes#136509", Study: issue, Class: LockAndChannel,
		Story: "A resync is distributed with the listeners locked, to listeners that have not been started; who would start them waits for the lock. " +
			"Fixed: the lock is given up while waiting for them to be started.",
		Buggy: func(w World) { sharedProcessor(w, true) },
		Fixed: func(w World) { sharedProcessor(w, false) },
	},
	{
		Bug: "moby#28462", Study: goBench, Class: LockAndChannel,
		Story: "A container's state changes with the container locked, and the health monitor is sent a stop; the monitor handles a result, for which it locks the container, and does not listen. " +
			"Fixed: stop is a channel that is closed, which waits for nobody.",
		Buggy: func(w World) { healthMonitor(w, true) },
		Fixed: func(w World) { healthMonitor(w, false) },
	},
	{
		Bug: "serving#2137", Study: goBench, Class: LockAndChannel,
		Story: "A breaker's test holds two requests by their locks, lets the first go and waits for its answer; the breaker's only place is with the second. " +
			"Fixed: both are let go before either is waited for.",
		Buggy: func(w World) { breaker(w, false) },
		Fixed: func(w World) { breaker(w, true) },
	},
}

// waitsForWhoLocks is a strand that waits for another and holds what that needs
// or, fixed, does not.
func waitsForWhoLocks(w World, lock, waiter, locker string, holds bool) {
	mu := w.Mutex(lock)
	other := w.Go(locker, func(s Strand) { once(s, mu) })
	w.Go(waiter, func(s Strand) {
		mu.Lock(s)
		if holds {
			defer mu.Unlock(s)
		} else {
			mu.Unlock(s)
		}
		s.Wait(other)
	})
}

func simpleBalancer(w World, sendsLocked bool) {
	mu := w.Mutex("simpleBalancer.mu")
	watcher := w.Go("lbWatcher", func(s Strand) { once(s, mu) }) // down
	w.Go("Up", func(s Strand) {
		mu.Lock(s)
		defer mu.Unlock(s)
		if sendsLocked {
			s.Wait(watcher)
		}
	})
	if !sendsLocked {
		w.Go("updateNotifyLoop", func(s Strand) {
			once(s, mu)
			s.Wait(watcher)
		})
	}
	w.Go("Close", func(s Strand) { once(s, mu) })
}

func tokenKeeper(w World, byMutex bool) {
	tokens, keeperMu := w.RWMutex("simpleTokensMu"), w.Mutex("tokensMu")
	keeper := w.Go("keeper", func(s Strand) {
		if byMutex {
			both(s, keeperMu, tokens)
		} else {
			once(s, tokens) // deleteTokenFunc; then it receives
		}
	})
	for _, name := range []string{"Authenticate 1", "Authenticate 2", "Authenticate 3"} {
		w.Go(name, func(s Strand) {
			if byMutex {
				both(s, keeperMu, tokens)
				return
			}
			tokens.Lock(s)
			defer tokens.Unlock(s)
			s.Wait(keeper)
		})
	}
}

func roundRobin(w World, waits bool) {
	mu, conn := w.Mutex("roundRobin.mu"), w.Mutex("addrConn.mu")
	watcher := w.Go("lbWatcher", func(s Strand) { both(s, conn, mu) }) // tearDown
	w.Go("watchAddrUpdates", func(s Strand) {
		mu.Lock(s)
		defer mu.Unlock(s)
		if waits {
			s.Wait(watcher)
		}
	})
}

func muxWatcher(w World, stopsFirst bool) {
	mu := w.Mutex("Mux.lock")
	stopped := w.Go("Stop", func(s Strand) {
		if !stopsFirst {
			once(s, mu) // stopWatching
		}
	})
	w.Go("distribute", func(s Strand) {
		mu.Lock(s)
		defer mu.Unlock(s)
		s.Wait(stopped)
	})
	if stopsFirst {
		w.Go("stopWatching", func(s Strand) {
			s.Wait(stopped)
			once(s, mu)
		})
	}
}

func idleFramer(w World, drains bool) {
	mu := w.Mutex("writeLock")
	var drained Done
	if drains {
		drained = w.Go("drain", func(Strand) {})
	}
	monitor := w.Go("monitor", func(s Strand) { once(s, mu) })
	if !drains {
		drained = monitor
	}
	w.Go("WriteFrame", func(s Strand) {
		mu.Lock(s)
		defer mu.Unlock(s)
		s.Wait(drained)
	})
}

func podStatuses(w World, inGoroutine bool) {
	mu := w.RWMutex("podStatusesLock")
	loop := w.Go("syncBatch", func(s Strand) { // until it receives again
		if inGoroutine {
			w.Go("DeletePodStatus", func(s Strand) { once(s, mu) })
		} else {
			once(s, mu)
		}
	})
	for _, name := range []string{"SetPodStatus", "SetPodStatus too"} {
		w.Go(name, func(s Strand) {
			mu.Lock(s)
			defer mu.Unlock(s)
			s.Wait(loop)
		})
	}
}

func sharedProcessor(w World, holds bool) {
	mu := w.RWMutex("listenersLock")
	started := w.Go("run", func(s Strand) { request(s, mu) })
	w.Go("distribute", func(s Strand) {
		mu.Lock(s)
		if holds {
			s.Wait(started)
		} else {
			mu.Unlock(s)
			s.Wait(started)
			mu.Lock(s)
		}
		mu.Unlock(s)
	})
}

func healthMonitor(w World, sends bool) {
	mu := w.Mutex("Container")
	monitor := w.Go("monitor", func(s Strand) { once(s, mu) }) // handleProbeResult
	w.Go("StateChanged", func(s Strand) {
		mu.Lock(s)
		defer mu.Unlock(s)
		if sends {
			s.Wait(monitor)
		}
	})
}

func breaker(w World, letsGoBoth bool) {
	places := w.Semaphore("activeRequests", 1)
	first, second := w.Mutex("first request"), w.Mutex("second request")
	w.Go("test", func(s Strand) {
		request := func(name string, mu Mutex) Done {
			mu.Lock(s)
			return w.Go(name, func(s Strand) {
				places.With(s, 1, func() { once(s, mu) })
			})
		}
		one, two := request("request 1", first), request("request 2", second)
		first.Unlock(s)
		if letsGoBoth {
			second.Unlock(s)
		}
		s.Wait(one)
		if !letsGoBoth {
			second.Unlock(s)
		}
		s.Wait(two)
	})
}
