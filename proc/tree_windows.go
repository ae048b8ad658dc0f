package proc

import (
	"errors"
	"os"
)

func endTree() { os.Exit(exitProtocol) }

func ownPipes() (in, out *os.File, err error) { return nil, nil, errors.ErrUnsupported }
