package inspect

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"

	"github.com/hemgo/hem/internal/graph"
)

// DumpJSON writes what [Take] would return, as JSON that decodes into a
// [Snapshot], without keeping it: one task at a time, each on a line of its own.
// Siblings come in the order in which they are found, mostly the newest first,
// and the totals come last. Of the options only [Depth] concerns it.
//
// The error is the writer's first. DumpJSON panics if w is nil.
//
// # Cost
//
// About 2 µs and 300 bytes of text a task (BenchmarkDumpJSON100k). While it writes the tasks of a
// scope, those that end stay in memory: mind a slow reader.
func DumpJSON(w io.Writer, opts ...Option) error {
	if w == nil {
		panic("inspect: DumpJSON to a nil writer")
	}
	s := &stream{reader: look(maxNested), depth: merge(opts, maxDepth).depth, w: bufio.NewWriterSize(w, 1<<15)}
	s.enc = json.NewEncoder(&s.buf)
	s.enc.SetEscapeHTML(false)

	s.text(`{"time":`)
	s.value(s.time)
	s.text(`,"roots":`)
	s.list(func(yield func(*graph.Task) bool) {
		s.roots(yield)
		for _, t := range s.orphans() {
			delete(s.nested, t)
			if !yield(t) {
				return
			}
		}
	}, 1)
	fs, counts := findings()
	s.text(`,"places":`)
	s.value(places())
	s.text(`,"findings":`)
	s.value(fs)
	s.text(`,"finding_counts":`)
	s.value(counts)
	s.text(`,"totals":`)
	s.value(s.totals)
	s.text("}\n")
	return failed(s.w.Flush())
}

// A stream writes one snapshot. An error of the writer sticks in w.
type stream struct {
	*reader
	depth int
	w     *bufio.Writer
	buf   bytes.Buffer
	enc   *json.Encoder // into buf
}

func (s *stream) text(t string) bool {
	_, err := s.w.WriteString(t)
	return err == nil
}

// value writes v, which is plain data and so can be encoded.
func (s *stream) value(v any) { s.w.Write(s.encode(v)) }

// open writes v, which is an object and not empty, without its end.
func (s *stream) open(v any) {
	object := s.encode(v)
	s.w.Write(object[:len(object)-1])
}

func (s *stream) encode(v any) []byte {
	s.buf.Reset()
	if err := s.enc.Encode(v); err != nil {
		panic(err) // a field of a type that JSON does not know: a mistake in this package
	}
	return bytes.TrimSuffix(s.buf.Bytes(), []byte("\n"))
}

// list writes the tasks that each yields, and returns how many.
func (s *stream) list(each func(func(*graph.Task) bool), level int) (n int) {
	s.text("[")
	each(func(t *graph.Task) bool {
		if n > 0 {
			s.text(",")
		}
		n++
		return s.text("\n") && s.task(t, level)
	})
	s.text("]")
	return n
}

func (s *stream) task(t *graph.Task, level int) bool {
	v := s.reader.task(t)
	if level >= s.depth {
		v.Deeper = s.count(t)
		s.value(v)
		return true
	}
	s.open(v)
	groups := scopesOf(t)
	for i, g := range groups {
		if i == 0 {
			s.text(`,"scopes":[`)
		} else {
			s.text(",")
		}
		s.open(s.scope(g))
		s.text(`,"tasks":`)
		n := s.list(g.Tasks, level+1)
		s.text(`,"task_count":`)
		s.value(n)
		s.text("}")
	}
	if len(groups) > 0 {
		s.text("]")
	}
	if adopted := s.under(t); len(adopted) > 0 {
		s.text(`,"adopted":`)
		s.list(func(yield func(*graph.Task) bool) {
			for _, t := range adopted {
				if !yield(t) {
					return
				}
			}
		}, level+1)
	}
	return s.text("}")
}
