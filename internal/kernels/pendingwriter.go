package kernels

var pendingWriters = []Kernel{
	{
		Bug: "cockroach#3710", Study: goBench, Class: PendingWriter,
		Story: "The store is read-locked to scan its raft logs, and read-locked again down the call chain to ask for a raft status; processRaft wants to write in between. " +
			"Fixed: the scan is done when the replicas have been listed and the lock is free.",
		Buggy: func(w World) { readsTwice(w, "Store.mu", "ForceRaftLogScanAndProcess", "processRaft") },
		Fixed: func(w World) { readsInTurn(w, "Store.mu", "ForceRaftLogScanAndProcess", "processRaft") },
	},
	{
		Bug: "cockroach#6181", Study: goBench, Class: PendingWriter,
		Story: "A look-up prints the cache of range descriptors with the cache read-locked, and its String method read-locks it; other look-ups write. " +
			"Fixed: the cache is printed when it is not locked.",
		Buggy: func(w World) { lookUpRanges(w, true) },
		Fixed: func(w World) { lookUpRanges(w, false) },
	},
	{
		Bug: "cockroach#16167", Study: goBench, Class: PendingWriter,
		Story: "A statement is executed under the condition's lock, which is the read lock of the system configuration, and prepares another, which read-locks it by its own name; an update wants to write in between. " +
			"Fixed: a statement is not executed under that lock.",
		Buggy: func(w World) { readsTwice(w, "systemConfigMu", "execParsed", "updateSystemConfig") },
		Fixed: func(w World) { readsInTurn(w, "systemConfigMu", "execParsed", "updateSystemConfig") },
	},
	{
		Bug: "kubernetes#62464", Study: goBench, Class: PendingWriter,
		Story: "GetCPUSetOrDefault read-locks the state and calls GetCPUSet, which does too; a container is removed in between. " +
			"Fixed: it calls what does not lock.",
		Buggy: func(w World) { readsTwice(w, "stateMemory", "GetCPUSetOrDefault", "RemoveContainer") },
		Fixed: func(w World) { readsInTurn(w, "stateMemory", "GetCPUSetOrDefault", "RemoveContainer") },
	},
	{
		Bug: "kubernetes#58107", Study: goBench, Class: PendingWriter,
		Story: "A quota worker read-locks the workers' lock and waits for an item; Sync wants to write; the worker of the other queue, whose item leads to the first's, waits behind Sync to read. " +
			"Fixed: workers read-lock when they have an item.",
		Buggy: func(w World) { quotaWorkers(w, false) },
		Fixed: func(w World) { quotaWorkers(w, true) },
	},
}

// readsTwice is a reader that reads again, and a writer.
func readsTwice(w World, lock, reader, writer string) {
	mu := w.RWMutex(lock)
	w.Go(reader, func(s Strand) {
		mu.RLock(s)
		defer mu.RUnlock(s)
		request(s, mu)
	})
	w.Go(writer, func(s Strand) { once(s, mu) })
}

// readsInTurn is the same where the second read waits for the end of the first.
func readsInTurn(w World, lock, reader, writer string) {
	mu := w.RWMutex(lock)
	w.Go(reader, func(s Strand) {
		request(s, mu)
		request(s, mu)
	})
	w.Go(writer, func(s Strand) { once(s, mu) })
}

func lookUpRanges(w World, printsLocked bool) {
	mu := w.RWMutex("rangeCacheMu")
	for _, name := range []string{"lookup 1", "lookup 2", "lookup 3"} {
		w.Go(name, func(s Strand) {
			mu.RLock(s)
			if printsLocked {
				request(s, mu) // String
			}
			mu.RUnlock(s)
			once(s, mu)
		})
	}
}

func quotaWorkers(w World, getsFirst bool) {
	mu := w.RWMutex("workerLock")
	other := w.Go("worker of the other queue", func(s Strand) { request(s, mu) })
	w.Go("worker", func(s Strand) {
		if getsFirst {
			s.Wait(other) // for an item
		}
		mu.RLock(s)
		defer mu.RUnlock(s)
		if !getsFirst {
			s.Wait(other)
		}
	})
	w.Go("Sync", func(s Strand) { once(s, mu) })
}
