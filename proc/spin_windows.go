package proc

import (
	"io"
	"os"
)

func openSpinner(f *os.File) io.Reader { return f }
