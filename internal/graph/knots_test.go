package graph_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/scope"
)

// patience is how long a test waits for what should take microseconds before
// it calls it a hang.
const patience = 20 * time.Second

func TestEveryKnotIsReportedOnceWithEveryTaskResourceAndStack(t *testing.T) {
	seeds := 1600
	if testing.Short() {
		seeds = 160
	}
	sizes := make([]int, 9)
	var latencies []time.Duration
	for seed := range uint64(seeds) {
		k := planKnot(seed)
		if err := k.try(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		sizes[len(k.members)]++
		latencies = append(latencies, k.latency)
	}
	slices.Sort(latencies)
	at := func(q float64) time.Duration { return latencies[int(q*float64(len(latencies)-1))] }
	t.Logf("%d knots, by size %v; from the closing wait to the report p50 %v, p99 %v, max %v",
		seeds, sizes[1:], at(0.5), at(0.99), at(1))
}

func TestKnotsThatCloseAtTheSameTimeAreReportedOnceEach(t *testing.T) {
	seeds := uint64(800)
	if testing.Short() {
		seeds = 80
	}
	var next atomic.Uint64
	err := inParallel(6, func() error {
		for seed := next.Add(1); seed <= seeds; seed = next.Add(1) {
			if err := planKnot(1_000_000 + seed).try(); err != nil {
				return fmt.Errorf("seed %d: %w", 1_000_000+seed, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// try lets the knot close and judges what became of it.
func (k *knot) try() error {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	picture := ""
	defer time.AfterFunc(patience, func() { picture = dump(); cancel(errMissed) }).Stop()
	err := scope.Run(ctx, func(ctx context.Context, s *scope.Scope) error {
		k.run(ctx, s)
		return nil
	})
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %s\n%s", context.Cause(ctx), k.plan(), picture)
	}
	if err := errors.Join(append(k.wrong, err)...); err != nil {
		return fmt.Errorf("%w: %s", err, k.plan())
	}
	return k.judgeReport()
}

var errMissed = errors.New("the knot was missed")

// plan describes the knot, for whoever has to find out.
func (k *knot) plan() string {
	var edges []edge
	for _, m := range k.members {
		edges = append(edges, m.edge)
	}
	return fmt.Sprintf("edges %v, order %v, at once %v, bystanders %+v", edges, k.order, k.rush, k.bystanders)
}

// judgeReport holds the verdict against the plan.
func (k *knot) judgeReport() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.verdicts) != 1 {
		return fmt.Errorf("%d verdicts: %s", len(k.verdicts), k.plan())
	}
	var d *fault.Deadlock
	for d = range k.verdicts {
	}
	complain := func(format string, args ...any) error {
		return fmt.Errorf(format+"\n%s\n%s", append(args, k.plan(), d.Report())...)
	}
	for i := range k.members {
		if problem := k.members[i].judgeRow(d, k); problem != "" {
			return complain("member %d: %s", i, problem)
		}
	}
	for _, row := range d.Members {
		name, _, _ := strings.Cut(row.Task, "#")
		if !strings.HasPrefix(name, "member") && !strings.HasPrefix(name, "ahead") &&
			!(strings.HasPrefix(name, "bystander") && strings.HasPrefix(row.WaitsFor, "semaphore")) {
			return complain("%s has no part in the knot", row.Task)
		}
		if len(row.Stack) == 0 {
			return complain("%s has no stack", row.Task)
		}
	}
	return nil
}

// judgeRow says what the report lacks about one member.
func (m *member) judgeRow(d *fault.Deadlock, k *knot) string {
	i := slices.IndexFunc(d.Members, func(row fault.Member) bool { return row.Task == m.task.String() })
	if i < 0 {
		return "is not named"
	}
	row := d.Members[i]
	self := slices.IndexFunc(k.members, func(x member) bool { return x.task == m.task })
	next := &k.members[k.next(self)]
	resource, parks := "", ""
	switch m.edge {
	case onMutex:
		resource, parks = next.mutex.Label().String(), "(*mutex).Lock"
	case onSemaphore, onQueue:
		resource, parks = next.semaphore.Label().String(), "(*semaphore).Acquire"
	case onFuture:
		resource, parks = "future "+next.task.String(), ".Await"
	case onJoin:
		resource, parks = fmt.Sprint("join of scope scope", self), "scope.Run"
	}
	if row.WaitsFor != resource {
		return fmt.Sprintf("waits for %q, reported %q", resource, row.WaitsFor)
	}
	if !strings.Contains(row.Stack.String(), parks) {
		return fmt.Sprintf("was parked by %s, reported at\n%v", parks, row.Stack)
	}
	holder := slices.IndexFunc(d.Members, func(row fault.Member) bool { return row.Task == next.task.String() })
	if holder < 0 || !slices.Contains(d.Members[holder].Holds, resource) {
		return fmt.Sprintf("waits for %q, which %v is not said to hold", resource, next.task)
	}
	return ""
}

// Programs that lock in any order, in scopes that join each other, close knots
// of every shape, also several at once that share tasks. Each verdict makes
// one give up; if any knot were missed, the program would not end.
func TestProgramsWithoutAnyOrderNeverHang(t *testing.T) {
	rounds := 400
	if testing.Short() {
		rounds = 40
	}
	verdicts := 0
	for seed := range uint64(rounds) {
		n, err := tangle(seed)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		verdicts += n
	}
	t.Logf("%d programs, %d verdicts", rounds, verdicts)
}

// tangle runs one such program and counts its verdicts.
func tangle(seed uint64) (verdicts int, err error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	picture := ""
	defer time.AfterFunc(patience, func() { picture = dump(); cancel(errMissed) }).Stop()
	var locks [6]*mutex
	for i := range locks {
		locks[i] = &mutex{name: fmt.Sprint("any", i)}
	}
	var heard atomic.Int64
	note := func(err error) error {
		if d := (*fault.Deadlock)(nil); errors.As(err, &d) {
			heard.Add(1)
		}
		return err
	}
	var act func(ctx context.Context, r *rand.Rand, depth int) error
	act = func(ctx context.Context, r *rand.Rand, depth int) error {
		for range 1 + r.IntN(3) {
			m := locks[r.IntN(len(locks))]
			if err := m.Lock(ctx); err != nil {
				return note(err)
			}
			defer m.Unlock()
			runtime.Gosched()
		}
		if depth == 0 {
			return nil
		}
		seeds := seedsOf(r, 1+r.IntN(3))
		return note(scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
			for _, seed := range seeds {
				s.Go(func(ctx context.Context) error { return act(ctx, rand.New(rand.NewPCG(seed, 12)), depth-1) })
			}
			return nil
		}))
	}
	r := rand.New(rand.NewPCG(seed, 13))
	_ = scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
		for range 3 {
			seed := r.Uint64()
			scope.Try(s, func(ctx context.Context) (int, error) {
				return 0, act(ctx, rand.New(rand.NewPCG(seed, 14)), 2)
			})
		}
		return nil
	})
	if ctx.Err() != nil {
		return 0, fmt.Errorf("%w\n%s", context.Cause(ctx), picture)
	}
	for _, m := range locks {
		err = errors.Join(err, m.idle())
	}
	return int(heard.Load()), err
}
