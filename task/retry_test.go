package task_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/task"
)

// script is a runner that answers each attempt with the next error, the last
// one for ever, and notes when it was asked.
type script struct {
	errs []error
	at   []time.Duration
	from time.Time
}

func (s *script) Run(ctx context.Context, c *task.Call) error {
	if s.at == nil {
		s.from = time.Now()
	}
	s.at = append(s.at, time.Since(s.from))
	if err := s.errs[min(len(s.at), len(s.errs))-1]; err != nil {
		return err
	}
	return c.Invoke(ctx)
}

func full() float64 { return 0 } // no jitter: whole back-offs

var (
	refused = &fault.Error{Op: "pool: submit", Kind: fault.Overloaded, Err: io.EOF}
	lost    = &fault.Error{Op: "proc: run", Kind: fault.Lost, Started: true, Err: io.EOF}
)

// TestRetryDecidesByTheError is the table in Retry's comment.
func TestRetryDecidesByTheError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, c := range map[string]struct {
			err           error
			without, with int // attempts without and with Repeat
		}{
			"overloaded, not started":      {refused, 4, 4},
			"lost, not started":            {&fault.Error{Kind: fault.Lost}, 4, 4},
			"lost, may have started":       {lost, 1, 4},
			"a plain error":                {io.EOF, 1, 4},
			"deadline of the function":     {context.DeadlineExceeded, 1, 4},
			"deadlock":                     {&fault.Deadlock{}, 1, 4},
			"permanent, not started":       {fault.Permanent(refused), 1, 1},
			"permanent":                    {fault.Permanent(io.EOF), 1, 1},
			"retry after":                  {fault.RetryAfter(io.EOF, time.Second), 1, 4},
			"retry after, not started":     {fault.RetryAfter(refused, time.Second), 4, 4},
			"cancelled":                    {context.Canceled, 1, 1},
			"cancelled, not started":       {&fault.Error{Kind: fault.Cancelled}, 1, 1},
			"panicked":                     {&fault.Panic{Value: "x"}, 1, 1},
			"fenced":                       {&fault.Error{Kind: fault.Fenced}, 1, 1},
			"invalid":                      {&fault.Error{Kind: fault.Invalid}, 1, 1},
			"joined, one of them started":  {errors.Join(refused, io.EOF), 1, 4},
			"joined, one of them for good": {errors.Join(refused, fault.Permanent(refused)), 1, 1},
		} {
			for repeat, want := range map[bool]int{false: c.without, true: c.with} {
				s := &script{errs: []error{c.err}}
				_, err := double.Do(t.Context(), task.Retry(task.RetryPolicy{Repeat: repeat}, s), 1)
				if len(s.at) != want {
					t.Errorf("%s, Repeat %v: %d attempts, want %d", name, repeat, len(s.at), want)
				}
				if !errors.Is(err, c.err) || fault.KindOf(err) != fault.KindOf(c.err) || fault.Started(err) != fault.Started(c.err) || fault.Retryable(err) != fault.Retryable(c.err) {
					t.Errorf("%s, Repeat %v: the error is %v", name, repeat, err)
				}
				if want == 1 && err != c.err {
					t.Errorf("%s, Repeat %v: one attempt's error came back as another value: %v", name, repeat, err)
				}
				if want > 1 && !strings.Contains(err.Error(), `task: retry "double": 4 attempts: `) {
					t.Errorf("%s, Repeat %v: the text is %q", name, repeat, err)
				}
			}
		}
	})
}

func TestRetryBacksOffAndStopsAtSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			policy task.RetryPolicy
			errs   []error
			want   []time.Duration // when the attempts are, in ms
		}{
			{task.RetryPolicy{}, []error{refused, refused, nil}, []time.Duration{0, 100, 300}},
			{task.RetryPolicy{}, []error{refused}, []time.Duration{0, 100, 300, 700}},
			{task.RetryPolicy{Attempts: 1}, []error{refused}, []time.Duration{0}},
			{task.RetryPolicy{Attempts: 6, MaxWait: 250 * time.Millisecond}, []error{refused}, []time.Duration{0, 100, 300, 550, 800, 1050}},
			{task.RetryPolicy{Attempts: 3, Wait: time.Minute}, []error{refused}, []time.Duration{0, 60_000, 120_000}},
			{task.RetryPolicy{Wait: time.Second, MaxWait: time.Millisecond}, []error{refused}, []time.Duration{0, 1, 2, 3}},
			{task.RetryPolicy{MaxWait: time.Millisecond}, []error{fault.RetryAfter(refused, time.Minute), refused, fault.RetryAfter(refused, 0), nil}, []time.Duration{0, 60_000, 60_001, 60_001}},
			{task.RetryPolicy{Rand: func() float64 { return 0.5 }}, []error{refused}, []time.Duration{0, 75, 225, 525}},
			{task.RetryPolicy{Rand: func() float64 { return 7 }}, []error{refused}, []time.Duration{0, 50, 150, 350}},
			{task.RetryPolicy{Rand: func() float64 { return -7 }}, []error{refused}, []time.Duration{0, 100, 300, 700}},
		} {
			if c.policy.Rand == nil {
				c.policy.Rand = full
			}
			s := &script{errs: c.errs}
			_, err := double.Do(t.Context(), task.Retry(c.policy, s), 1)
			if (err == nil) != (c.errs[len(c.errs)-1] == nil) {
				t.Errorf("%+v: %v", c.policy, err)
			}
			if len(s.at) != len(c.want) {
				t.Errorf("%+v: attempts at %v, want %v ms", c.policy, s.at, c.want)
				continue
			}
			for i, at := range s.at {
				if at != c.want[i]*time.Millisecond {
					t.Errorf("%+v: attempts at %v, want %v ms", c.policy, s.at, c.want)
					break
				}
			}
		}
	})
}

func TestRetryJitterIsWithinItsBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := make(map[time.Duration]bool)
		for range 200 {
			s := &script{errs: []error{refused, nil}}
			if _, err := double.Do(t.Context(), task.Retry(task.RetryPolicy{}, s), 1); err != nil {
				t.Fatal(err)
			}
			if wait := s.at[1]; wait < 50*time.Millisecond || wait > 100*time.Millisecond {
				t.Errorf("waited %v", wait)
			}
			seen[s.at[1]] = true
		}
		if len(seen) < 100 {
			t.Errorf("of 200 waits only %d differ", len(seen))
		}
	})
}

func TestRetryRemembersThatAnEarlierAttemptMayHaveStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, last := range []error{refused, fault.Permanent(refused)} {
			s := &script{errs: []error{lost, last}}
			_, err := double.Do(t.Context(), task.Retry(task.RetryPolicy{Repeat: true, Attempts: 2}, s), 1)
			if !fault.Started(err) || !errors.Is(err, last) || fault.Retryable(err) != fault.Retryable(last) {
				t.Errorf("got %v, started %v, retryable %v", err, fault.Started(err), fault.Retryable(err))
			}
		}
	})
}

func TestRetryGivesUpWhenItsContextEndsDuringAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, last := range []error{refused, lost} {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(30*time.Millisecond, func() { cancel(io.ErrClosedPipe) })
			s := &script{errs: []error{last}}
			start := time.Now()
			_, err := double.Do(ctx, task.Retry(task.RetryPolicy{Repeat: true, Rand: full}, s), 1)
			if took := time.Since(start); took != 30*time.Millisecond || len(s.at) != 1 {
				t.Errorf("after %v and %d attempts", took, len(s.at))
			}
			if fault.KindOf(err) != fault.Cancelled || !errors.Is(err, io.ErrClosedPipe) || !errors.Is(err, last) || fault.Started(err) != fault.Started(last) {
				t.Errorf("got %v, kind %v, started %v", err, fault.KindOf(err), fault.Started(err))
			}
		}
	})
}

func TestRetryDoesNotWaitForADeadlineThatItCannotKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		s := &script{errs: []error{fault.RetryAfter(refused, time.Minute)}}
		start := time.Now()
		_, err := double.Do(ctx, task.Retry(task.RetryPolicy{}, s), 1)
		if time.Since(start) != 0 || fault.KindOf(err) != fault.Overloaded || fault.Started(err) || !strings.Contains(err.Error(), "no time to wait 1m0s") {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

func TestRetryDoesNotTryAgainWhenItsContextHasEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	d := task.Command("d", func(context.Context, int) error { cancel(); return io.EOF })
	if _, err := d.Do(ctx, task.Retry(task.RetryPolicy{Repeat: true}, task.Here), 1); err != io.EOF {
		t.Error(err)
	}
}

func TestRetryWaitsWhereItCanBeSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{errs: []error{refused, nil}}
		err := scope.Run(t.Context(), func(ctx context.Context, sc *scope.Scope) error {
			v, err := double.Go(sc, task.Retry(task.RetryPolicy{}, s), 4).Await(ctx)
			if v != 8 {
				t.Errorf("got %d", v)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestRetryRefusesNegativeNumbers(t *testing.T) {
	for _, p := range []task.RetryPolicy{{Attempts: -1}, {Wait: -1}, {MaxWait: -1}} {
		if text := refusal(func() any { return task.Retry(p, task.Here) }); !strings.HasPrefix(text, "task: Retry with a negative number: ") {
			t.Errorf("%+v: %q", p, text)
		}
	}
}
