package state

// vacant returns the number of a place in all that nothing is at: the one of free
// that became so last, or else a new one.
func vacant[T any](all *[]T, free *[]uint32) uint32 {
	if last := len(*free) - 1; last >= 0 {
		i := (*free)[last]
		*free = (*free)[:last]
		return i
	}
	*all = append(*all, *new(T))
	return uint32(len(*all) - 1)
}
