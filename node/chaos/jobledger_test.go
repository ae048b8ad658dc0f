//go:build linux

package chaos_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A jobLedger holds what lives with the load "jobs" have said against what a
// client of package job is promised. Lines about one job come in the order in
// which things happened to it, where one goroutine says them. So a claim may be
// told before the enqueueing, and a cancelling before a claim that it came after.
type jobLedger struct {
	jobs    map[uint64]*jobNote // that may still be there
	gone    map[uint64]bool     // that were forgotten: they are never seen again
	asked   map[uint64]string   // the key of each number that was asked for
	open    int                 // how many of these were not answered
	found   map[uint64]*finding // since the life began
	newest  uint64
	looked  uint64 // up to here there are no others than jobs
	first   uint64 // of the log
	strange []string

	promises, compared int
	seen               map[string]int // how often what was heard
}

// A jobNote is what is known of a job.
type jobNote struct {
	number uint64 // 0: not known yet
	key    string
	told   bool   // its enqueueing was acknowledged, or it was found
	epoch  uint32 // of its last claim that was told

	// What the life that is going on has asked for, or what had come of it when
	// that life began.
	complete, cancel, bury, replay bool
	since                          time.Time // when that was asked for first

	// What was promised.
	completed, cancelled, buried bool
	cancelling                   bool // while running: cancelled at the latest when its life ends
	late                         int  // claims told after that
}

// A finding is a job as it was found.
type finding struct {
	state             string
	cancelling, spent bool
	key               string
}

func newJobLedger() *jobLedger {
	return &jobLedger{jobs: map[uint64]*jobNote{}, gone: map[uint64]bool{}, asked: map[uint64]string{},
		found: map[uint64]*finding{}, seen: map[string]int{}}
}

// brief tells a life which jobs there may be.
func (l *jobLedger) brief(o *order) {
	o.Jobs, o.Newest = slices.Sorted(maps.Keys(l.jobs)), l.newest
	for id := l.looked + 1; id <= l.newest; id++ {
		if l.jobs[id] == nil { // it may have been enqueued, and nobody has been told
			o.Jobs = append(o.Jobs, id)
		}
	}
}

func (l *jobLedger) wrong() ([]string, int) { return l.strange, l.compared }

func (l *jobLedger) summary() string {
	return fmt.Sprintf("%d promises, %d jobs compared, the log begins at %d; heard %v", l.promises, l.compared, l.first, l.seen)
}

func (l *jobLedger) complain(format string, args ...any) {
	if len(l.strange) < 20 {
		l.strange = append(l.strange, fmt.Sprintf(format, args...))
	}
}

// note is what is known of job id.
func (l *jobLedger) note(id uint64) *jobNote {
	n := l.jobs[id]
	if n == nil {
		if l.gone[id] {
			l.complain("job %d was forgotten, and is there again", id)
		}
		n = &jobNote{}
		l.jobs[id] = n
		l.newest = max(l.newest, id)
	}
	return n
}

func (l *jobLedger) hear(line string) (promise bool) {
	f := strings.Fields(line)
	if len(f) < 2 {
		l.complain("it says %q", line)
		return false
	}
	l.seen[f[0]]++
	id, err := strconv.ParseUint(f[1], 10, 64)
	if err != nil {
		l.complain("it says %q", line)
		return false
	}
	switch f[0] {
	case "f":
		l.found[id] = &finding{state: f[2], cancelling: f[3] == "true", spent: f[4] == "true", key: f[5]}
	case "whole":
		if id < l.first {
			l.complain("the log begins at %d, and has begun at %d", id, l.first)
		}
		l.first = id
		l.compare()
	case "e":
		l.asked[id] = f[2]
		l.open++
	case "E":
		l.enqueued(id, number(f[2]), f[3] == "true")
	case "C":
		l.claimed(id, uint32(number(f[2])), number(f[3]))
	case "d":
		n := l.note(id)
		n.complete = true
		n.begin()
	case "D":
		l.completedBy(id, uint32(number(f[2])))
	case "p":
		l.note(id).bury = l.note(id).bury || f[2] == "true"
	case "P":
		l.failed(id, f[2] == "true")
	case "c":
		n := l.note(id)
		n.cancel = true
		n.begin()
	case "K":
		l.cancelledAs(id, f[2])
	case "v":
		l.note(id).replay = true
	case "V":
		l.note(id).buried = false
	case "r":
	case "R":
		l.note(id).ended()
	default:
		l.complain("it says %q", line)
	}
	promise = strings.Contains("ECDPKVR", f[0])
	if promise {
		l.promises++
	}
	return promise
}

func number(s string) uint64 {
	n, _ := strconv.ParseUint(s, 10, 64)
	return n
}

// begin notes when the end of a job was asked for first.
func (n *jobNote) begin() {
	if n.since.IsZero() {
		n.since = time.Now()
	}
}

func (l *jobLedger) enqueued(number, id uint64, existing bool) {
	l.open--
	n := l.note(id)
	key, asked := l.asked[number]
	switch {
	case !asked:
		l.complain("number %d was enqueued, and nobody has asked for it", number)
	case existing && n.told && n.key != key:
		l.complain("job %d with key %s is to be the one with key %s", id, n.key, key)
	case existing:
		n.key = key
	case n.number != 0 && n.number != number:
		l.complain("job %d is number %d, and was number %d", id, number, n.number)
	default:
		n.number, n.key = number, key
	}
	n.told = true
}

func (l *jobLedger) claimed(id uint64, epoch uint32, number uint64) {
	n := l.note(id)
	if n.number == 0 {
		n.number = number
	}
	if n.cancelling {
		n.late++
	}
	switch _, asked := l.asked[number]; {
	case !asked:
		l.complain("job %d has number %d, which nobody has enqueued", id, number)
	case n.number != number:
		l.complain("job %d, claimed as number %d, is number %d", id, number, n.number)
	case epoch <= n.epoch:
		l.complain("job %d was claimed under epoch %d after epoch %d", id, epoch, n.epoch)
	case n.completed, n.cancelled, n.buried && !n.replay:
		l.complain("job %d was claimed: it was completed (%v), cancelled (%v), buried (%v)", id, n.completed, n.cancelled, n.buried)
	case n.late > 1:
		l.complain("job %d was claimed %d times after it was cancelled", id, n.late)
	}
	n.epoch = max(n.epoch, epoch)
}

func (l *jobLedger) completedBy(id uint64, epoch uint32) {
	n := l.note(id)
	switch {
	case n.completed:
		l.complain("job %d was completed twice", id)
	case n.cancelled, n.buried && !n.replay:
		l.complain("job %d was completed: it was cancelled (%v), buried (%v)", id, n.cancelled, n.buried)
	case epoch != n.epoch:
		l.complain("job %d was completed under epoch %d, and its last claim is %d", id, epoch, n.epoch)
	}
	n.completed = true
}

// ended notes that a lease has. If its job had been cancelled before, it was the
// last one.
func (n *jobNote) ended() {
	if n.cancelling {
		n.late = max(n.late, 1)
	}
}

func (l *jobLedger) failed(id uint64, last bool) {
	n := l.note(id)
	n.ended()
	if !last || n.replay {
		return // others may have had it since, and told so before
	}
	if n.completed || n.cancelled {
		l.complain("job %d failed for good: it was completed (%v), cancelled (%v)", id, n.completed, n.cancelled)
	}
	n.buried = n.buried || !n.cancel
}

func (l *jobLedger) cancelledAs(id uint64, state string) {
	n := l.note(id)
	switch state {
	case "cancelled":
		n.cancelled = true
		if n.completed {
			l.complain("job %d was cancelled: it was completed", id)
		}
	case "running":
		n.cancelling = true
	case "done":
		if !n.complete {
			l.complain("job %d is done, and nobody has completed it", id)
		}
	case "dead":
	default:
		l.complain("job %d was cancelled, and is %s", id, state)
	}
}

// compare holds what a new owner has found against all that was promised. What
// was asked for in vain will not happen any more, and what was found is as good
// as promised.
func (l *jobLedger) compare() {
	now := time.Now()
	for id, n := range l.jobs {
		l.compared++
		f := l.found[id]
		if f == nil {
			l.missing(id, n, now)
			continue
		}
		if why := n.differs(f); why != "" {
			l.complain("job %d is %s: %s", id, f.state, why)
		}
	}
	live := map[string]uint64{}
	for id, f := range l.found {
		n := l.jobs[id]
		if n == nil {
			if l.open--; l.open < 0 {
				l.complain("job %d is there, and nobody has enqueued it", id)
			}
			n = l.note(id)
		}
		if f.key != "-" && !f.ended() {
			if other := live[f.key]; other != 0 {
				l.complain("the live jobs %d and %d have the key %s", id, other, f.key)
			}
			live[f.key] = id
		}
		n.settle(f)
	}
	clear(l.found)
	l.looked = l.newest
}

func (f *finding) ended() bool {
	return f.state == "done" || f.state == "dead" || f.state == "cancelled"
}

// slack is how much later than a life says something it may be heard.
const slack = 250 * time.Millisecond

// missing judges a job that was not found.
func (l *jobLedger) missing(id uint64, n *jobNote, now time.Time) {
	switch {
	case !n.complete && !n.cancel:
		l.complain("job %d is missing, and nobody has ended it", id)
	case n.buried && !n.replay:
		l.complain("job %d is missing: it was failed for good, and is kept for long", id)
	case now.Sub(n.since) < keep-slack:
		l.complain("job %d is missing: its end was asked for %v ago", id, now.Sub(n.since))
	}
	delete(l.jobs, id)
	l.gone[id] = true
}

// differs says why a job cannot be as it was found.
func (n *jobNote) differs(f *finding) string {
	switch {
	case f.key != n.key && n.told:
		return fmt.Sprintf("its key is %s, and was %s", f.key, n.key)
	case f.state == "running":
		return "who had claimed it is dead"
	case f.state == "done" && !n.complete:
		return "nobody has completed it"
	case f.state == "cancelled" && !n.cancel:
		return "nobody has cancelled it"
	case f.state == "dead" && !n.bury && !f.spent:
		return "it has attempts left"
	case n.completed && f.state != "done":
		return "it was completed"
	case n.cancelled && f.state != "cancelled":
		return "it was cancelled"
	case n.cancelling && f.state != "cancelled" && f.state != "done":
		return "it was cancelled while it ran"
	case n.buried && f.state != "dead" && !n.replay && !n.cancel:
		return "it was failed for good"
	}
	return ""
}

// settle takes a job as it was found.
func (n *jobNote) settle(f *finding) {
	n.told, n.key = true, f.key
	n.complete, n.cancel, n.bury = f.state == "done", f.state == "cancelled", f.state == "dead"
	n.completed, n.cancelled, n.buried = n.complete, n.cancel, n.bury
	n.replay, n.cancelling, n.late = false, false, 0
	if !f.ended() || f.state == "dead" {
		n.since = time.Time{}
	} else {
		n.begin()
	}
}
