package kernels

var inversions = []Kernel{
	{
		Bug: "cockroach#7504", Study: goBench, Class: Inversion,
		Story: "To release a lease locks the lease and then the cache of table names; to acquire one by name locks the cache and then the lease. " +
			"Fixed: the cache first in both.",
		Buggy: func(w World) {
			lease, cache := w.Mutex("LeaseState.mu"), w.Mutex("tableNameCache.mu")
			w.Go("AcquireByName", func(s Strand) { both(s, cache, lease) })
			w.Go("Release", func(s Strand) { both(s, lease, cache) })
		},
		Fixed: func(w World) {
			lease, cache := w.Mutex("LeaseState.mu"), w.Mutex("tableNameCache.mu")
			w.Go("AcquireByName", func(s Strand) { both(s, cache, lease) })
			w.Go("Release", func(s Strand) { both(s, cache, lease) })
		},
	},
	{
		Bug: "cockroach#10214", Study: goBench, Class: Inversion,
		Story: "Heartbeats are sent with the queue of them locked, and a replica that cannot be reached is locked to note that; its tick holds the replica and queues a heartbeat. " +
			"Fixed: who cannot be reached goes on a list with a lock of its own, which the next tick looks at.",
		Buggy: func(w World) {
			raft, coalesced := w.Mutex("Replica.raftMu"), w.Mutex("Store.coalescedMu")
			w.Go("sendQueuedHeartbeats", func(s Strand) { both(s, coalesced, raft) })
			w.Go("tick", func(s Strand) { both(s, raft, coalesced) })
		},
		Fixed: func(w World) {
			raft, coalesced := w.Mutex("Replica.raftMu"), w.Mutex("Store.coalescedMu")
			unreachables := w.Mutex("Replica.unreachablesMu")
			w.Go("sendQueuedHeartbeats", func(s Strand) {
				once(s, coalesced)
				once(s, unreachables)
			})
			w.Go("tick", func(s Strand) {
				raft.Lock(s)
				defer raft.Unlock(s)
				once(s, unreachables)
				once(s, coalesced)
			})
		},
	},
	{
		Bug: "hugo#3251", Study: goBench, Class: Inversion,
		Story: "A URL's mutex is looked up and locked with the map of them locked; who has it must read-lock the map to unlock it. " +
			"Fixed: the map is unlocked before the URL's mutex is locked.",
		Buggy: func(w World) { urlLocks(w, false) },
		Fixed: func(w World) { urlLocks(w, true) },
	},
	{
		Bug: "kubernetes#13135", Study: goBench, Class: Inversion,
		Story: "The cacher holds its lock while its reflector fills the watch cache, which locks that; an event locks the watch cache and then, to be delivered, the cacher. " +
			"Fixed: while it is being filled the cacher holds another lock, which no event needs.",
		Buggy: func(w World) {
			cacher, cache := w.RWMutex("Cacher"), w.RWMutex("watchCache")
			w.Go("startCaching", func(s Strand) { both(s, cacher, cache) })
			w.Go("processEvent", func(s Strand) { both(s, cache, cacher) })
		},
		Fixed: func(w World) {
			cacher, cache := w.RWMutex("Cacher"), w.RWMutex("watchCache")
			usable := w.RWMutex("Cacher.usable")
			w.Go("startCaching", func(s Strand) { both(s, usable, cache) })
			w.Go("processEvent", func(s Strand) { both(s, cache, cacher) })
		},
	},
	{
		Bug: "kubernetes#30872", Study: goBench, Class: Inversion,
		Story: "A cluster is added with the queue it comes from locked, and the informer is locked for it; whether all are in sync is asked with the informer locked, and the queue is locked to tell. Somebody wants to stop the informer, too. " +
			"Fixed: the informer is not locked to ask.",
		Buggy: func(w World) { federatedInformer(w, true) },
		Fixed: func(w World) { federatedInformer(w, false) },
	},
	{
		Bug: "moby#4951", Study: goBench, Class: Inversion,
		Story: "To delete a device locks the set and the device, and unlocks the set while the kernel works; to lock that again it holds the device, for which the next deletion waits with the set locked. " +
			"Fixed: the device first, the set always after it.",
		Buggy: func(w World) { deleteDevice(w, false) },
		Fixed: func(w World) { deleteDevice(w, true) },
	},
	{
		Bug: "boltdb@defdb74", Study: asplos, Class: Inversion,
		Story: "A transaction that reads takes the lock of the mapped file and then that of the meta pages; one that writes has the meta pages and, if the file grows, remaps it. " +
			"Fixed: readers take the meta pages first.",
		Buggy: func(w World) { boltTransactions(w, false) },
		Fixed: func(w World) { boltTransactions(w, true) },
	},
}

// both takes a, and b while it has a.
func both(s Strand, a, b Mutex) {
	a.Lock(s)
	defer a.Unlock(s)
	b.Lock(s)
	defer b.Unlock(s)
}

func urlLocks(w World, unlocksMap bool) {
	urls, url := w.RWMutex("remoteLock"), w.Mutex("remoteLock.m[url]")
	for _, name := range []string{"resGetRemote", "resGetRemote too"} {
		w.Go(name, func(s Strand) {
			urls.Lock(s)
			if unlocksMap {
				urls.Unlock(s)
			}
			url.Lock(s)
			if !unlocksMap {
				urls.Unlock(s)
			}
			urls.RLock(s)
			defer urls.RUnlock(s)
			url.Unlock(s)
		})
	}
}

func federatedInformer(w World, locksToAsk bool) {
	informer, queue := w.Mutex("federatedInformerImpl"), w.RWMutex("DeltaFIFO")
	w.Go("processLoop", func(s Strand) { both(s, queue, informer) })
	w.Go("ClustersSynced", func(s Strand) {
		if locksToAsk {
			both(s, informer, queue)
		} else {
			once(s, queue)
		}
	})
	w.Go("Stop", func(s Strand) { once(s, informer) })
}

func deleteDevice(w World, deviceFirst bool) {
	devices, info := w.Mutex("DeviceSet"), w.Mutex("DevInfo.lock")
	for _, name := range []string{"DeleteDevice", "DeleteDevice too"} {
		w.Go(name, func(s Strand) {
			first, second := devices, info
			if deviceFirst {
				first, second = info, devices
			}
			first.Lock(s)
			defer first.Unlock(s)
			second.Lock(s)
			defer second.Unlock(s)
			devices.Unlock(s) // removeDeviceAndWait
			devices.Lock(s)
		})
	}
}

func boltTransactions(w World, metaFirst bool) {
	meta, mapped := w.Mutex("metalock"), w.RWMutex("mmaplock")
	w.Go("beginTx", func(s Strand) {
		if metaFirst {
			meta.Lock(s)
			mapped.RLock(s)
		} else {
			mapped.RLock(s)
			meta.Lock(s)
		}
		meta.Unlock(s)
		mapped.RUnlock(s) // removeTx
	})
	w.Go("Commit", func(s Strand) { both(s, meta, mapped) })
}
