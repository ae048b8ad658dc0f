package state

// names gives every task and queue in use a small number, and takes it back when
// no lane and no limit needs it any more. Numbers are private to a State: what is
// written has the names.
type names struct {
	all   []name
	free  []uint32
	index map[string]uint32
	most  int
}

type name struct {
	text string
	uses int
}

// How many names may be in use at a time: of tasks and queues together, of limits,
// of schedules, and of groups. It is part of the log's format.
const (
	mostNames  = 1 << 16
	mostGroups = 1 << 20
)

func newNames(most int) names { return names{index: make(map[string]uint32), most: most} }

func (n *names) find(text []byte) (uint32, bool) {
	i, ok := n.index[string(text)]
	return i, ok
}

// use returns the number of text, used once more. It fails if there are too many.
func (n *names) use(text []byte) (uint32, bool) {
	if i, ok := n.index[string(text)]; ok {
		n.all[i].uses++
		return i, true
	}
	if len(n.index) >= n.most {
		return 0, false
	}
	i := vacant(&n.all, &n.free)
	n.all[i] = name{string(text), 1}
	n.index[n.all[i].text] = i
	return i, true
}

// again uses a number that is in use once more.
func (n *names) again(i uint32) { n.all[i].uses++ }

func (n *names) drop(i uint32) {
	if n.all[i].uses--; n.all[i].uses == 0 {
		delete(n.index, n.all[i].text)
		n.all[i] = name{}
		n.free = append(n.free, i)
	}
}

func (n *names) text(i uint32) string { return n.all[i].text }
