package pool

import (
	"math/bits"
	"time"
)

// A histogram counts durations in buckets that are at most an eighth of their
// value wide. It is guarded by room.mu: to add is to find the bucket.
type histogram struct {
	n      uint64
	max    time.Duration
	bucket [buckets]uint64
}

const (
	subBits = 3                             // eight buckets to each power of two
	buckets = (63 - subBits + 1) << subBits // as many as a positive int64 needs
)

// bucketOf returns the bucket of d: below 8 ns one each, then by the leading
// bits.
func bucketOf(d time.Duration) int {
	if d < 1<<subBits {
		return int(max(d, 0))
	}
	shift := bits.Len64(uint64(d)) - subBits - 1
	return (shift+1)<<subBits + int(d>>shift)&(1<<subBits-1)
}

// upperEdge returns the largest duration in bucket b.
func upperEdge(b int) time.Duration {
	if b < 1<<subBits {
		return time.Duration(b)
	}
	shift := b>>subBits - 1
	return time.Duration(1<<subBits+b&(1<<subBits-1)+1)<<shift - 1
}

// add counts d as weight durations.
func (h *histogram) add(d time.Duration, weight uint64) {
	h.n += weight
	h.max = max(h.max, d)
	h.bucket[bucketOf(d)] += weight
}

// quantile returns a duration that at least q of those counted do not exceed,
// and no more than an eighth above the smallest such.
func (h *histogram) quantile(q float64) time.Duration {
	want := uint64(q * float64(h.n))
	var seen uint64
	for b, n := range h.bucket {
		if seen += n; seen > want || seen == h.n {
			return min(upperEdge(b), h.max)
		}
	}
	return h.max
}

func (h *histogram) spread() Spread {
	if h.n == 0 {
		return Spread{}
	}
	return Spread{P50: h.quantile(0.5), P90: h.quantile(0.9), P99: h.quantile(0.99), Max: h.max}
}
