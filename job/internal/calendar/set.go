package calendar

import "math/bits"

// A set is of numbers from 0 to 63: the bits that are 1.
type set uint64

// none is more than any member of a set. What upTo does not find is -1.
const none = 64

func (s set) has(n int) bool { return s>>uint(n)&1 != 0 }

// from returns the least member that is at least n, or none.
func (s set) from(n int) int { return bits.TrailingZeros64(uint64(s >> uint(n) << uint(n))) }

// upTo returns the greatest member that is at most n, or -1.
func (s set) upTo(n int) int { return bits.Len64(uint64(s<<uint(63-n)>>uint(63-n))) - 1 }

func (s set) least() int    { return s.from(0) }
func (s set) greatest() int { return s.upTo(63) }

// between are the numbers from a to b.
func between(a, b int) set { return set(2)<<uint(b) - set(1)<<uint(a) }
