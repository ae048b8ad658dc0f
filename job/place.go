package job

import (
	"time"

	"github.com/hemgo/hem/internal/graph"
)

// Stats is what an owner has and does.
type Stats struct {
	Jobs Counts

	ForRoom int // callers who wait for room to enqueue
	ForJobs int // callers who wait for a job to claim

	Last     uint64        // the newest record
	Tail     int64         // bytes of records since the last snapshot began
	Snapshot bool          // one is being written
	Append   time.Duration // what the last append took
}

// Stats returns the owner's figures as of its last record. It waits for nobody.
func (o *Owner) Stats() Stats {
	if o == nil {
		panic("job: Stats of a nil Owner")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.stats
}

// publish lets others see what the core has.
func (o *Owner) publish() {
	f := o.core.Figures()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.clock = o.core.Clock()
	o.stats = Stats{
		Jobs:    countsOf(f.Counts),
		ForRoom: f.ForRoom, ForJobs: f.ForJobs,
		Last: f.Last, Tail: f.Tail, Snapshot: f.Snapshot, Append: o.took,
	}
}

// A place is an owner as dumps show it.
type place Owner

// Label names the owner.
func (p *place) Label() graph.Label { return graph.Label{Kind: "job", Name: p.config.Name} }

// Figures returns what there is to show of the owner.
func (p *place) Figures() []graph.Figure {
	s := (*Owner)(p).Stats()
	figures := []graph.Figure{
		{Name: "live", Value: s.Jobs.Live()},
		{Name: "delayed", Value: s.Jobs.Delayed},
		{Name: "ready", Value: s.Jobs.Ready},
		{Name: "running", Value: s.Jobs.Running},
		{Name: "done", Value: s.Jobs.Done},
		{Name: "dead", Value: s.Jobs.Dead},
		{Name: "cancelled", Value: s.Jobs.Cancelled},
		{Name: "bytes", Value: s.Jobs.Bytes},
		{Name: "for_room", Value: s.ForRoom},
		{Name: "for_jobs", Value: s.ForJobs},
		{Name: "last_record", Value: s.Last},
		{Name: "tail", Value: s.Tail},
		{Name: "snapshot", Value: s.Snapshot},
		{Name: "append", Value: s.Append},
	}
	return append(figures, (*Owner)(p).scene()...)
}
