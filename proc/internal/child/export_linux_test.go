package child

import "syscall"

// Shadowed says that this is built with a sanitizer.
const Shadowed = shadowed

// RunSpawnerHere has a spawner begin on the calling goroutine, and returns the
// nice value of the thread that it has settled on.
func RunSpawnerHere(nice int) (settled int) {
	s := &spawner{orders: make(chan func()), gone: make(chan struct{})}
	ready, asked := make(chan error), make(chan int)
	go func() {
		if err := <-ready; err != nil {
			panic(err)
		}
		s.orders <- func() {
			raw, _ := syscall.Getpriority(syscall.PRIO_PROCESS, 0)
			asked <- 20 - raw
		}
	}()
	s.run(nice, ready, func() {})
	settled = <-asked
	s.close()
	return settled
}

// WaitByThread starts a process and waits for it twice as though there were no
// pidfds, the second time for a zombie, and then reaps it.
func WaitByThread(path string, args ...string) (pid int, again bool, code int, err error) {
	p, err := fork(&order{path: path, args: append([]string{path}, args...)})
	if err != nil {
		return 0, false, 0, err
	}
	p.release()
	p.pidfd = nil
	if err := p.wait(); err != nil {
		return p.pid, false, 0, err
	}
	again = p.wait() == nil
	e, err := p.reap()
	return p.pid, again, e.code, err
}

// Enrolled is how many trees the guard is to kill if this process dies.
func Enrolled() int {
	keep.mu.Lock()
	defer keep.mu.Unlock()
	return len(keep.enrolled)
}
