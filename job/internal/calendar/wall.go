package calendar

// A wall time is what a clock on the wall shows, in seconds since it showed
// 1970-01-01 00:00:00. It is an instant only by its zone: see zone.

const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
)

// What is found where there is nothing: before and after all wall times. They are
// not the ends of int64, so that offsets can be added.
const (
	dawn = -1 << 60
	dusk = 1 << 60
)

// The years in which wall times are looked for: zones may be a day from UTC.
const (
	firstYear = 1969
	lastYear  = 2200
)

// A pattern is what wall times have to match.
type pattern struct {
	second, minute, hour set
	month                set
	days                 days
}

// from returns the first matching wall time that is at least wall, or dusk.
func (p *pattern) from(wall int64) int64 {
	today, time := split(wall)
	y, m, d := civil(today)
	if p.month.has(m) {
		days := p.days.in(y, m)
		if days.has(d) {
			if t := p.timeFrom(time); t >= 0 {
				return today*day + t
			}
		}
		if next := days.from(d + 1); next != none {
			return (today+int64(next-d))*day + p.earliest()
		}
	}
	for {
		if m = p.month.from(m + 1); m == none {
			y, m = y+1, p.month.least()
		}
		if y > lastYear {
			return dusk
		}
		if days := p.days.in(y, m); days != 0 {
			return (firstOf(y, m)+int64(days.least()-1))*day + p.earliest()
		}
	}
}

// upTo returns the last matching wall time that is at most wall, or dawn.
func (p *pattern) upTo(wall int64) int64 {
	today, time := split(wall)
	y, m, d := civil(today)
	if p.month.has(m) {
		days := p.days.in(y, m)
		if days.has(d) {
			if t := p.timeUpTo(time); t >= 0 {
				return today*day + t
			}
		}
		if last := days.upTo(d - 1); last != -1 {
			return (today+int64(last-d))*day + p.latest()
		}
	}
	for {
		if m = p.month.upTo(m - 1); m == -1 {
			y, m = y-1, p.month.greatest()
		}
		if y < firstYear {
			return dawn
		}
		if days := p.days.in(y, m); days != 0 {
			return (firstOf(y, m)+int64(days.greatest()-1))*day + p.latest()
		}
	}
}

// timeFrom returns the first time of day that is at least t, or -1.
func (p *pattern) timeFrom(t int64) int64 {
	h, m, s := clock(t)
	if p.hour.has(h) {
		if p.minute.has(m) {
			if s := p.second.from(s); s != none {
				return seconds(h, m, s)
			}
		}
		if m := p.minute.from(m + 1); m != none {
			return seconds(h, m, p.second.least())
		}
	}
	if h := p.hour.from(h + 1); h != none {
		return seconds(h, p.minute.least(), p.second.least())
	}
	return -1
}

// timeUpTo returns the last time of day that is at most t, or -1.
func (p *pattern) timeUpTo(t int64) int64 {
	h, m, s := clock(t)
	if p.hour.has(h) {
		if p.minute.has(m) {
			if s := p.second.upTo(s); s != -1 {
				return seconds(h, m, s)
			}
		}
		if m := p.minute.upTo(m - 1); m != -1 {
			return seconds(h, m, p.second.greatest())
		}
	}
	if h := p.hour.upTo(h - 1); h != -1 {
		return seconds(h, p.minute.greatest(), p.second.greatest())
	}
	return -1
}

func (p *pattern) earliest() int64 {
	return seconds(p.hour.least(), p.minute.least(), p.second.least())
}

func (p *pattern) latest() int64 {
	return seconds(p.hour.greatest(), p.minute.greatest(), p.second.greatest())
}

// split returns the day of a wall time, and the seconds since its midnight.
func split(wall int64) (date, time int64) {
	date, time = wall/day, wall%day
	if time < 0 {
		return date - 1, time + day
	}
	return date, time
}

func clock(t int64) (h, m, s int) { return int(t / hour), int(t / minute % 60), int(t % 60) }

func seconds(h, m, s int) int64 { return int64(h)*hour + int64(m)*minute + int64(s) }
