package wire_test

import (
	"testing"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
	"github.com/hemgo/hem/job/internal/wire"
)

var enqueue = owner.Request{Op: owner.Enqueue, Request: name, Wait: true, Specs: []state.Spec{
	{Task: "resize", Queue: "default", Attempts: 20, First: 1e6, Most: 3600e6, Keep: 600e6, Bury: 30 * 24 * 3600e6, Input: make([]byte, 256)},
}}

func BenchmarkPutEnqueue(b *testing.B) {
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = wire.Begin(buf[:0], wire.Ask, 7)
		f := wire.Put(buf)
		f.Request(&enqueue)
		buf = wire.Finish(f.Bytes(), 0)
	}
}

func BenchmarkTakeEnqueue(b *testing.B) {
	body := putRequest(&enqueue)
	var names wire.Names
	b.ReportAllocs()
	for b.Loop() {
		var r owner.Request
		f := wire.Take(body, &names)
		if f.Request(&r); !f.Whole() {
			b.Fatal("it is not whole")
		}
	}
}

func BenchmarkClaimed(b *testing.B) {
	r := owner.Request{Op: owner.Claim, Jobs: make([]state.Info, 10)}
	for i := range r.Jobs {
		r.Jobs[i] = state.Info{ID: uint64(i), Task: "resize", Queue: "default", Status: state.Running, Attempt: 1, Attempts: 20, Epoch: 1, Session: 3, SessionName: "w", Entered: 1e15, Since: 1e15, Input: make([]byte, 256)}
	}
	var names wire.Names
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		f := wire.Put(buf[:0])
		f.Answer(&r, wire.MaxBody)
		buf = f.Bytes()
		got := owner.Request{Op: owner.Claim}
		f = wire.Take(buf, &names)
		if f.Answer(&got, 0); !f.Whole() {
			b.Fatal("it is not whole")
		}
	}
}
