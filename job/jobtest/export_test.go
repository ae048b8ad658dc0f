package jobtest

import "time"

// SetPatience makes cases that hang say so earlier.
func SetPatience(d time.Duration) { patience = d }
