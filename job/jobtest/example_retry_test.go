package jobtest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/task"
)

// A Shop sells things. Its payment service is down until it is up.
type Shop struct{ paymentIsUp bool }

var errDown = errors.New("the payment service is down")

func (s *Shop) charge(_ context.Context, order string) (string, error) {
	if !s.paymentIsUp {
		return "", errDown
	}
	return "receipt of " + order, nil
}

// Run in a bubble: testing/synctest.Test(t, testAChargeIsTriedAgain).
func testAChargeIsTriedAgain(t *testing.T) {
	ctx, shop := t.Context(), &Shop{}
	charge := task.Define("charge", shop.charge)
	jobs := jobtest.New(t, job.Config{}, charge)

	h, err := job.Enqueue(ctx, jobs.Client(), charge, "order 66",
		job.Backoff(time.Minute, time.Hour), job.Keep(24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if s, _ := jobs.RunNext(ctx); s.State != job.Delayed || s.Failures[0].Error != errDown.Error() {
		t.Errorf("after an attempt it is %v: %v", s.State, s.Failures)
	}
	if n := jobs.RunFor(ctx, time.Hour); n < 3 || n > 8 {
		t.Errorf("in an hour it was tried %d times", n) // after 1, 2, 4 … minutes, or a little less
	}
	shop.paymentIsUp = true
	jobs.RunFor(ctx, time.Hour)
	if receipt, err := h.Wait(ctx); receipt != "receipt of order 66" || err != nil {
		t.Errorf("got %q, %v", receipt, err)
	}
}

// A handler that fails is tried again, hours later in a moment.
func ExampleJobs_RunFor() {}
