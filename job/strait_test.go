package job_test

import (
	"context"
	"io"
	"math/rand/v2"
	"sync"
	"time"
)

// A strait is what is between a client and its host: what is said takes its time in
// either direction, gets stuck in one of them, or is cut off in the middle of a
// word. All that happens in virtual time. Nothing is said twice or out of order, and
// what a connection had not brought when it broke is gone.
type strait struct {
	host *host

	mu      sync.Mutex
	moved   *sync.Cond
	rand    *rand.Rand
	weather weather
	open    map[*crossing]bool
	breaks  int    // the first connection breaks behind so many bytes
	broke   func() // is told of that
}

// A weather is how a strait is for a time. The zero one is calm.
type weather struct {
	least, most time.Duration // that a write takes
	stuck       [2]bool       // nothing comes, out or back
	bytes       int           // after up to so many a new connection breaks; 0 is never
}

const (
	out  = 0 // to the owner
	back = 1
)

func newStrait(h *host, r *rand.Rand) *strait {
	s := &strait{host: h, rand: r, open: make(map[*crossing]bool)}
	s.moved = sync.NewCond(&s.mu)
	return s
}

// turn lets the weather be another.
func (s *strait) turn(w weather) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.weather = w
	s.moved.Broadcast()
}

// cut breaks the connections there are.
func (s *strait) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		c.sink()
	}
}

// first lets the first connection break behind so many bytes, and tells broke.
func (s *strait) first(bytes int, broke func()) { s.breaks, s.broke = bytes, broke }

// dial connects to the host across the strait.
func (s *strait) dial(context.Context) (io.ReadWriteCloser, error) {
	s.host.mu.Lock()
	defer s.host.mu.Unlock()
	o := s.host.owner
	if o == nil {
		return nil, errNobody
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &crossing{strait: s, left: -1}
	if most := s.weather.bytes; most > 0 {
		c.left = 1 + s.rand.IntN(most)
	}
	if s.breaks > 0 {
		c.left, s.breaks = s.breaks, 0
	}
	s.open[c] = true
	s.host.conns = append(s.host.conns, shore{c, back})
	s.host.busy.Go(func() { _ = o.Serve(context.Background(), shore{c, back}) })
	return shore{c, out}, nil
}

// A crossing is a connection.
type crossing struct {
	strait *strait
	lanes  [2][]parcel
	afloat [2]int // bytes
	last   [2]time.Time
	left   int // bytes until it breaks, or -1
	sunk   bool
}

// A parcel is what one Write has said, as far as it will be heard.
type parcel struct {
	at   time.Time
	b    []byte
	last bool // the connection breaks behind it
}

// mostAfloat is how much is said before somebody has to listen.
const mostAfloat = 64 << 10

func (c *crossing) sink() {
	c.sunk = true
	delete(c.strait.open, c)
	c.strait.moved.Broadcast()
}

// A shore is an end of a crossing, and which way it speaks.
type shore struct {
	*crossing
	way int
}

func (e shore) Write(b []byte) (int, error) {
	s := e.strait
	s.mu.Lock()
	defer s.mu.Unlock()
	for !e.sunk && e.afloat[e.way] >= mostAfloat {
		s.moved.Wait()
	}
	switch {
	case e.sunk:
		return 0, io.ErrClosedPipe
	case e.left == 0:
		return len(b), nil // nobody has noticed yet
	}
	takes := s.weather.least
	if more := s.weather.most - s.weather.least; more > 0 {
		takes += time.Duration(s.rand.Int64N(int64(more)))
	}
	p := parcel{at: time.Now().Add(takes), b: append([]byte(nil), b...)}
	if p.at.Before(e.last[e.way]) {
		p.at = e.last[e.way]
	}
	e.last[e.way] = p.at
	if e.left > 0 {
		p.b = p.b[:min(len(b), e.left)]
		e.left -= len(p.b)
		if p.last = e.left == 0; p.last && s.broke != nil {
			s.broke()
		}
	}
	e.lanes[e.way] = append(e.lanes[e.way], p)
	e.afloat[e.way] += len(p.b)
	time.AfterFunc(time.Until(p.at), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.moved.Broadcast()
	})
	return len(b), nil
}

func (e shore) Read(b []byte) (int, error) {
	s, from := e.strait, 1-e.way
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if e.sunk {
			return 0, io.ErrUnexpectedEOF
		}
		lane := e.lanes[from]
		if len(lane) > 0 && !s.weather.stuck[from] && !lane[0].at.After(time.Now()) {
			p := &lane[0]
			n := copy(b, p.b)
			p.b = p.b[n:]
			e.afloat[from] -= n
			if len(p.b) == 0 {
				if p.last {
					e.sink()
				}
				e.lanes[from] = lane[1:]
			}
			s.moved.Broadcast()
			if n > 0 {
				return n, nil
			}
			continue
		}
		s.moved.Wait()
	}
}

func (e shore) Close() error {
	e.strait.mu.Lock()
	defer e.strait.mu.Unlock()
	e.sink()
	return nil
}
