//go:build !unix

package child

import (
	"errors"
	"os"
)

func startGuard() (*os.Process, *os.File, *os.File, error) {
	return nil, nil, nil, errors.New("a guard is known on unix systems only")
}

func withdraw() {}

func isPipe(int) bool { return false }

func killTrees([]tree) (left int) { return 0 }

// hostStart is zero where nobody can be told by it.
var hostStart uint64
