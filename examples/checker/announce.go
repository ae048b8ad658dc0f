package main

import (
	"fmt"
	"io"
	"os"

	"github.com/hemgo/hem/inspect"
)

// announce says where the service is, what runs in it and how to stop it.
func announce(w io.Writer, url, placement string, withTree bool) error {
	fmt.Fprintf(w, "\nchecker: serving on %s, checks run on: %s\n", url, placement)
	fmt.Fprintf(w, "  try:   curl '%s/check?pkg=net/http'\n", url)
	fmt.Fprintf(w, "         curl --data-binary @main.go %s/check\n", url)
	fmt.Fprintf(w, "  look:  curl %s/debug/hem\n", url)
	fmt.Fprintf(w, "  stop:  Ctrl-C here, or kill -TERM %d; a second signal stops at once\n", os.Getpid())
	if !withTree {
		return nil
	}
	fmt.Fprint(w, "\nWhat runs now:\n\n")
	return inspect.Dump(w)
}
