package owner

import (
	"fmt"

	"github.com/hemgo/hem/job/internal/state"
)

// A history is what is known of the snapshots in a log. Whoever replays the log
// and the owner that writes it keep one alike.
//
//	H1. At most one snapshot is under way: begin is its record, 0 is none.
//	H2. Its pages come in order, and its end counts them.
//	H3. A takeover abandons it.
type history struct {
	first uint64 // of the log's records; 0 or 1 if none are gone
	begin uint64
	pages uint64 // that the one under way has so far
	whole uint64 // where the last complete one began; 0 is none

	// Bytes of records, without pages, and without those that have nothing else:
	tail  int64 // since the last complete snapshot began
	since int64 // since the one under way began
}

// note takes transition i of record seq. It says why this cannot be, or "".
func (h *history) note(seq uint64, i int, l *state.Looked) string {
	switch l.Kind {
	case state.KindTakeover:
		h.begin = 0
	case state.KindSnapBegin:
		switch {
		case i > 0:
			return "it begins a snapshot, but is not the first of its record"
		case h.begin != 0:
			return fmt.Sprintf("it begins a snapshot while that of record %d is under way", h.begin)
		}
		h.begin, h.pages, h.since = seq, 0, 0
	case state.KindSnapPage, state.KindSnapEnd:
		if l.Begin < h.first && h.begin == 0 && h.whole == 0 {
			return "" // of one that began in a record that is gone
		}
	}
	switch l.Kind {
	case state.KindSnapPage:
		if l.Begin != h.begin || l.Page != h.pages {
			return fmt.Sprintf("it is page %d of the snapshot of record %d, not page %d of that of record %d", l.Page, l.Begin, h.pages, h.begin)
		}
		h.pages++
	case state.KindSnapEnd:
		if l.Begin != h.begin || l.Pages != h.pages || h.pages == 0 {
			return fmt.Sprintf("it ends the snapshot of record %d after %d pages, not that of record %d after %d", l.Begin, l.Pages, h.begin, h.pages)
		}
		h.whole, h.begin, h.tail = h.begin, 0, h.since
	}
	return ""
}

// grow takes a record of so many bytes, of which snapshots takes some. other
// tells whether there is anything else in it.
func (h *history) grow(bytes, snapshots int, other bool) {
	if other {
		h.tail += int64(bytes - snapshots)
		h.since += int64(bytes - snapshots)
	}
}
