package calendar_test

import "testing"

// rates are rules as people have them, and three that have far to look.
var rates = []struct{ name, expr, zone string }{
	{"every", "@every 90s", ""},
	{"minute", "* * * * *", ""},
	{"second/Berlin", "* * * * * *", "Europe/Berlin"},
	{"hourly/Berlin", "@hourly", "Europe/Berlin"},
	{"daily/Berlin", "30 4 * * *", "Europe/Berlin"},
	{"workdays/New_York", "*/15 9-17 * * MON-FRI", "America/New_York"},
	{"monthly/Lord_Howe", "0 6 LW * *", "Australia/Lord_Howe"},
	{"yearly/Berlin", "@yearly", "Europe/Berlin"},
	{"leap/Berlin", "0 0 29 2 *", "Europe/Berlin"},
	{"leap-open/Berlin", "0 * 29 2 *", "Europe/Berlin"},
	{"leap-weekend/Berlin", "0 * 29 2 */6", "Europe/Berlin"},
}

// BenchmarkNext walks through what is due from 2024 on.
//
//	go test -bench . -benchmem ./job/internal/calendar
func BenchmarkNext(b *testing.B) {
	for _, c := range rates {
		b.Run(c.name, func(b *testing.B) {
			r := must(b, c.expr, c.zone)
			begin := utc("2024")
			at := begin
			b.ReportAllocs()
			for b.Loop() {
				if at = r.Next(at); at.IsZero() {
					at = begin
				}
			}
		})
	}
}

// BenchmarkLast looks for the last time in ten years.
func BenchmarkLast(b *testing.B) {
	for _, c := range rates {
		b.Run(c.name, func(b *testing.B) {
			r := must(b, c.expr, c.zone)
			after, until := utc("2024"), utc("2034")
			b.ReportAllocs()
			for b.Loop() {
				r.Last(after, until)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		must(b, "*/15 9-17 * * MON-FRI", "America/New_York")
	}
}
