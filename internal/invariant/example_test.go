//go:build invariants

package invariant_test

import (
	"fmt"

	"github.com/hemgo/hem/internal/invariant"
)

func ExampleCheckf() {
	defer func() { fmt.Println(recover()) }()
	free, size := 3, 2
	invariant.Checkf(free <= size, "S1: %d units are free of %d", free, size)
	// Output: invariant broken: S1: 3 units are free of 2
}
