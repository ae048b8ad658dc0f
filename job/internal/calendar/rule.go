package calendar

import "time"

// A Rule says at which times something is due. [Parse] makes it; the zero Rule is
// never due. It does not change, and any number of goroutines may use it.
type Rule struct {
	every int64 // seconds, if the rule is an @every, and then nothing else is set

	pattern  pattern
	openHour bool
	zone     *zone
}

// The instants at which a rule may be due: before the second of them.
const (
	beginning = 0          // 1970-01-01 00:00:00 UTC
	ending    = 7258118400 // 2200-01-01 00:00:00 UTC
)

// Next returns the first time after t at which the rule is due, in the rule's zone;
// the zero Time if there is none before 2200. Nothing is due before 1970.
func (r *Rule) Next(t time.Time) time.Time {
	since := max(t.Unix(), beginning-1)
	if since >= ending-1 || r.isZero() {
		return time.Time{}
	}
	return r.time(r.next(since))
}

// Last returns the last time in (after, t] at which the rule is due, in the rule's
// zone; the zero Time if there is none. It costs the same however many there are.
func (r *Rule) Last(after, t time.Time) time.Time {
	since, until := max(after.Unix(), beginning-1), min(t.Unix(), ending-1)
	if since >= until || r.isZero() {
		return time.Time{}
	}
	if last := r.last(since, until); last > since {
		return r.time(last)
	}
	return time.Time{}
}

// Every returns the interval of an "@every", and 0 for any other rule.
func (r *Rule) Every() time.Duration { return time.Duration(r.every) * time.Second }

// Zone returns the name of the zone that the rule is in, "" for an "@every".
func (r *Rule) Zone() string {
	if r.zone == nil {
		return ""
	}
	return r.zone.place.String()
}

func (r *Rule) isZero() bool { return r.every == 0 && r.zone == nil }

func (r *Rule) time(instant int64) time.Time {
	switch {
	case instant >= ending:
		return time.Time{}
	case r.zone == nil:
		return time.Unix(instant, 0).UTC()
	}
	return time.Unix(instant, 0).In(r.zone.place)
}

// next returns the first instant after since, ending or later if there is none.
func (r *Rule) next(since int64) int64 {
	switch {
	case r.every != 0:
		return ceil(since+1, r.every)
	case r.openHour:
		return r.nextShown(since + 1)
	}
	return r.zone.first(r.pattern.from(r.zone.reached(since) + 1))
}

// last returns the last instant up to until. What is not after since may be anything
// that is not.
func (r *Rule) last(since, until int64) int64 {
	switch {
	case r.every != 0:
		return until - until%r.every
	case r.openHour:
		return r.lastShown(since, until)
	}
	return r.zone.first(r.pattern.upTo(r.zone.reached(until)))
}

// nextShown returns the first instant from one on at which clocks show a wall time
// that matches.
//
// Nothing matches between the wall time that was asked for and the one that was
// found, whatever the span. So the pattern is asked again only if clocks enter a span
// elsewhere, and a leap day does not cost the changes of all the years before.
func (r *Rule) nextShown(instant int64) int64 {
	i := r.zone.at(instant)
	asked := instant + r.zone.spans[i].offset
	found := r.pattern.from(asked)
	for {
		if at := found - r.zone.spans[i].offset; at < r.zone.end(i) {
			return at
		}
		i++
		if shown := r.zone.spans[i].begin + r.zone.spans[i].offset; shown < asked || shown > found {
			asked, found = shown, r.pattern.from(shown)
		}
	}
}

// lastShown returns the last instant up to one at which clocks show a wall time that
// matches, or since if it is not after that. It is nextShown in a mirror.
func (r *Rule) lastShown(since, instant int64) int64 {
	i := r.zone.at(instant)
	asked := instant + r.zone.spans[i].offset
	found := r.pattern.upTo(asked)
	for {
		begin := r.zone.spans[i].begin
		switch at := found - r.zone.spans[i].offset; {
		case at >= begin:
			return at
		case begin <= since:
			return since
		}
		i--
		if shown := begin - 1 + r.zone.spans[i].offset; shown > asked || shown < found {
			asked, found = shown, r.pattern.upTo(shown)
		}
	}
}

// ceil returns the least multiple of d that is at least n, which is not negative.
func ceil(n, d int64) int64 { return (n + d - 1) / d * d }
