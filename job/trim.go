package job

import (
	"sync"
	"time"
)

// trimPause is how long after a trim that failed the next one is tried.
const trimPause = 5 * time.Second

// A trimmer forgets old records, beside everything else and one call at a time.
// That it fails harms nobody, and is tried again: a full disk may need it.
type trimmer struct {
	running sync.WaitGroup

	mu     sync.Mutex
	before uint64 // what is to be forgotten, and all before it
	busy   bool
}

// trim forgets the records before before; 0 is none.
func (o *Owner) trim(before uint64) {
	t := &o.trims
	t.mu.Lock()
	defer t.mu.Unlock()
	if before <= t.before {
		return
	}
	t.before = before
	if !t.busy {
		t.busy = true
		t.running.Go(o.trimAll)
	}
}

// trimAll goes on until all that is to be forgotten is.
func (o *Owner) trimAll() {
	t := &o.trims
	var done, failed uint64
	for {
		t.mu.Lock()
		before := t.before
		t.busy = before > done
		busy := t.busy
		t.mu.Unlock()
		if !busy {
			return
		}
		err := o.trimTo(before)
		if err == nil || o.ctx.Err() != nil {
			done = before
			continue
		}
		if failed != before {
			failed = before
			o.config.Log.Warn("job: old records stay in the log for now", "name", o.config.Name, "before", before, "err", err)
		}
		_ = sleep(o.ctx, trimPause)
	}
}

// trimTo contains what the log may do: nobody waits for it.
func (o *Owner) trimTo(before uint64) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = o.crash(v)
		}
	}()
	return o.store.Trim(o.ctx, before)
}

func (t *trimmer) wait() { t.running.Wait() }
