package natslog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/hemgo/hem/job"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const (
	// An append is answered within a millisecond where the disk is well. After
	// doubtAfter the server is asked whether it has got past it.
	doubtAfter = 250 * time.Millisecond

	// A disk that has not answered after silence has the caller's patience no
	// longer, although the record may yet be stored.
	silence = 10 * time.Second

	// The server takes a sequence that has no place in an int64 for none at all,
	// and stores the record wherever it is. No log gets there.
	beyond = 1 << 62
)

// Append is [job.Log.Append].
func (l *Log) Append(ctx context.Context, after uint64, rec []byte) error {
	if err := l.enter(); err != nil {
		return err
	}
	defer l.leave()
	if len(rec) == 0 || len(rec) > job.MaxRecord {
		return l.refusal(after, job.ErrTooLarge, fmt.Sprintf("it has %d bytes, of 1 to %d", len(rec), job.MaxRecord))
	}
	if after >= beyond {
		return l.refusal(after, job.ErrConflict, "there is no such record")
	}
	select {
	case <-l.writing:
		defer func() { l.writing <- struct{}{} }()
	case <-ctx.Done():
		return l.refusal(after, job.ErrUnknown, context.Cause(ctx).Error())
	}
	if err := ctx.Err(); err != nil {
		return l.refusal(after, job.ErrUnknown, context.Cause(ctx).Error())
	}
	if err := l.room.admit(len(rec)); err != nil {
		return l.refusal(after, job.ErrFull, err.Error())
	}
	return l.send(ctx, after, rec)
}

// refusal is an error of an append.
func (l *Log) refusal(after uint64, what error, why string) error {
	return fmt.Errorf("natslog: append %d to %s: %w: %s", after+1, l.dir, what, why)
}

// errWedged says that the server has got past an append and not answered it: it
// could not write, and will not write again before it is reopened.
var errWedged = errors.New("the store could not write")

// send stores rec, with the writing token held.
func (l *Log) send(ctx context.Context, after uint64, rec []byte) error {
	n := l.node.Load()
	if n == nil {
		if err := l.reopen(ctx); err != nil {
			return l.down(after, err)
		}
		n = l.node.Load()
	}
	var hash [32]byte
	sent := n.publish(after, rec)
	hash = hashOf(rec) // while the disk works
	err := sent
	if err == nil {
		err = n.await(ctx)
	}
	var refused *server.ApiError
	switch {
	case err == nil:
		return l.noted(after, len(rec), hash)
	case errors.As(err, &refused) && refused.ErrCode == uint16(server.JSStreamWrongLastSequenceErrF):
		return l.refusal(after, job.ErrConflict, refused.Description)
	case errors.Is(err, errWedged):
		return l.afterwards(ctx, n, after, rec)
	}
	return l.refusal(after, job.ErrUnknown, err.Error())
}

// noted completes an append that the store has acknowledged: L2.
func (l *Log) noted(after uint64, size int, hash [32]byte) error {
	l.room.took(size)
	if err := l.head.stored(after+1, hash); err != nil {
		return l.refusal(after, job.ErrUnknown, "note it in the head: "+err.Error())
	}
	return nil
}

// down is what an append gets while the store cannot be opened. It has not been
// sent, so where the disk is full the promise of ErrFull holds.
func (l *Log) down(after uint64, err error) error {
	if errors.Is(err, job.ErrDamaged) || errors.Is(err, job.ErrClosed) {
		return err
	}
	if errors.Is(err, errNoSpace) {
		return l.refusal(after, job.ErrFull, err.Error())
	}
	return l.refusal(after, job.ErrUnknown, err.Error())
}

// afterwards reopens the store after n could not write rec, and looks what has
// become of it: it may have been written although not all of it was flushed.
func (l *Log) afterwards(ctx context.Context, n *node, after uint64, rec []byte) error {
	full, said := n.saidFull(), n.said()
	if err := l.reopen(context.WithoutCancel(ctx)); err != nil {
		if errors.Is(err, job.ErrDamaged) || errors.Is(err, job.ErrClosed) {
			return err
		}
		return l.refusal(after, job.ErrUnknown, said+"; "+err.Error())
	}
	n = l.node.Load()
	e, err := n.extent(ctx)
	switch {
	case err != nil:
		return l.refusal(after, job.ErrUnknown, said+"; "+err.Error())
	case e.last <= after && full: // the server that had it is gone: it will not land
		return l.refusal(after, job.ErrFull, said)
	case e.last <= after:
		return l.refusal(after, job.ErrUnknown, said)
	}
	found, err := n.get(ctx, after+1)
	switch {
	case err != nil:
		return l.refusal(after, job.ErrUnknown, said+"; "+err.Error())
	case !bytes.Equal(found, rec):
		return l.refusal(after, job.ErrConflict, "another record is there")
	}
	return l.noted(after, len(rec), hashOf(rec))
}

// publish sends rec to be stored after the record after.
func (n *node) publish(after uint64, rec []byte) error {
	n.token++
	return n.conn.PublishMsg(&nats.Msg{
		Subject: subject,
		Reply:   n.inbox + "." + strconv.FormatUint(n.token, 10),
		Header:  nats.Header{server.JSExpectedLastSeq: {strconv.FormatUint(after, 10)}},
		Data:    rec,
	})
}

// await waits for the answer to what was published last. The stream takes
// messages in turn and answers in the same order, except those that it could not
// write: these it does not answer at all. So the answer to a second message,
// which it can only refuse, says that the first one failed.
func (n *node) await(ctx context.Context) error {
	want := n.token
	asked := false
	doubt := time.NewTimer(doubtAfter)
	defer doubt.Stop()
	giveUp := time.NewTimer(silence)
	defer giveUp.Stop()
	ask := func() error {
		if asked {
			return nil
		}
		asked = true
		return n.publish(beyond-1, []byte("?"))
	}
	for {
		var err error
		select {
		case m := <-n.replies:
			switch token := m.Subject[len(n.inbox)+1:]; {
			case token == strconv.FormatUint(want, 10):
				return answer(m)
			case asked && token == strconv.FormatUint(n.token, 10):
				return errWedged
			} // of an append that was given up
		case <-n.alarm:
			err = ask()
		case <-doubt.C:
			err = ask()
		case <-giveUp.C:
			return fmt.Errorf("the disk has not answered for %v", silence)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err != nil { // the connection is gone, and the server with it
			return errWedged
		}
	}
}

// answer is what the stream says to an append.
func answer(m *nats.Msg) error {
	if m.Header.Get("Status") != "" { // nobody is there to take it
		return errWedged
	}
	var resp server.JSPubAckResponse
	if err := json.Unmarshal(m.Data, &resp); err != nil {
		return fmt.Errorf("the answer %q: %w", m.Data, err)
	}
	if resp.Error != nil {
		return resp.Error
	}
	return nil
}
