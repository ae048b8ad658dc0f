package calendar

// Dates are of the Gregorian calendar. A day is its number since 1970-01-01.

// civil returns the date of a day. It is Howard Hinnant's civil_from_days, for days
// since March of the year 0: "chrono-Compatible Low-Level Date Algorithms".
func civil(day int64) (year, month, dom int) {
	n := uint64(day + 719468)
	era := n / 146097
	n %= 146097
	y := (n - n/1460 + n/36524 - n/146096) / 365
	n -= 365*y + y/4 - y/100
	m := (5*n + 2) / 153 // since March
	year, month, dom = int(y+400*era), int(m+3), int(n-(153*m+2)/5+1)
	if month > 12 {
		return year + 1, month - 12, dom
	}
	return year, month, dom
}

// firstOf returns the first day of a month. It is the inverse of civil.
func firstOf(year, month int) int64 {
	if month < 3 {
		year, month = year-1, month+12
	}
	y := int64(year)
	return 365*y + y/4 - y/100 + y/400 + (153*int64(month-3)+2)/5 - 719468
}

// weekday returns the day of the week, 0 to 6 from Sunday.
func weekday(day int64) int { return int((day%7 + 11) % 7) }

var lengths = [13]uint8{1: 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

// length returns how many days a month has.
func length(year, month int) int {
	if month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		return 29
	}
	return int(lengths[month])
}
