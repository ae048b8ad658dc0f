package frame_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/hemgo/hem/proc/internal/frame"
)

var benchSizes = []int{0, 1 << 10, 1 << 20}

func BenchmarkWrite(b *testing.B) {
	for _, n := range benchSizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w, body := frame.NewWriter(io.Discard), bytesOf(n)
			b.ReportAllocs()
			for b.Loop() {
				if err := w.Write(frame.Result, 1, nil, body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	for _, n := range benchSizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			src := &refilled{}
			frames := stream(b, message{Kind: frame.Result, Call: 1, Body: bytesOf(n)})
			r := frame.NewReader(src, noLimit)
			b.ReportAllocs()
			for b.Loop() {
				src.Reset(frames)
				if _, err := r.Next(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
