package inspect

import (
	"maps"
	"slices"
	"time"
)

// HintedCodes are the codes that have a hint, sorted.
func HintedCodes() []string { return slices.Sorted(maps.Keys(hints)) }

// Short is how a duration is written.
func Short(d time.Duration) string { return short(d) }

// Thousands is how a number is written.
func Thousands(n int) string { return thousands(n) }
