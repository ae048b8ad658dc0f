package job

import (
	"errors"
	"fmt"
	"io"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
	"github.com/hemgo/hem/job/internal/wire"
)

// read reads what the peer asks, and returns why there is nothing more.
func (p *peer) read() error {
	r := wire.NewReader(hearing{p.conn, func() { p.heard.Store(true) }})
	f, err := r.Next()
	if err == nil {
		err = p.welcome(f)
	}
	for err == nil {
		if f, err = r.Next(); err == nil {
			err = p.take(f)
		}
	}
	if err == io.EOF {
		err = errHungUp
	}
	return err
}

// hearing is a connection of which each byte is heard: a large frame takes its time.
type hearing struct {
	io.Reader
	heard func()
}

// Read reads.
func (h hearing) Read(b []byte) (int, error) {
	n, err := h.Reader.Read(b)
	if n > 0 {
		h.heard()
	}
	return n, err
}

// welcome answers the peer's first word.
func (p *peer) welcome(f wire.Frame) error {
	var g wire.Greeting
	body := wire.Take(f.Body, nil)
	if body.Greeting(&g); f.Kind != wire.Hello || !body.Whole() {
		return &wire.Broken{Why: wire.Malformed, Kind: f.Kind}
	}
	p.name = cut(g.Name, state.MaxName)
	terms := wire.Terms{Log: p.owner.log, Name: p.owner.config.Name, Prompt: mostPrompt, Waiting: mostWaiting, Clock: p.owner.time()}
	out := wire.Put(nil)
	out.Terms(&terms)
	p.tell(wire.Welcome, out.Bytes())
	return nil
}

// tell writes a frame that is no answer.
func (p *peer) tell(k wire.Kind, body []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.say) < flushAt { // else it has not read the others either
		p.say = wire.Append(p.say, k, 0, body)
		chime(p.bell)
	}
}

func (p *peer) take(f wire.Frame) error {
	switch f.Kind {
	case wire.Ask:
		return p.ask(f)
	case wire.Leave:
		p.left(f.ID)
		return nil
	case wire.Ping:
		clock := p.owner.time()
		body := wire.Put(nil)
		body.Clock(&clock)
		p.tell(wire.Pong, body.Bytes())
		return nil
	}
	return &wire.Broken{Why: wire.Malformed, Kind: f.Kind}
}

// left drops a request whose caller has gone.
func (p *peer) left(id uint64) {
	p.mu.Lock()
	s := p.open[id]
	p.mu.Unlock()
	if s != nil && s.posted && !p.owner.drop(&s.request) { // else it is answered already
		s.refused = owner.ErrDropped // the loop has not had it, nor will it
		p.push(outgoing{s: s})
	}
}

// ask puts a request to the owner.
func (p *peer) ask(f wire.Frame) error {
	s, err := p.parse(f)
	if err != nil {
		return err
	}
	if err := p.admit(s); err != nil {
		return err
	}
	if s.refused == nil {
		s.refused = p.check(s)
	}
	if s.refused != nil {
		p.push(outgoing{s: s})
		return nil
	}
	s.posted = true
	if s.Op != owner.Attach {
		return p.owner.post(&s.request)
	}
	newest, err := p.owner.seats.come(s.Session, seat{p, s.Seen}, func() error { return p.owner.post(&s.request) })
	if s.posted = newest; !newest {
		s.refused = owner.ErrDropped
		p.push(outgoing{s: s})
	}
	return err
}

func (p *peer) parse(f wire.Frame) (*served, error) {
	s := &served{peer: p, id: f.ID, bytes: len(f.Body)}
	s.told = s
	if len(f.Body) > 0 && owner.Op(f.Body[0]) == owner.Schedule {
		s.Schedule = &state.Schedule{}
	}
	body := wire.Take(f.Body, &p.names)
	if body.Request(&s.Request); s.Op == owner.View {
		s.read = &read{}
		s.read.question(&body)
		s.View = s.read.see
	}
	if !body.Whole() {
		return nil, &wire.Broken{Why: wire.Malformed, Kind: f.Kind}
	}
	if waits(&s.Request) {
		s.waits = 1
	}
	s.bytes += listed(&s.Request)
	return s, nil
}

// listed is about how many bytes of memory the lists of a request take, of which each
// member may have been a few bytes of the frame.
func listed(r *owner.Request) int {
	return 512*len(r.Specs) + 32*(len(r.Leases)+len(r.Filter.Tasks)+len(r.Filter.Queues)+len(r.Report.Lines))
}

// waits reports whether a request waits for more than an append.
func waits(r *owner.Request) bool {
	switch r.Op {
	case owner.Claim, owner.Await, owner.Listen, owner.Drained:
		return true
	case owner.Enqueue:
		return r.Wait || r.Follow
	}
	return false
}

// admit lets s be open, once there is room for it.
func (p *peer) admit(s *served) error {
	p.full.Store(true)
	defer p.full.Store(false)
	for {
		p.mu.Lock()
		l := &p.loads[s.waits]
		crowded := l.requests >= mostWaiting || l.bytes >= mostBytes
		room := l.requests < mostPrompt && l.bytes < mostBytes || s.waits == 1 && l.requests < mostWaiting+mostPrompt
		var err error
		switch {
		case p.why != nil:
			err = p.why
		case p.open[s.id] != nil:
			err = &wire.Broken{Why: wire.Malformed, Kind: wire.Ask}
		case room:
			if s.waits == 1 && crowded {
				s.refused, s.bytes = errCrowded, 0
				s.Request = owner.Request{Op: s.Op} // it may be long before the peer reads that
			}
			l.requests++
			l.bytes += s.bytes
			p.open[s.id] = s
			delete(p.looks, s.Caller)
		}
		p.mu.Unlock()
		if room || err != nil {
			return err
		}
		<-p.room
	}
}

var errCrowded = &fault.Error{Kind: fault.Overloaded,
	Err:  fmt.Errorf("%d requests, or %d MiB of them, wait over one connection, which is as many as may", mostWaiting, mostBytes>>20),
	Hint: "wait for less at a time, or Connect once more"}

// check says what is wrong with a request that a Client would not have let pass.
func (p *peer) check(s *served) error {
	r := &s.Request
	switch r.Op {
	case owner.Enqueue:
		for i := range r.Specs {
			if err := p.checkSpec(&r.Specs[i]); err != nil {
				return err
			}
		}
	case owner.Schedule:
		if err := wrong("schedule", checkName(r.Schedule.Name)); err != nil {
			return invalid("", "", err)
		}
		return p.checkSpec(&r.Schedule.Spec)
	case owner.OpenSession:
		if err := checkText("name", r.Name, 1, state.MaxName); err != nil {
			return invalid("", "", err)
		}
	case owner.Claim:
		r.Most = min(max(r.Most, 1), mostClaimed)
	case owner.Report:
		r.Report.Note = cut(r.Report.Note, mostLine)
	case owner.View:
		if q := s.read; q.most > mostGroups {
			return invalid("", "", errPage)
		}
	}
	return nil
}

var errPage = errors.New("so much is not answered at once")

func (p *peer) checkSpec(spec *state.Spec) error {
	err := wrong("task", checkName(spec.Task))
	if err == nil {
		err = wrong("queue", checkName(spec.Queue))
	}
	if err == nil {
		err = p.owner.known(spec.Task)
	}
	if err == nil && spec.Limit != "" {
		err = p.owner.knownLimit(spec.Limit)
	}
	if err == nil {
		return nil
	}
	return invalid("", "", err)
}
