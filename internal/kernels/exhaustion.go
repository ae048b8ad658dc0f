package kernels

var exhaustions = []Kernel{
	{
		Bug: "restic#1188", Study: issue, Class: Exhaustion,
		Story: "With one connection, List has it until all names have been taken from its channel, and those who take them load the files, for which they need one. " +
			"Fixed: List has it while it talks to the server, and not while it sends.",
		Buggy: func(w World) { listAndLoad(w, true) },
		Fixed: func(w World) { listAndLoad(w, false) },
	},
	{
		Bug: "rclone#5590", Study: issue, Class: Exhaustion,
		Story: "An FTP upload that failed removes what it left behind over another connection, with its own still taken, and there is one. " +
			"Fixed: it gives its connection back first.",
		Buggy: func(w World) { failedUploads(w, false) },
		Fixed: func(w World) { failedUploads(w, true) },
	},
	{
		Bug: "authgear#3058", Study: issue, Class: Exhaustion,
		Story: "A request begins a transaction on each of three databases, whose connections come from one pool as they have one address; a few requests have all connections and want more. " +
			"Fixed: a pool for each database.",
		Buggy: func(w World) { threeDatabases(w, false) },
		Fixed: func(w World) { threeDatabases(w, true) },
	},
	{
		Bug: "gorm#7465", Study: issue, Class: Exhaustion,
		Story: "Two transactions have the pool's two connections and wait for a statement that a third caller prepares, who waits for a connection. " +
			"Fixed: a transaction prepares on its own connection, and waits for nobody who has none.",
		Buggy: func(w World) { preparedStatement(w, false) },
		Fixed: func(w World) { preparedStatement(w, true) },
	},
	{
		Bug: "errgroup SetLimit (go#27837)", Study: issue, Class: Exhaustion,
		Story: "Go of a group with a limit waits for a place; a task of the group that calls it has one, and all others may be like it. " +
			"Fixed: tasks start theirs in a group of their own.",
		Buggy: func(w World) { limitedGroup(w, false) },
		Fixed: func(w World) { limitedGroup(w, true) },
	},
	{
		Bug: "opensearch notifications#1247", Study: issue, Class: Exhaustion,
		Story: "Requests run on the pool's threads and wait for parts of themselves that are queued for the same pool (in Kotlin; any pool of goroutines does as much). " +
			"Fixed: a request gives its place up while it waits.",
		Buggy: func(w World) { parentsInPool(w, false) },
		Fixed: func(w World) { parentsInPool(w, true) },
	},
}

func listAndLoad(w World, holdsWhileSending bool) {
	conns := w.Semaphore("b2.connections", 1)
	w.Go("List", func(s Strand) {
		send := func() {
			s.Wait(w.Go("Load", func(s Strand) { conns.With(s, 1, func() {}) }))
		}
		if holdsWhileSending {
			conns.With(s, 1, send)
			return
		}
		conns.With(s, 1, func() {})
		send()
	})
}

func failedUploads(w World, returnsFirst bool) {
	conns := w.Semaphore("ftp concurrency", 1)
	w.Go("Update", func(s Strand) {
		remove := func() { conns.With(s, 1, func() {}) }
		if returnsFirst {
			conns.With(s, 1, func() {})
			remove()
			return
		}
		conns.With(s, 1, remove)
	})
}

func threeDatabases(w World, ownPools bool) {
	global := w.Semaphore("pool", 3)
	app, audit := global, global
	if ownPools {
		app, audit = w.Semaphore("app pool", 3), w.Semaphore("audit pool", 3)
	}
	for _, name := range []string{"mutation 1", "mutation 2"} {
		w.Go(name, func(s Strand) {
			global.With(s, 1, func() {
				app.With(s, 1, func() {
					audit.With(s, 1, func() {})
				})
			})
		})
	}
}

func preparedStatement(w World, onOwnConnection bool) {
	conns := w.Semaphore("pool", 2)
	prepared := w.Go("C prepares", func(s Strand) { conns.With(s, 1, func() {}) })
	for _, name := range []string{"transaction A", "transaction B"} {
		w.Go(name, func(s Strand) {
			conns.With(s, 1, func() {
				if !onOwnConnection {
					s.Wait(prepared)
				}
			})
		})
	}
}

func limitedGroup(w World, ownGroups bool) {
	limit := w.Semaphore("SetLimit", 2)
	for _, name := range []string{"task 1", "task 2"} {
		w.Go(name, func(s Strand) {
			limit.With(s, 1, func() {
				places := limit
				if ownGroups {
					places = w.Semaphore("SetLimit of "+name, 2)
				}
				places.With(s, 1, func() {}) // Go
			})
		})
	}
}

func parentsInPool(w World, leaves bool) {
	threads := w.Semaphore("pool of threads", 2)
	for _, name := range []string{"request 1", "request 2"} {
		w.Go(name, func(s Strand) {
			parts := func() {
				s.Join(func(w World) {
					for _, part := range []string{"part 1", "part 2"} {
						w.Go(part, func(s Strand) { threads.With(s, 1, func() {}) })
					}
				})
			}
			if leaves {
				threads.With(s, 1, func() {})
				parts()
				return
			}
			threads.With(s, 1, parts)
		})
	}
}
