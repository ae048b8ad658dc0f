package calendar

// days say on which days of a month a rule is due.
type days struct {
	dom     set      // 1 to 31
	nearest set      // 1 to 31: the working day nearest to it
	last    bool     // L
	working bool     // LW
	weeks   [5]uint8 // the weekdays, bits from Sunday, of days 1-7, 8-14, ...
	final   uint8    // and of the last seven days

	// Whether the fields are open.
	domOpen, dowOpen bool
}

// allWeek is every weekday.
const allWeek = 1<<7 - 1

// in returns the days of a month that match.
func (d *days) in(year, month int) set {
	n := length(year, month)
	first := weekday(firstOf(year, month))
	all := between(1, n)
	dom, dow := d.ofMonth(n, first)&all, d.ofWeek(n, first)&all
	if d.domOpen || d.dowOpen {
		return dom & dow
	}
	return dom | dow
}

// ofMonth returns the days that match by number, of a month that has n days and
// begins on a weekday.
func (d *days) ofMonth(n, first int) set {
	s := d.dom
	if d.last {
		s |= 1 << n
	}
	if d.working {
		s |= 1 << workingDay(n, n, first)
	}
	for near := d.nearest & between(1, n); near != 0; near &= near - 1 {
		s |= 1 << workingDay(near.least(), n, first)
	}
	return s
}

// workingDay returns the Monday to Friday nearest to a day, in the same month.
func workingDay(dom, n, first int) int {
	switch wd := (first + dom - 1) % 7; {
	case wd == 6 && dom == 1:
		return 3
	case wd == 6:
		return dom - 1
	case wd == 0 && dom == n:
		return n - 2
	case wd == 0:
		return dom + 1
	}
	return dom
}

// ofWeek returns the days that match by weekday. It may go beyond the month.
func (d *days) ofWeek(n, first int) set {
	var s set
	for i, week := range d.weeks {
		s |= turn(week, first) << (7*i + 1)
	}
	if d.final != 0 {
		s |= turn(d.final, (first+n)%7) << (n - 6)
	}
	return s
}

// turn has week begin with the weekday first instead of Sunday.
func turn(week uint8, first int) set {
	return (set(week)>>first | set(week)<<(7-first)) & allWeek
}

// weekly adds a weekday, or several, of every week.
func (d *days) weekly(weekdays set) {
	for i := range d.weeks {
		d.weeks[i] |= uint8(weekdays)
	}
}

// everyWeek returns the weekdays that match in every week.
func (d *days) everyWeek() set {
	w := d.weeks
	return set(w[0] & w[1] & w[2] & w[3] & w[4])
}
