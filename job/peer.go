package job

import (
	"errors"
	"io"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
	"github.com/hemgo/hem/job/internal/wire"
)

// A peer is a client in another process, at the end of a connection.
//
//	read ──▶ open ──post──▶ the owner ──answered──▶ out ──▶ write
//
// The loop never waits for it: an answer is put into out, which has no more of them
// than there are open requests.
type peer struct {
	owner *Owner
	conn  io.ReadWriteCloser
	names wire.Names // read's
	name  string     // by itself; written before it is welcomed

	bell   chan struct{} // of capacity one: there is something to write
	room   chan struct{} // of capacity one: there may be room for a request
	closed chan struct{} // nothing is written any more, and conn is closed

	heard   atomic.Bool // since idle looked
	full    atomic.Bool // read waits for room
	writing atomic.Int64
	looked  int64 // watch's: writing as of then

	mu    sync.Mutex
	open  map[uint64]*served // asked, and not answered in conn
	loads [2]load            // of those that are prompt, and of those that wait
	out   []outgoing
	say   []byte // frames that go before them
	why   error  // p has ended
	limit *time.Timer
	looks map[uint64]uint64 // the jobs of callers who have a report, and are not back
	owed  int               // about how many bytes of memory the answers in out take
	shut  bool              // out is not read any more

	// Under seats.mu:
	sits map[uint64]bool // the sessions that have come over it last
	gone bool            // it has left
}

// A load is what a peer has asked for.
type load struct {
	requests int
	bytes    int
}

// What a peer may have asked for at a time: see [Owner.Serve].
const (
	mostPrompt  = 4096
	mostWaiting = 1 << 16
	mostBytes   = 64 << 20
)

// A served is a request of a peer's.
type served struct {
	request
	peer    *peer
	id      uint64
	bytes   int
	waits   int   // which of the loads
	posted  bool  // read's: the owner has had it
	refused error // what it is answered, whatever the owner says
}

// An outgoing is an answer that is to be written.
type outgoing struct {
	s        *served
	size     int  // about how many bytes of memory it takes
	early    bool // it is of s having been entered: as job, and whether that was there
	job      uint64
	existing bool
}

func newPeer(o *Owner, conn io.ReadWriteCloser) *peer {
	return &peer{
		owner: o, conn: conn, open: make(map[uint64]*served),
		bell: make(chan struct{}, 1), room: make(chan struct{}, 1), closed: make(chan struct{}),
	}
}

func chime(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default: // it rings already
	}
}

// lastWord is how long a peer has to hear why it is cut off.
const lastWord = time.Second

// end ends p, for why: what there is to write is written, and then why.
func (p *peer) end(why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.why == nil {
		p.why = why
		p.limit = time.AfterFunc(lastWord, func() { _ = p.conn.Close() })
		chime(p.bell)
		chime(p.room)
	}
}

// idle says why p is to end, if nothing is heard of it, or it hears nothing.
func (p *peer) idle() error {
	if !p.heard.Swap(false) && !p.full.Load() {
		return errSilent
	}
	now := p.writing.Load()
	if now%2 == 1 && now == p.looked {
		return errStuck
	}
	p.looked = now
	return nil
}

// lost reports whether p has ended because the owner has.
func (p *peer) lost() bool {
	var lost *owner.LostError
	if errors.As(p.why, &lost) {
		return true
	}
	return fault.KindOf(p.why) == fault.Invalid && errors.Is(p.why, errClosed)
}

// abandon drops what was asked, and takes back what was not told.
func (p *peer) abandon() {
	p.owner.seats.leave(p)
	for _, s := range p.open {
		p.owner.desert(&s.request)
	}
	for caller, job := range p.looks { // whoever comes again over another connection says so anew
		r := &request{told: nobody{}}
		r.Op, r.Job, r.Caller = owner.Await, job, caller
		if p.owner.post(r) == nil {
			p.owner.inbox.push(&letter{about: r, gone: true})
		}
	}
}

// answered takes the answer to s. Of a Claim by a session that has come over another
// connection in the meantime it takes none: nobody is there to hear it. Nor does it of
// what can be asked again, while the peer has not read what it was answered before.
func (s *served) answered(r *request) bool {
	p := s.peer
	size, taken := s.size(), true
	switch {
	case r.Err == state.ErrNoSession && ofSession(r.Op):
		p.owner.seats.free(r.Session)
	case r.Err != nil:
	case r.Op == owner.OpenSession:
		p.owner.seats.take(r.IDs[0], p)
	case r.Op == owner.EndSession:
		p.owner.seats.free(r.Session)
	case r.Op == owner.Claim && !p.owner.seats.has(r.Session, p):
		s.refused, taken = owner.ErrDropped, false
	case size > 0 && p.swamped():
		s.refused, taken, size = owner.ErrDropped, false, 0
		s.read, s.View, s.Cancels, s.Report = nil, nil, nil, owner.Reported{}
		for i := range s.Jobs {
			s.Jobs[i] = state.Info{ID: s.Jobs[i].ID, Epoch: s.Jobs[i].Epoch} // for who takes them back
		}
	}
	return p.push(outgoing{s: s, size: size}) && taken
}

// size is about how many bytes of memory an answer takes, if that can be many: then
// it can be asked for again.
func (s *served) size() (n int) {
	const each = 512 // of what is small
	for i := range s.Jobs {
		j := &s.Jobs[i]
		n += each + len(j.Input) + len(j.Result) + len(j.Detail)
	}
	for i := range s.Cancels {
		n += each + len(s.Cancels[i].Detail)
	}
	for _, line := range s.Report.Lines {
		n += len(line)
	}
	if q := s.read; q != nil {
		n += each * (len(q.jobs) + len(q.queues) + len(q.groups) + len(q.sessions) + len(q.schedules))
	}
	return n
}

// swamped reports whether so much that was answered is not read that no more is.
func (p *peer) swamped() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.owed > mostBytes
}

// entered tells that the job of s is in the log.
func (s *served) entered(r *request) {
	s.peer.push(outgoing{s: s, early: true, job: r.IDs[0], existing: r.Existing[0]})
}

// push puts an answer into out. It is false if nobody reads that any more.
func (p *peer) push(a outgoing) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shut {
		return false
	}
	if r := &a.s.Request; a.s.refused == nil && !a.early && r.Caller != 0 && r.Report.Seq > 0 {
		if p.looks == nil {
			p.looks = make(map[uint64]uint64)
		}
		p.looks[r.Caller] = r.Job
	}
	p.out = append(p.out, a)
	p.owed += a.size
	if len(p.out) == 1 {
		chime(p.bell)
	}
	return true
}

// seats are the connections over which sessions are spoken for: those that they were
// opened or have come over last. What an older one still brings does not count.
type seats struct {
	mu    sync.Mutex
	all   map[uint64]seat
	empty int // of all, whose peer has left
}

// A seat is a connection, and which one of its link it is.
type seat struct {
	peer   *peer
	number uint64
}

// take is for a session that was opened over p.
func (s *seats) take(session uint64, p *peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.putLocked(session, seat{p, 0})
}

func (s *seats) putLocked(session uint64, to seat) {
	if s.all == nil {
		s.all = make(map[uint64]seat)
	}
	s.freeLocked(session)
	if to.peer.gone { // it was answered too late
		to.peer = nil
		s.empty++
	} else {
		if to.peer.sits == nil {
			to.peer.sits = make(map[uint64]bool)
		}
		to.peer.sits[session] = true
	}
	s.all[session] = to
}

func (s *seats) freeLocked(session uint64) {
	switch has, ok := s.all[session]; {
	case !ok:
		return
	case has.peer == nil:
		s.empty--
	default:
		delete(has.peer.sits, session)
	}
	delete(s.all, session)
}

// come is for an Attach: it posts it, unless the session has come over a newer
// connection already. Both at once: so the owner has them in the order in which the
// seats were taken.
func (s *seats) come(session uint64, to seat, post func() error) (newest bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all[session].number > to.number {
		return false, nil
	}
	s.putLocked(session, to)
	return true, post()
}

func (s *seats) has(session uint64, p *peer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[session].peer == p
}

// free forgets a session, which has ended.
func (s *seats) free(session uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.freeLocked(session)
}

// mostEmpty is how many sessions are remembered over whose connection nothing comes
// any more.
const mostEmpty = 4096

// leave empties the seats that p has. What is older than p is so all the same.
func (s *seats) leave(p *peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.gone = true
	for session := range p.sits {
		s.all[session] = seat{nil, s.all[session].number}
	}
	s.empty += len(p.sits)
	if p.sits = nil; s.empty > mostEmpty {
		maps.DeleteFunc(s.all, func(_ uint64, has seat) bool { return has.peer == nil })
		s.empty = 0
	}
}
