package tasktest

import (
	"sync"
	"testing"
	"time"

	"github.com/hemgo/hem/task"
)

func progressInOrder(t *testing.T, x *exercise) {
	const n = 200
	var got []task.Progress // no mutex: it is called by one goroutine at a time
	ctx := task.OnProgress(x.ctx, func(p task.Progress) { got = append(got, p) })
	if out, err := count.Do(ctx, x.r, n); err != nil || out != n {
		t.Fatalf("got %d, %v", out, err)
	}
	before := len(got)
	if before == 0 {
		t.Fatal("no report has arrived")
	}
	for i, p := range got {
		if i > 0 && p.Done <= got[i-1].Done {
			t.Errorf("%d of %d arrived after %d", p.Done, p.Total, got[i-1].Done)
		}
		if p.Total != n || p.Note != "counting" {
			t.Errorf("a report arrived as %+v", p)
		}
	}
	if last := got[before-1].Done; last != n {
		t.Errorf("the last report that arrived is %d, the last of the function was %d", last, n)
	}
	time.Sleep(10 * time.Millisecond)
	if len(got) != before {
		t.Errorf("%d reports arrived after the call had returned", len(got)-before)
	}
}

func progressUnheard(t *testing.T, x *exercise) {
	if out, err := count.Do(x.ctx, x.r, 10); err != nil || out != 10 {
		t.Errorf("got %d, %v", out, err)
	}
	heard := 0
	ctx := task.OnProgress(x.ctx, func(task.Progress) { heard++ })
	if _, err := count.Do(task.OnProgress(ctx, nil), x.r, 10); err != nil || heard != 0 {
		t.Errorf("%d reports went past a nil OnProgress; error %v", heard, err)
	}
}

func traceCrosses(t *testing.T, x *exercise) {
	want := task.Trace{Parent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", State: "hem=1,other=a:b"}
	got, err := traced.Do(task.WithTrace(x.ctx, want), x.r, task.Void{})
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	if got, err := traced.Do(x.ctx, x.r, task.Void{}); err != nil || got != (task.Trace{}) {
		t.Errorf("without a trace: got %+v, %v", got, err)
	}
}

func thousandAtOnce(t *testing.T, x *exercise) {
	var wg sync.WaitGroup
	for g := range 100 {
		wg.Go(func() {
			for i := range 10 {
				n := 10*g + i
				if out, err := square.Do(x.ctx, x.r, n); err != nil || out != n*n {
					t.Errorf("the square of %d: got %d, %v", n, out, err)
				}
			}
		})
	}
	wg.Wait()
}

func nothingLeft(t *testing.T, _ *exercise) {
	if n := running.Load(); n != 0 {
		t.Errorf("every call has returned, and %d of their functions run", n)
	}
}
