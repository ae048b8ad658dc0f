package calendar

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"time"
)

// A zone is what the clocks of a place show, and showed.
//
// It has a table of its own, since a [time.Location] has to be asked instant by
// instant, and beyond its last recorded change reads a line of text each time.
type zone struct {
	place *time.Location
	spans []span // in order, as many as there are changes, and one
}

// A span is a time in which the offset stays the same: until the next one begins.
type span struct {
	begin  int64 // the first one's is math.MinInt64
	offset int64 // of the wall from UTC
}

// widest is more than any offset: RFC 8536 has them between -25 and 26 hours.
const widest = 26 * hour

// at returns the span that an instant is in.
func (z *zone) at(instant int64) int {
	lo, hi := 0, len(z.spans)
	for hi-lo > 1 {
		if mid := int(uint(lo+hi) >> 1); z.spans[mid].begin <= instant {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// end returns the instant at which span i has ended.
func (z *zone) end(i int) int64 {
	if i+1 < len(z.spans) {
		return z.spans[i+1].begin
	}
	return math.MaxInt64
}

// reached returns the greatest wall time that clocks have shown up to an instant. It
// is more than what they show if they have just been set back.
func (z *zone) reached(instant int64) int64 {
	i := z.at(instant)
	most := instant + z.spans[i].offset
	for ; z.spans[i].begin > instant-2*widest; i-- {
		most = max(most, z.spans[i].begin-1+z.spans[i-1].offset)
	}
	return most
}

// first returns the first instant at which clocks have reached or passed a wall time.
func (z *zone) first(wall int64) int64 {
	for i := z.at(wall - widest); ; i++ {
		if instant := max(z.spans[i].begin, wall-z.spans[i].offset); instant < z.end(i) {
			return instant
		}
	}
}

// zones are those that were asked for. There are some 600; what is spelled in more
// ways than that, where files may be in any case, is not remembered.
var zones struct {
	sync.Mutex
	named map[string]*zone
}

const mostZones = 1 << 10

// find returns the zone with an IANA name, "" being UTC. For one name it is always
// the same one.
func find(name string) (*zone, error) {
	if name == "" {
		name = "UTC"
	}
	zones.Lock()
	z := zones.named[name]
	zones.Unlock()
	if z != nil {
		return z, nil
	}
	z, err := load(name)
	if err != nil {
		return nil, err
	}
	zones.Lock()
	defer zones.Unlock()
	switch known := zones.named[name]; {
	case known != nil: // another was faster
		return known, nil
	case zones.named == nil:
		zones.named = make(map[string]*zone)
	case len(zones.named) >= mostZones:
		return z, nil
	}
	zones.named[name] = z
	return z, nil
}

var (
	errLocal   = errors.New(`is the machine's own, and a schedule outlives machines: name a place, such as "Europe/Berlin"`)
	errNotIANA = errors.New(`is not an IANA name, such as "Europe/Berlin"`)
)

func load(name string) (*zone, error) {
	switch {
	case name == "Local":
		return nil, errLocal
	case !isName(name):
		return nil, errNotIANA
	}
	place, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("is not known here: look at its spelling, and if that is right, import _ %q or install tzdata (%w)", "time/tzdata", err)
	}
	return &zone{place: place, spans: spansOf(place)}, nil
}

// isName reports whether name could be that of a zone. Files have more names than
// one, as with "Europe//Berlin", and zones do not.
func isName(name string) bool {
	inner := false // the last byte was of a name between slashes
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-', c == '+':
			inner = true
		case c == '/' && inner:
			inner = false
		default:
			return false
		}
	}
	return inner && len(name) <= 64
}

func spansOf(place *time.Location) []span {
	at := time.Unix(beginning-4*widest, 0).In(place)
	spans := []span{{math.MinInt64, offset(at)}}
	for at.Unix() < ending {
		_, end := at.ZoneBounds()
		if end.IsZero() {
			break
		}
		if !end.After(at) {
			// Go ends each year that has no recorded changes after 365 days, and
			// knows no better on the last of 366. See tzset in package time.
			end = at.Add(time.Hour)
		}
		at = end
		if o := offset(at); o != spans[len(spans)-1].offset {
			spans = append(spans, span{at.Unix(), o})
		}
	}
	return spans
}

func offset(t time.Time) int64 {
	_, o := t.Zone()
	return int64(o)
}
