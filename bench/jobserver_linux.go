package main

import (
	"os"
	"os/exec"
	"syscall"
)

// dieWithUs has the kernel send quit to the process when we have died, however
// that was.
func dieWithUs(cmd *exec.Cmd, quit os.Signal) { own(cmd).Pdeathsig = quit.(syscall.Signal) }

// inMemory tells whether dir is on a file system that no fsync carries to a disk.
func inMemory(dir string) bool {
	var fs syscall.Statfs_t
	const tmpfs, ramfs = 0x01021994, 0x858458f6
	return syscall.Statfs(dir, &fs) == nil && (fs.Type == tmpfs || fs.Type == ramfs)
}
