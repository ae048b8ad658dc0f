package natslog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hemgo/hem/job"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const (
	batchBytes = 4 << 20 // what is asked for at once
	batchMost  = 1 << 16
	batchWait  = 5 * time.Second // for each message of it
)

// Read is [job.Log.Read]. While f has a batch the next one is fetched.
func (l *Log) Read(ctx context.Context, from uint64, f func(seq uint64, rec []byte) error) error {
	if err := l.enter(); err != nil {
		return err
	}
	defer l.leave()
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	e, err := l.extent(ctx)
	switch {
	case err != nil:
		return err
	case from < e.first:
		return l.trimmed(from)
	case from > e.last+1:
		return fmt.Errorf("natslog: read %d of %s: %w: the last record is %d", from, l.dir, job.ErrDamaged, e.last)
	case from == e.last+1:
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	batches := make(chan batch, 1)
	go l.fetch(ctx, from, e.last, batches)
	defer func() {
		cancel()
		for range batches { // until fetch has ended
		}
	}()
	for b := range batches {
		if b.err != nil {
			return b.err
		}
		for i, rec := range b.recs {
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			seq := b.first + uint64(i)
			if err := l.seen(seq, e.last, rec); err != nil {
				return err
			}
			if err := f(seq, rec); err != nil {
				return err
			}
		}
	}
	return context.Cause(ctx) // nil if fetch has come to the last
}

// seen notes a last record whose Append did not learn that it was stored: who
// reads it may promise what is in it.
func (l *Log) seen(seq, last uint64, rec []byte) error {
	if seq < last || seq <= l.head.get().last {
		return nil
	}
	return l.head.stored(seq, hashOf(rec))
}

func (l *Log) trimmed(seq uint64) error {
	return fmt.Errorf("natslog: read %d of %s: %w: the first one is %d", seq, l.dir, job.ErrTrimmed, l.head.get().oldest)
}

// A batch is some records one after another, or why there are none.
type batch struct {
	first uint64
	recs  [][]byte
	err   error
}

// fetch sends the records next to last, and closes batches when it has, or
// after an error, or when ctx has ended.
func (l *Log) fetch(ctx context.Context, next, last uint64, batches chan<- batch) {
	defer close(batches)
	for next <= last {
		b := batch{first: next}
		b.err = l.try(ctx, func(n *node) (err error) {
			b.recs, err = n.batch(ctx, next, last)
			return err
		})
		if ctx.Err() != nil {
			b.err = context.Cause(ctx)
		}
		if b.err != nil {
			b.err = l.unread(next, b.err)
		}
		select {
		case batches <- b:
		case <-ctx.Done():
			return
		}
		if b.err != nil {
			return
		}
		next += uint64(len(b.recs))
	}
}

// errGap says that a record is not where it should be.
var errGap = errors.New("it is missing, or its checksum is wrong")

// unread is why the record seq could not be read.
func (l *Log) unread(seq uint64, err error) error {
	switch {
	case seq < l.head.get().oldest:
		return l.trimmed(seq)
	case errors.Is(err, errGap):
		return l.condemn(fmt.Sprintf("record %d: %v", seq, err))
	case errors.Is(err, job.ErrDamaged) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return fmt.Errorf("natslog: read %d of %s: %w", seq, l.dir, err)
}

// batch fetches some records, from first and not beyond last.
func (n *node) batch(ctx context.Context, first, last uint64) ([][]byte, error) {
	inbox := n.conn.NewInbox()
	sub, err := n.conn.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer sub.Unsubscribe()
	sub.SetPendingLimits(-1, -1)
	most := min(last-first+1, batchMost)
	body, err := json.Marshal(server.JSApiMsgGetRequest{Seq: first, Batch: int(most), MaxBytes: batchBytes})
	if err != nil {
		return nil, err
	}
	if err := n.conn.PublishRequest("$JS.API.DIRECT.GET."+streamName, inbox, body); err != nil {
		return nil, err
	}
	var recs [][]byte
	for {
		m, err := next(ctx, sub)
		if err != nil {
			return nil, err
		}
		if status := m.Header.Get("Status"); status != "" {
			if status == "204" && len(recs) > 0 { // the end of the batch
				return recs, nil
			}
			return nil, fmt.Errorf("%w (%s)", errGap, strings.TrimSpace(status+" "+m.Header.Get("Description")))
		}
		if got := m.Header.Get(server.JSSequence); got != strconv.FormatUint(first+uint64(len(recs)), 10) {
			if len(recs) > 0 {
				return recs, nil // the next batch begins with what is wrong
			}
			return nil, fmt.Errorf("%w: record %s comes next", errGap, got)
		}
		recs = append(recs, m.Data)
	}
}

func next(ctx context.Context, sub *nats.Subscription) (*nats.Msg, error) {
	one, cancel := context.WithTimeoutCause(ctx, batchWait, errSilent)
	defer cancel()
	m, err := sub.NextMsgWithContext(one)
	if err != nil && ctx.Err() == nil && one.Err() != nil {
		return nil, errSilent
	}
	return m, err
}

var errSilent = fmt.Errorf("the store has not answered for %v", batchWait)

// get fetches one record.
func (n *node) get(ctx context.Context, seq uint64) ([]byte, error) {
	recs, err := n.batch(ctx, seq, seq)
	if err != nil {
		return nil, err
	}
	return recs[0], nil
}
