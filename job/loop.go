package job

import (
	"context"
	"runtime"
	"time"

	"github.com/hemgo/hem/job/internal/owner"
)

// yields is how often at most the loop lets others run before it decides, so that
// more of them have arrived: those that the last round has answered, above all. It is
// worth 1.5 times the throughput with 16 producers, 1.1 to 1.4 times with 64 and
// 256, and costs one alone nothing that can be seen (BenchmarkEnqueueYields).
var yields = 12

// run is the owner's goroutine:
//
//	take, gather     ─▶ decide ─▶ append ─▶ answer ─┐
//	   ▲                    │ nothing to log         │
//	   │                    ▼                        │
//	   └───────────────── wait ◀─────────────────────┘
//
// What arrives during an append is decided as one after it.
func (o *Owner) run(next owner.Next) {
	returned := false
	var why error
	defer func() {
		if value := recover(); !returned {
			why = o.crash(value)
		}
		o.end(why)
		o.mine.Unlock()
	}()
	why = o.serve(next)
	returned = true
}

// serve goes on until the owner is closed, which is nil, or can no more.
func (o *Owner) serve(next owner.Next) error {
	for {
		o.trim(next.Trim)
		if o.take() {
			o.gather()
		}
		if o.closing.Load() {
			return nil
		}
		if o.low != nil {
			o.core.Low(o.low())
		}
		if o.room != nil {
			o.core.Left(o.room())
		}
		next = o.core.Decide(o.now())
		o.release()
		if next.Do == owner.Idle {
			o.round.Add(1)
			o.publish()
			o.outside(func() { o.await(next) })
			continue
		}
		for next.Do != owner.Idle {
			var err error
			if next, err = o.step(next); o.ctx.Err() != nil {
				return nil // Close has given up
			} else if err != nil {
				return err
			}
		}
		o.round.Add(1)
		o.publish() // before anybody hears of it
		o.release()
	}
}

// gather lets others run and takes what they bring, until it seems to be all.
func (o *Owner) gather() {
	for n, vain := 0, 0; n < yields && vain < 2; n++ {
		runtime.Gosched()
		if vain++; o.take() {
			vain = 0
		}
	}
}

// step does what next says.
func (o *Owner) step(next owner.Next) (owner.Next, error) {
	o.trim(next.Trim)
	if next.Do == owner.Ended {
		return next, next.Err
	}
	if err := o.pause(next.Pause); err != nil {
		return next, err
	}
	return o.carryOut(o.ctx, next)
}

// take gives the core what has arrived, and reports whether anything had.
func (o *Owner) take() bool {
	l := o.inbox.take()
	if l == nil {
		return false
	}
	for l != nil {
		next := l.next // whoever is answered may go away with its letter
		o.deliver(l)
		l = next
	}
	return true
}

func (o *Owner) deliver(l *letter) {
	switch r := l.about; {
	case l.again != nil:
		o.left(r, l.again)
	case l.gone:
		o.dropped(r, l.undo)
	case r.stage.CompareAndSwap(posted, o.round.Load()):
		o.held.insert(r)
		o.core.Add(&r.Request)
	}
}

// release answers those whose answer the core has.
func (o *Owner) release() {
	for _, r := range o.core.Entered() {
		if r, ok := r.Tag.(*request); ok && r.told != nil {
			r.told.entered(r)
		}
	}
	for _, r := range o.core.Answered() {
		if r, ok := r.Tag.(*request); ok {
			o.answer(r)
		}
	}
}

// await waits until something arrives, or a timer of the core's is due.
func (o *Owner) await(next owner.Next) {
	if !o.inbox.mayWait() {
		return
	}
	defer o.inbox.woken()
	if o.closing.Load() {
		return
	}
	if next.Sleeps() {
		<-o.inbox.bell
		return
	}
	t := time.NewTimer(next.WakeIn(o.now()))
	defer t.Stop()
	select {
	case <-o.inbox.bell:
	case <-t.C:
	}
}

// pause waits for d. Those who leave meanwhile are let go.
func (o *Owner) pause(d time.Duration) error {
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		for waiting := true; waiting; {
			o.take()
			o.release()
			if !o.inbox.mayWait() {
				continue
			}
			o.outside(func() {
				select {
				case <-o.inbox.bell:
				case <-t.C:
					waiting = false
				case <-o.ctx.Done():
					waiting = false
				}
			})
			o.inbox.woken()
		}
	}
	return context.Cause(o.ctx)
}

// outside runs f, which does not look at the core, and lets others do so meanwhile.
func (o *Owner) outside(f func()) {
	o.mine.Unlock()
	defer o.mine.Lock()
	f()
}
