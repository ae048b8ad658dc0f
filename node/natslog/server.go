package natslog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// The stream, and the one subject that it has.
const (
	streamName = "log"
	subject    = "r"
	storeID    = "hem-store"
)

const (
	patience = time.Second // of one request that is not an append
	attempts = 3           // of it: one that was lost once hung for a minute
)

// A node is a server in this process, with the stream of a directory, and a
// connection to it through memory. It listens nowhere.
type node struct {
	srv     *server.Server
	conn    *nats.Conn
	inbox   string         // what appends are answered to, before a token
	replies chan *nats.Msg // those answers
	token   uint64         // of the last message that wants one; the appender's

	alarm   chan struct{} // something was logged as an error
	trouble atomic.Pointer[string]
	warning atomic.Pointer[string]
}

// startNode starts a server over dir.
func startNode(dir string, c Config) (*node, error) {
	n := &node{alarm: make(chan struct{}, 1), replies: make(chan *nats.Msg, 64)}
	o := &server.Options{
		ServerName: "hem",
		DontListen: true,
		NoSigs:     true,
		JetStream:  true,
		StoreDir:   dir,
		SyncAlways: !c.unsynced,
		// Log.room is the limit. The server's own is not exact, and its default
		// is a guess at its start that the disk has outgrown when it counts.
		JetStreamMaxStore:      1 << 60,
		JetStreamMaxMemory:     1 << 20,
		DisableJetStreamBanner: true,
	}
	if c.unsynced {
		o.SyncInterval = 24 * time.Hour
	}
	var err error
	if n.srv, err = server.NewServer(o); err != nil {
		return nil, err
	}
	n.srv.SetLoggerV2(&serverLog{n, c.Log.With("natslog", dir)}, false, false, false)
	n.srv.Start()
	if !n.srv.JetStreamEnabled() || !n.srv.ReadyForConnections(10*time.Second) {
		n.stop()
		return nil, fmt.Errorf("the store did not open: %s", n.said())
	}
	if err := n.connect(); err != nil {
		n.stop()
		return nil, err
	}
	return n, nil
}

func (n *node) connect() error {
	conn, err := nats.Connect("", nats.InProcessServer(n.srv), nats.NoReconnect(),
		nats.SkipSubjectValidation(), nats.Timeout(10*time.Second))
	if err != nil {
		return err
	}
	n.conn, n.inbox = conn, conn.NewInbox()
	if _, err = conn.ChanSubscribe(n.inbox+".*", n.replies); err == nil {
		err = conn.FlushTimeout(10 * time.Second)
	}
	return err
}

// stopPatience is how long a server may take to end. It takes milliseconds.
const stopPatience = 20 * time.Second

// errStuck says that the server inside does not end. Version 2.15.2 is known to
// wait for itself when a disk fills up in the middle of a purge: its file store
// takes its own lock a second time (flushPendingMsgs, rebuildState).
var errStuck = errors.New("the store waits for itself and does not end")

// stop ends the server and waits until it has. It fails with errStuck.
func (n *node) stop() error {
	if n.conn != nil {
		n.conn.Close()
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n.srv.Shutdown()
		n.srv.WaitForShutdown()
	}()
	select {
	case <-ended:
		return nil
	case <-time.After(stopPatience):
		return errStuck
	}
}

// said is what the server has complained of last.
func (n *node) said() string {
	for _, s := range []*string{n.trouble.Load(), n.warning.Load()} {
		if s != nil {
			return *s
		}
	}
	return "no reason is known"
}

// saidFull reports whether the server has complained of the disk's being full.
func (n *node) saidFull() bool {
	for _, s := range []*string{n.trouble.Load(), n.warning.Load()} {
		if s != nil && saysFull(*s) {
			return true
		}
	}
	return false
}

func saysFull(s string) bool {
	return strings.Contains(s, syscall.ENOSPC.Error()) || strings.Contains(s, syscall.EDQUOT.Error())
}

// call asks the server for something that may be asked twice.
func (n *node) call(ctx context.Context, verb string, req, resp any) error {
	body, err := json.Marshal(req)
	if err != nil {
		return err
	}
	var m *nats.Msg
	for range attempts {
		one, cancel := context.WithTimeout(ctx, patience)
		m, err = n.conn.RequestWithContext(one, "$JS.API."+verb+"."+streamName, body)
		cancel()
		if err == nil {
			return json.Unmarshal(m.Data, resp)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			break
		}
	}
	return fmt.Errorf("%s: %w", strings.ToLower(verb), err)
}

// create makes the stream of a new store.
func (n *node) create(ctx context.Context, id string) error {
	var resp server.JSApiStreamCreateResponse
	err := n.call(ctx, "STREAM.CREATE", &server.StreamConfig{
		Name:        streamName,
		Subjects:    []string{subject},
		Retention:   server.LimitsPolicy,
		Storage:     server.FileStorage,
		Replicas:    1,
		Discard:     server.DiscardNew,
		MaxMsgs:     -1,
		MaxBytes:    -1,
		MaxMsgSize:  -1,
		AllowDirect: true,
		DenyDelete:  true,
		Metadata:    map[string]string{storeID: id},
	}, &resp)
	if err == nil && resp.Error != nil {
		err = resp.Error
	}
	return err
}

// An extent is what the stream has.
type extent struct {
	id          string // of the store that the stream was made for
	first, last uint64 // of an empty one, first = last+1
	count       uint64
	bytes       int64
}

var errNoStream = errors.New("the stream is missing")

// extent asks what the stream has.
func (n *node) extent(ctx context.Context) (extent, error) {
	var resp server.JSApiStreamInfoResponse
	if err := n.call(ctx, "STREAM.INFO", struct{}{}, &resp); err != nil {
		return extent{}, err
	}
	switch {
	case resp.Error != nil && resp.Error.ErrCode == uint16(server.JSStreamNotFoundErr):
		return extent{}, errNoStream
	case resp.Error != nil:
		return extent{}, resp.Error
	case resp.StreamInfo == nil:
		return extent{}, errNoStream
	}
	s := resp.State
	e := extent{resp.Config.Metadata[storeID], s.FirstSeq, s.LastSeq, s.Msgs, int64(s.Bytes)}
	if e.count == 0 {
		e.first = e.last + 1
	}
	return e, nil
}

// purge forgets what is before seq.
func (n *node) purge(ctx context.Context, seq uint64) error {
	var resp server.JSApiStreamPurgeResponse
	err := n.call(ctx, "STREAM.PURGE", &server.JSApiStreamPurgeRequest{Sequence: seq}, &resp)
	if err == nil && resp.Error != nil {
		err = resp.Error
	}
	return err
}

// serverLog is where the server complains. What it says of its own doings is
// for those who look for it.
type serverLog struct {
	n   *node
	log *slog.Logger
}

func (s *serverLog) Noticef(format string, v ...any) { s.log.Debug(fmt.Sprintf(format, v...)) }
func (s *serverLog) Debugf(format string, v ...any)  {}
func (s *serverLog) Tracef(format string, v ...any)  {}
func (s *serverLog) Fatalf(format string, v ...any)  { s.Errorf(format, v...) } // it goes on, and says no
func (s *serverLog) Warnf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	s.n.warning.Store(&text)
	s.log.Warn(text)
}
func (s *serverLog) Errorf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	s.n.trouble.Store(&text)
	s.log.Error(text)
	select {
	case s.n.alarm <- struct{}{}:
	default:
	}
}
