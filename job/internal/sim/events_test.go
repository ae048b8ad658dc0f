package sim_test

// Events are what is yet to happen: a heap by time, and of the same time by
// which was made first.
type events []event

type event struct {
	at   int64
	made uint64
	do   func()
}

func (e events) before(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].made < e[j].made
}

func (q *events) push(n event) {
	*q = append(*q, n)
	e := *q
	for i := len(e) - 1; i > 0; {
		up := (i - 1) / 2
		if !e.before(i, up) {
			break
		}
		e[i], e[up] = e[up], e[i]
		i = up
	}
}

func (q *events) pop() event {
	e := *q
	first, last := e[0], len(e)-1
	e[0], e[last] = e[last], event{}
	e = e[:last]
	*q = e
	for i := 0; ; {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < last; c++ {
			if e.before(c, least) {
				least = c
			}
		}
		if least == i {
			return first
		}
		e[i], e[least] = e[least], e[i]
		i = least
	}
}
