package sim_test

import "math/rand/v2"

// Dice are seeded random numbers. Each step of a script has its own, so that a
// step that is left out changes nothing about the others.
type dice struct{ pcg rand.PCG }

func newDice(seed uint64, n int) *dice {
	d := new(dice)
	d.pcg.Seed(seed*0x9e3779b97f4a7c15, uint64(n)*0xbf58476d1ce4e5b9+1)
	d.pcg.Uint64()
	return d
}

// below returns a number from 0 to n-1.
func (d *dice) below(n int64) int64 { return int64(d.pcg.Uint64() >> 1 % uint64(n)) }

// between returns a number from a to b.
func (d *dice) between(a, b int64) int64 { return a + d.below(b-a+1) }

// one is true one time in n.
func (d *dice) one(n int64) bool { return d.below(n) == 0 }

// percent is true so many times in a hundred.
func (d *dice) percent(n int64) bool { return d.below(100) < n }

func pick[T any](d *dice, from ...T) T { return from[d.below(int64(len(from)))] }
