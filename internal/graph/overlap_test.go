package graph_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/scope"
)

// Found by TestProgramsWithoutAnyOrderNeverHang: a task that closed a knot and
// waited for an older one besides, which was being judged, was not told; and
// when the older one came undone nobody looked again.
func TestTaskThatClosesAKnotWhileAnOlderOneIsJudgedIsToldToo(t *testing.T) {
	out := play(t, func(sc *scene) {
		owners, bs, cs := &mutex{name: "owner's"}, &mutex{name: "b's"}, &mutex{name: "c's"}
		hook, arm, judging, goOn := sc.once(asked)
		bs.at = hook
		cHolds, bWaits := make(chan struct{}), make(chan struct{})
		sc.start("c", func(ctx context.Context) error {
			return hold(ctx, cs, func() error {
				close(cHolds)
				<-bWaits
				return hold(ctx, bs, func() error { return nil })
			})
		})
		sc.start("owner", func(ctx context.Context) error {
			return hold(ctx, owners, func() error {
				return scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
					sc.startIn(s, "b", func(ctx context.Context) error {
						return hold(ctx, bs, func() error {
							<-cHolds
							return hold(ctx, cs, func() error { return nil })
						})
					})
					sc.startIn(s, "a", func(ctx context.Context) error {
						return hold(ctx, owners, func() error { return nil })
					})
					synctest.Wait() // b waits for c, a for the owner
					arm()
					close(bWaits)
					<-judging // c has closed b's knot and not yet been told
					return nil
				})
			})
		})
		<-judging
		time.Sleep(time.Second) // the owner joins, and lingers with long pauses
		sc.start("late", func(ctx context.Context) error {
			return hold(ctx, owners, func() error { return nil })
		})
		time.Sleep(time.Millisecond) // late lingers with short ones
		close(goOn)
	})
	if out.hung || len(out.verdicts) != 2 {
		t.Fatalf("hung %v, verdicts %v, want those of two knots", out.hung, out.verdicts)
	}
	for _, d := range out.verdicts { // and not who joins them all
		if name, _, _ := strings.Cut(d.Task, "#"); name != "c" && name != "owner" {
			t.Errorf("told was %s", d.Task)
		}
	}
	if err := out.errs["late"]; err != nil {
		t.Errorf("who only waits for the owner got %v", err)
	}
}

// The same, as it comes most easily: two children each knot with their owner,
// and each takes the other's knot for an older one.
func TestTwoKnotsThatShareATaskAndCloseAtOnceAreBothReported(t *testing.T) {
	out := play(t, func(sc *scene) {
		m := &mutex{name: "owner's"}
		// Both stop between publishing and looking.
		begin, gate := make(chan struct{}), make(chan struct{})
		both := make(chan struct{}, 2)
		m.at = func(p moment) {
			if p == published {
				both <- struct{}{}
				sc.until(gate)
			}
		}
		sc.start("owner", func(ctx context.Context) error {
			return hold(ctx, m, func() error {
				return scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
					for _, name := range []string{"one", "two"} {
						scope.Try(s, func(ctx context.Context) (int, error) {
							<-begin
							err := hold(context.WithoutCancel(ctx), m, func() error { return nil })
							sc.note(name, err)
							return 0, err
						}, scope.Name(name))
					}
					return nil
				})
			})
		})
		synctest.Wait() // the owner joins
		close(begin)
		<-both
		<-both
		close(gate)
	})
	if out.hung || len(out.verdicts) != 2 {
		t.Fatalf("hung %v, verdicts %v, want one for each child", out.hung, out.verdicts)
	}
}

// A bystander arrives while the knot it waits for is being judged. It must not
// be told, and must be freed.
func TestBystanderOfAKnotThatIsBeingJudgedIsNotTold(t *testing.T) {
	out := play(t, func(sc *scene) {
		a, b := &mutex{name: "a"}, &mutex{name: "b"}
		hook, arm, judging, goOn := sc.once(asked)
		a.at = hook
		bHeld := make(chan struct{})
		sc.task("first", func(ctx context.Context) error {
			return hold(ctx, a, func() error {
				<-bHeld
				return hold(ctx, b, func() error { return nil })
			})
		})
		sc.start("second", func(ctx context.Context) error {
			return hold(ctx, b, func() error {
				close(bHeld)
				synctest.Wait() // first waits
				arm()
				return hold(ctx, a, func() error { return nil })
			})
		})
		<-judging
		sc.task("bystander", func(ctx context.Context) error {
			return hold(ctx, a, func() error { return nil })
		})
		close(goOn)
	})
	if out.hung || len(out.verdicts) != 1 || out.errs["second"] == nil || out.errs["bystander"] != nil {
		t.Fatalf("hung %v, errors %v, want one verdict, second's", out.hung, out.errs)
	}
}
