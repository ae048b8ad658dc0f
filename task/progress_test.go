package task_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/hemgo/hem/task"
)

func TestReportsOfManyGoroutinesReachOneAtATimeAndTheLastOneArrives(t *testing.T) {
	var last task.Progress
	calls := 0 // no mutex
	ctx := task.OnProgress(t.Context(), func(p task.Progress) { calls++; last = p })
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range int64(1000) {
				task.Report(ctx, task.Progress{Done: i})
			}
		})
	}
	wg.Wait()
	task.Report(ctx, task.Progress{Done: 1000})
	if last.Done != 1000 || calls > 8001 {
		t.Errorf("the last of %d calls was %+v", calls, last)
	}
}

func TestAReporterWaitsForNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []int64
		release := make(chan struct{})
		ctx := task.OnProgress(t.Context(), func(p task.Progress) {
			if got = append(got, p.Done); p.Done == 1 {
				<-release
			}
		})
		slow := make(chan struct{})
		go func() { task.Report(ctx, task.Progress{Done: 1}); close(slow) }()
		synctest.Wait()
		task.Report(ctx, task.Progress{Done: 2}) // returns at once
		task.Report(ctx, task.Progress{Done: 3})
		close(release)
		<-slow
		if len(got) != 2 || got[1] != 3 {
			t.Errorf("got %v, want 1 and then the latest", got)
		}
	})
}

func TestAListenerMayReport(t *testing.T) {
	var ctx context.Context
	var got []int64
	ctx = task.OnProgress(t.Context(), func(p task.Progress) {
		if got = append(got, p.Done); p.Done < 3 {
			task.Report(ctx, task.Progress{Done: p.Done + 1})
		}
	})
	task.Report(ctx, task.Progress{Done: 1})
	if len(got) != 3 {
		t.Errorf("got %v", got)
	}
}

func TestAListenerThatPanicsHearsTheNextReport(t *testing.T) {
	heard := 0
	ctx := task.OnProgress(t.Context(), func(task.Progress) {
		if heard++; heard == 1 {
			panic("no")
		}
	})
	func() {
		defer func() { _ = recover() }()
		task.Report(ctx, task.Progress{})
	}()
	task.Report(ctx, task.Progress{})
	if heard != 2 {
		t.Errorf("heard %d", heard)
	}
}

func TestWatchedTellsWhetherSomebodyListens(t *testing.T) {
	ctx := t.Context()
	listened := task.OnProgress(ctx, func(task.Progress) {})
	if task.Watched(ctx) || !task.Watched(listened) || task.Watched(task.OnProgress(listened, nil)) {
		t.Error("it does not")
	}
	task.Report(ctx, task.Progress{}) // no harm
}

func BenchmarkReportUnheard(b *testing.B) {
	b.ReportAllocs()
	ctx := b.Context()
	for b.Loop() {
		task.Report(ctx, task.Progress{Done: 1})
	}
}

func BenchmarkReport(b *testing.B) {
	b.ReportAllocs()
	ctx := task.OnProgress(b.Context(), func(task.Progress) {})
	for b.Loop() {
		task.Report(ctx, task.Progress{Done: 1})
	}
}
