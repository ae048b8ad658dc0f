package calendar_test

import (
	"fmt"
	"time"

	"github.com/hemgo/hem/job/internal/calendar"
)

// At half past two, on the night when clocks go from two to three, and on the one when
// they go back.
func ExampleRule_Next() {
	r, err := calendar.Parse("30 2 * * *", "Europe/Berlin")
	if err != nil {
		panic(err)
	}
	for _, day := range []time.Time{time.Date(2024, 3, 30, 12, 0, 0, 0, time.UTC), time.Date(2024, 10, 26, 12, 0, 0, 0, time.UTC)} {
		next := r.Next(day)
		fmt.Println(next, "and", r.Next(next))
	}
	// Output:
	// 2024-03-31 03:00:00 +0200 CEST and 2024-04-01 02:30:00 +0200 CEST
	// 2024-10-27 02:30:00 +0200 CEST and 2024-10-28 02:30:00 +0100 CET
}

// Of 315 million seconds it finds the last one, and looks at none of the others.
func ExampleRule_Last() {
	r, err := calendar.Parse("* * * * * *", "")
	if err != nil {
		panic(err)
	}
	down := time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC)
	up := time.Date(2025, 1, 1, 0, 0, 0, 500, time.UTC)
	fmt.Println(r.Last(down, up))
	// Output: 2025-01-01 00:00:00 +0000 UTC
}

// Whoever asks, and whenever it was made.
func ExampleRule_Every() {
	r, err := calendar.Parse("@every 6h", "")
	if err != nil {
		panic(err)
	}
	fmt.Println(r.Every(), r.Next(time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)))
	// Output: 6h0m0s 2024-05-06 12:00:00 +0000 UTC
}

func ExampleParse() {
	for _, expr := range []string{"61 * * * *", "*/90 * * * *", "0 0 30 2 *"} {
		_, err := calendar.Parse(expr, "")
		fmt.Println(err)
	}
	// Output:
	// calendar: "61 * * * *": minute 61 is not 0 to 59
	// calendar: "*/90 * * * *": minute step 90 is not 1 to 59: steps begin again with each field, and what goes on is an @every
	// calendar: "0 0 30 2 *": is never due: there is no such day
}
