package task

// Alias returns t under another name, for workers: calls that were made when the
// task had that name, and still wait, are served by it. The input must be one that
// t understands; JSON ignores fields it does not know, so a field may have been
// taken away since, and one that was added is zero.
//
// # Panics
//
// Alias panics if t is nil, or the name is none that [Define] takes.
func Alias(t Task, name string) Task {
	if t == nil {
		panic("task: Alias of a nil Task")
	}
	if err := checkName(name); err != nil {
		panic("task: Alias " + name + ": " + err.Error())
	}
	return &alias{t, name}
}

// An alias is a task by another name.
type alias struct {
	Task
	name string
}

func (a *alias) Name() string { return a.name }
