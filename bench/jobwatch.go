//go:build unix

package main

import (
	"context"
	"sync"
	"time"

	"github.com/hemgo/hem/job"
)

// A watchedLog tells when snapshots were being written, by what their owner asks
// of the log: when one is complete, what is older than the record it began in is
// trimmed.
type watchedLog struct {
	roomyLog

	mu        sync.Mutex
	bytes     int64 // of all records
	first     uint64
	began     []time.Time // the appends of records, from the one numbered first
	snapshots []stretch
}

// A roomyLog is a log that knows whether it has room: node/natslog's is one.
type roomyLog interface {
	job.Log
	Low() error
}

// A stretch is a piece of time.
type stretch struct{ from, to time.Time }

// overlaps tells whether c was under way at some time of s.
func (s stretch) overlaps(c call) bool {
	return !c.began.After(s.to) && !c.began.Add(c.took).Before(s.from)
}

func (l *watchedLog) Append(ctx context.Context, after uint64, rec []byte) error {
	l.mu.Lock()
	l.bytes += int64(len(rec))
	if len(l.began) == 0 {
		l.first = after + 1
	}
	// One that was not stored is appended again, under the same number.
	if at := after + 1 - l.first; at >= uint64(len(l.began)) {
		l.began = append(l.began, time.Now())
	}
	l.mu.Unlock()
	return l.roomyLog.Append(ctx, after, rec)
}

func (l *watchedLog) Trim(ctx context.Context, before uint64) error {
	l.mu.Lock()
	if at := before - l.first; before >= l.first && at < uint64(len(l.began)) {
		l.snapshots = append(l.snapshots, stretch{l.began[at], time.Now()})
	}
	l.mu.Unlock()
	return l.roomyLog.Trim(ctx, before)
}

// size returns how many bytes were appended.
func (l *watchedLog) size() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes
}

// lastSnapshot returns when the latest snapshot was written, if one was.
func (l *watchedLog) lastSnapshot() (s stretch, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.snapshots) == 0 {
		return s, false
	}
	return l.snapshots[len(l.snapshots)-1], true
}
