package lock

import "time"

// WaitsFor returns what is known of the waits for locks called name.
func WaitsFor(name string) (waits uint64, total, longest time.Duration) {
	c := theTable()
	c.mu.Lock()
	defer c.mu.Unlock()
	for at, f := range c.sites {
		if at.label.Name == name {
			waits, total, longest = waits+f.waits, total+f.total, max(longest, f.longest)
		}
	}
	return
}

// KnownSites returns how many places are known where locks were waited for.
func KnownSites() int {
	c := theTable()
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.sites)
}
