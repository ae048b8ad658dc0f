package child

import (
	"bytes"
	"os"
	"sync"
	"time"
)

const (
	maxLine  = 8 << 10  // bytes of a line that are passed on
	maxRate  = 200      // lines of a stream that are passed on in a second
	tailSize = 4 << 10  // bytes of a stream's end that are kept
	readSize = 16 << 10 // bytes of one read

	// drainTime is how long what a dead tree has printed is waited for. It is
	// in the pipe already; only a process that got away can keep the pipe
	// open, and waiting for that is Cmd.Wait's famous hang, golang/go#23019.
	drainTime = time.Second
)

// A stream reads what a child prints by one of its descriptors, to the end,
// whatever that is: a flood costs the host reads and no memory, and the child
// is never made to wait for lines that nobody will see.
type stream struct {
	name string
	from *os.File
	pass func(stream string, line []byte, dropped int) // nil: nobody listens
	done chan struct{}                                 // closed when the reader has gone

	// Of the reader's goroutine:
	//   O1. line is the line that is being read, at most maxLine of it.
	//   O2. If dropped > 0, last is the last line that was dropped.
	//   O3. passed lines were passed on since second, at most maxRate.
	line, last []byte
	dropped    int
	passed     int
	second     time.Time

	mu   sync.Mutex
	tail []byte // at most 2*tailSize, of which the last tailSize count
	crash
}

func newStream(name string, from *os.File, pass func(string, []byte, int)) *stream {
	return &stream{name: name, from: from, pass: pass, done: make(chan struct{})}
}

// read reads until the end of file, or until the deadline that drain sets.
func (s *stream) read() {
	defer close(s.done)
	chunk := make([]byte, readSize)
	for {
		n, err := s.from.Read(chunk)
		s.keep(chunk[:n])
		s.split(chunk[:n], time.Now())
		if err != nil {
			s.finish()
			return
		}
	}
}

// split takes chunk apart into lines.
func (s *stream) split(chunk []byte, now time.Time) {
	if s.pass == nil {
		return
	}
	if now.Sub(s.second) >= time.Second {
		s.second, s.passed = now, 0
	}
	for {
		if s.passed >= maxRate {
			chunk = s.skip(chunk)
		}
		end := bytes.IndexByte(chunk, '\n')
		if end < 0 {
			s.extend(chunk)
			return
		}
		s.extend(chunk[:end])
		s.endLine()
		chunk = chunk[end+1:]
	}
}

// skip drops all lines that end in chunk except the last, at the speed of
// counting them.
func (s *stream) skip(chunk []byte) []byte {
	end := bytes.LastIndexByte(chunk, '\n')
	if end < 0 {
		return chunk
	}
	previous := bytes.LastIndexByte(chunk[:end], '\n')
	if previous < 0 {
		return chunk
	}
	s.dropped += bytes.Count(chunk[:previous+1], []byte{'\n'})
	s.line = s.line[:0]
	return chunk[previous+1:]
}

// extend adds more of a line, as far as there is room: O1.
func (s *stream) extend(more []byte) {
	room := maxLine - len(s.line)
	s.line = append(s.line, more[:min(room, len(more))]...)
}

// endLine passes the line on, or drops it.
func (s *stream) endLine() {
	if s.passed < maxRate {
		s.passed++
		s.say(s.line)
	} else {
		s.dropped++
		s.last, s.line = s.line, s.last // O2
	}
	s.line = s.line[:0]
}

func (s *stream) say(line []byte) {
	s.pass(s.name, line, s.dropped)
	s.dropped = 0
}

// finish passes on the last line however many there were before it: it is the
// one that says why there are no more. It may lack its newline.
func (s *stream) finish() {
	switch {
	case s.pass == nil:
	case len(s.line) > 0:
		s.say(s.line)
	case s.dropped > 0:
		s.dropped--
		s.say(s.last)
	}
}

// keep remembers the end of chunk.
func (s *stream) keep(chunk []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.see(chunk)
	chunk = chunk[max(0, len(chunk)-tailSize):]
	if len(s.tail)+len(chunk) > 2*tailSize {
		s.tail = append(s.tail[:0], s.tail[len(s.tail)-tailSize:]...)
	}
	s.tail = append(s.tail, chunk...)
}

// end returns a copy of the last bytes that were read, with the beginning of a
// crash before them.
func (s *stream) end() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lead(bytes.Clone(s.tail[max(0, len(s.tail)-tailSize):]))
}

// drain ends reading, once everything that is there has been read or the time
// is up. A listener that does not return is not waited for either.
func drain(streams []*stream) {
	deadline := time.Now().Add(drainTime)
	for _, s := range streams {
		_ = s.from.SetReadDeadline(deadline)
	}
	stuck := time.NewTimer(2 * drainTime)
	defer stuck.Stop()
	for _, s := range streams {
		select {
		case <-s.done:
		case <-stuck.C:
			stuck.Reset(0)
		}
		_ = s.from.Close()
	}
}
