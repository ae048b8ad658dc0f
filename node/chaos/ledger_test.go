//go:build linux

package chaos_test

// A ledger is what lives have said, and whether it fits together. Its methods
// are called by one goroutine at a time.
type ledger interface {
	// hear takes a line, and reports whether it is a promise.
	hear(line string) bool

	// brief tells the next life what it cannot know by itself.
	brief(o *order)

	// summary says what was heard.
	summary() string

	// wrong is what does not fit, in words, and how many things were compared.
	wrong() (complaints []string, compared int)
}

// loads are the loads that a life may carry, by name.
var loads = map[string]load{"records": appendRecords, "jobs": workOnJobs}

// ledgers makes the ledger of each.
var ledgers = map[string]func() ledger{
	"records": func() ledger { return newRecordLedger() },
	"jobs":    func() ledger { return newJobLedger() },
}
