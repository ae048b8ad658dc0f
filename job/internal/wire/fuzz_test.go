package wire_test

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/wire"
)

// FuzzRequest takes any bytes for a request: what is accepted has no other encoding.
func FuzzRequest(f *testing.F) {
	for _, r := range requests() {
		f.Add(putRequest(&r))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, ok := takeRequest(b)
		if !ok {
			return
		}
		if again := putRequest(&r); !bytes.Equal(again, b) {
			t.Fatalf("%x became %+v, and that %x", b, r, again)
		}
	})
}

// FuzzAnswer takes any bytes for an answer. What an error of no kind known here is
// written as is up to package fault; it must stay what it has become.
func FuzzAnswer(f *testing.F) {
	for _, r := range answers() {
		b, _ := putAnswer(&r, wire.MaxBody)
		f.Add(b)
	}
	for _, err := range errs() {
		b, _ := putAnswer(&owner.Request{Op: owner.Beat, Err: err}, 0)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		r, ok := takeAnswer(b, owner.Op(b[0]))
		if !ok {
			return
		}
		again, left := putAnswer(&r, wire.MaxBody)
		if bytes.Equal(again, b) && left == 0 {
			return
		}
		if r.Err == nil {
			t.Fatalf("%x became %+v, and that %x", b, r, again)
		}
		same, ok := takeAnswer(again, r.Op)
		if !ok || same.Err.Error() != r.Err.Error() || reflect.TypeOf(same.Err) != reflect.TypeOf(r.Err) {
			t.Fatalf("%v became %v", r.Err, same.Err)
		}
	})
}

// FuzzWords takes any bytes for what is said beside answers: a server's first word, and
// its clock.
func FuzzWords(f *testing.F) {
	for _, v := range terms() {
		f.Add(putTerms(&v))
		f.Add(putClock(v.Clock))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, ok := takeTerms(b); ok && !bytes.Equal(putTerms(&v), b) {
			t.Fatalf("%x became %+v", b, v)
		}
		if v, ok := takeClock(b); ok && !bytes.Equal(putClock(v), b) {
			t.Fatalf("%x became %d", b, v)
		}
	})
}

// FuzzReader takes any bytes for frames: what is read was there.
func FuzzReader(f *testing.F) {
	f.Add(stream(talk))
	f.Add([]byte("Hj"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := frames(bytes.NewReader(b))
		if again := stream(got); !bytes.HasPrefix(b, again) {
			t.Fatalf("%x was read as %x, %v", b, again, err)
		}
	})
}
