package job

import (
	"time"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// A book gives requests the numbers under which the log keeps their answers, so that
// they can come again: those of one client, as RIFL has it (see state.Request).
type book struct {
	client    uint64
	newest    uint64 // the last number that was given
	low       uint64 // the lowest whose answer was not had
	has       [bookSize / 64]uint64
	used      time.Time // when something was sent last that the owner carried out
	forgotten bool      // by the owner
}

const (
	// bookSize is how far the numbers of a book may be apart that are open: as far
	// as the state lets them.
	bookSize = state.MaxOpen

	// bookSpan is how long a book is good that was not used. The owner forgets it
	// in an hour of its own time; if that is sooner, no harm is done.
	bookSpan = 30 * time.Minute
)

func (b *book) next() uint64 {
	b.newest++
	return b.newest
}

func (b *book) full() bool { return b.newest+1-b.low >= bookSize-1 }

// had says that the answer to a request was had, or is not wanted.
func (b *book) had(n uint64) {
	b.has[n%bookSize/64] |= 1 << (n % 64)
	for b.low <= b.newest && b.has[b.low%bookSize/64]&(1<<(b.low%64)) != 0 {
		b.has[b.low%bookSize/64] &^= 1 << (b.low % 64)
		b.low++
	}
}

// books are those of a link. One is enough, unless it is full: a request that waits
// for long, as for room, keeps all later numbers of its book.
type books struct {
	all     []*book
	opening bool
}

// pick returns a book that has room, or nil.
func (bs *books) pick(now time.Time) *book {
	good := bs.all[:0]
	var best *book
	for _, b := range bs.all {
		stale := b.forgotten || now.Sub(b.used) > bookSpan
		if stale && (b.forgotten || b.low > b.newest) {
			continue
		}
		good = append(good, b)
		if best == nil && !stale && !b.full() {
			best = b
		}
	}
	clear(bs.all[len(good):])
	bs.all = good
	return best
}

// openBook asks for another book, unless that is under way. mu is held.
func (l *link) openBook() {
	if l.books.opening || l.line == nil {
		return
	}
	l.books.opening = true
	r := &request{}
	r.Op = owner.OpenClient
	l.post(r, func(c *call) {
		l.books.opening = false
		if c.r.Err != nil || len(c.r.IDs) == 0 {
			return // the keeper tries again
		}
		l.books.all = append(l.books.all, &book{client: c.r.IDs[0], low: 1, used: c.since})
		l.pump()
	})
}
