package jobtest_test

import (
	"context"
	"testing"
	"time"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/task"
)

// Run in a bubble: testing/synctest.Test(t, testReportsAreMadeOnWorkingDays).
func testReportsAreMadeOnWorkingDays(t *testing.T) {
	var made []time.Time
	report := task.Command("report", func(ctx context.Context, _ task.Void) error {
		tick, _ := job.Scheduled(ctx)
		made = append(made, tick)
		return nil
	})
	ctx := t.Context()
	jobs := jobtest.New(t, job.Config{}, report)

	mornings := job.Cron("30 7 * * mon-fri").In("Europe/Berlin")
	if err := job.Schedule(ctx, jobs.Client(), "morning-report", mornings, report, task.Void{}); err != nil {
		t.Fatal(err)
	}
	if n := jobs.RunFor(ctx, 7*24*time.Hour); n != 5 {
		t.Errorf("in a week there were %d reports", n)
	}
	for _, tick := range made {
		if day := tick.Weekday(); day == time.Saturday || day == time.Sunday {
			t.Errorf("there was a report of a %v", day)
		}
	}
}

// A week of a schedule, in a few milliseconds.
func Example_schedule() {}
