package natslog

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// The server keeps an index beside the blocks, and believes it: where the index knows
// of a later message than the blocks have, it puts a gap there. But when a block could
// not be written, the index was written all the same. So it is used where the log was
// closed in good order, which the file clean says, and nowhere else: the server makes
// another one of what is there.
const (
	cleanName = "clean"
	indexName = "index.db"
)

// dropIndex removes the index unless it can be believed. No server runs.
func dropIndex(dir string) error {
	err := os.Remove(filepath.Join(dir, cleanName))
	switch {
	case err == nil:
		return syncDir(dir)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	err = os.Remove(filepath.Join(blocksDir(dir), indexName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// keepIndex says that the index can be believed, if there is room to say so. No server
// runs any more.
func keepIndex(dir string) {
	if f, err := os.Create(filepath.Join(dir, cleanName)); err == nil {
		f.Close()
	}
}
