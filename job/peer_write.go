package job

import (
	"errors"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/wire"
)

// flushAt is how many bytes of answers are written at once, and keepAtMost how many
// bytes of memory are kept for them.
const (
	flushAt    = 64 << 10
	keepAtMost = 256 << 10
)

// write writes answers, all that there are at once, until p has ended.
func (p *peer) write() {
	defer close(p.closed)
	defer p.close()
	var answers []outgoing
	var b []byte
	for {
		<-p.bell
		p.mu.Lock()
		answers, p.out = p.out, answers[:0]
		b, p.say = append(b, p.say...), p.say[:0]
		why := p.why
		p.mu.Unlock()

		var err error
		for i := range answers {
			if b = p.put(b, &answers[i]); len(b) >= flushAt {
				b, err = p.flush(b)
			}
			if err != nil {
				break
			}
		}
		clear(answers)
		if why != nil && err == nil {
			b = p.bye(b, why)
		}
		if err == nil {
			b, err = p.flush(b)
		}
		if err != nil {
			p.end(err)
		}
		if why != nil || err != nil {
			return
		}
	}
}

func (p *peer) flush(b []byte) ([]byte, error) {
	if len(b) == 0 {
		return b, nil
	}
	var err error
	for rest := b; len(rest) > 0 && err == nil; {
		part := rest[:min(len(rest), flushAt)] // so much is read in silence/2, or nothing
		rest = rest[len(part):]
		p.writing.Add(1)
		_, err = p.conn.Write(part)
		p.writing.Add(1)
	}
	if cap(b) > keepAtMost {
		return nil, err
	}
	return b[:0], err
}

// close lets no more answers come, and ends the connection.
func (p *peer) close() {
	p.mu.Lock()
	p.shut = true
	if p.limit != nil {
		p.limit.Stop()
	}
	p.mu.Unlock()
	_ = p.conn.Close()
}

// bye is a peer's last word, unless it has had its own.
func (p *peer) bye(b []byte, why error) []byte {
	if why == errHungUp {
		return b
	}
	why = &fault.Error{Op: opServe, Kind: kindOfEnd(why), Err: why}
	start := len(b)
	f := wire.Put(wire.Begin(b, wire.Bye, 0))
	f.Fault(&why)
	return wire.Finish(f.Bytes(), start)
}

var errLarge = &fault.Error{Kind: fault.Overloaded, Err: errors.New("the answer is larger than can be told at once"), Hint: "ask for less"}

// put appends an answer to b. What an owner that has ended says is none: the next
// one is asked.
func (p *peer) put(b []byte, a *outgoing) []byte {
	s := a.s
	if a.early {
		return putEntered(b, a)
	}
	p.settle(s, a.size)
	r := &s.Request
	if s.refused != nil {
		r = &owner.Request{Op: s.Op, Err: s.refused}
	}
	var lost *owner.LostError
	if errors.As(r.Err, &lost) {
		p.end(lost)
		return b
	}
	start := len(b)
	f := wire.Put(wire.Begin(b, wire.Answer, s.id))
	left := f.Answer(r, wire.MaxBody-wire.MaxBody/8)
	if r.Op == owner.View && r.Err == nil {
		s.read.answer(&f, start+wire.HeaderSize+wire.MaxBody-wire.MaxBody/8)
	}
	out := f.Bytes()
	if out == nil || len(out)-start-wire.HeaderSize > wire.MaxBody {
		f = wire.Put(wire.Begin(b[:start], wire.Answer, s.id))
		f.Answer(&owner.Request{Op: s.Op, Err: errLarge}, 0)
		out = f.Bytes()
	}
	if s.Op == owner.Claim && left > 0 {
		p.owner.giveBack(r, left)
	}
	return wire.Finish(out, start)
}

func putEntered(b []byte, a *outgoing) []byte {
	start := len(b)
	f := wire.Put(wire.Begin(b, wire.Entered, a.s.id))
	f.Entered(&owner.Request{IDs: []uint64{a.job}, Existing: []bool{a.existing}})
	return wire.Finish(f.Bytes(), start)
}

// settle says that s is open no more.
func (p *peer) settle(s *served, size int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, s.id)
	p.owed -= size
	l := &p.loads[s.waits]
	l.requests--
	l.bytes -= s.bytes
	if s.waits == 0 && l.requests == mostPrompt-1 || p.full.Load() {
		chime(p.room)
	}
}

// giveBack returns the last jobs of a Claim, which nobody is told of.
func (o *Owner) giveBack(r *owner.Request, last int) {
	for _, j := range r.Jobs[len(r.Jobs)-last:] {
		back := &request{told: nobody{}}
		back.Op, back.Session, back.Job, back.Epoch = owner.Return, r.Session, j.ID, j.Epoch
		_ = o.post(back) // an owner that has ended gives back by its session
	}
}

// nobody is who is told what nobody needs to know.
type nobody struct{}

func (nobody) answered(*request) bool { return true }
func (nobody) entered(*request)       {}
