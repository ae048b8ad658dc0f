package frame_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/hemgo/hem/proc/internal/frame"
)

// message is a frame before it is written, and what is left of one that was
// read.
type message struct {
	Kind       frame.Kind
	Call       uint64
	Head, Body []byte
}

// stream is what a Writer makes of the messages.
func stream(t testing.TB, messages ...message) []byte {
	t.Helper()
	var b bytes.Buffer
	w := frame.NewWriter(&b)
	for _, m := range messages {
		if err := w.Write(m.Kind, m.Call, m.Head, m.Body); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// readAll is what a Reader makes of src, and the error at its end.
func readAll(src io.Reader, limit int) (messages []message, err error) {
	r := frame.NewReader(src, limit)
	for {
		f, err := r.Next()
		if err != nil {
			return messages, err
		}
		messages = append(messages, message{Kind: f.Kind, Call: f.Call, Body: bytes.Clone(f.Body)})
	}
}

// joined is m as it is read: its body in one piece.
func (m message) joined() message {
	m.Body = append(bytes.Clone(m.Head), m.Body...)
	m.Head = nil
	return m
}

func equal(a, b message) bool {
	return a.Kind == b.Kind && a.Call == b.Call && bytes.Equal(a.Head, b.Head) && bytes.Equal(a.Body, b.Body)
}

// bytesOf is n bytes in which no part is like the one before or after it.
func bytesOf(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n), byte(n >> 8)}).Read(b)
	return b
}

// counted counts the calls that reach a stream.
type counted struct {
	io.Reader
	io.Writer
	reads, writes int
}

func (c *counted) Read(b []byte) (int, error)  { c.reads++; return c.Reader.Read(b) }
func (c *counted) Write(b []byte) (int, error) { c.writes++; return c.Writer.Write(b) }
