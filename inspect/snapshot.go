package inspect

import (
	"iter"
	"time"
)

// A Snapshot is what there was when [Take] looked. The names of its fields in
// JSON are an interface: see the package comment.
type Snapshot struct {
	// Time is when looking began.
	Time time.Time `json:"time"`

	// Roots are the tasks that no scope owns, oldest first: each stands for a
	// goroutine that called scope.Run from outside.
	Roots []*Task `json:"roots"`

	// Places are where work runs, such as CPU pools, oldest first.
	Places []Place `json:"places"`

	// Findings are the newest ones, oldest first.
	Findings []Finding `json:"findings"`

	// FindingCounts is how often each code was ever reported, also of findings
	// that are no longer kept.
	FindingCounts map[string]uint64 `json:"finding_counts"`

	Totals Totals `json:"totals"`
}

// A State is what a task is doing, as far as Hem can see.
type State string

// The states of a task.
const (
	Running State = "running" // or blocked where Hem cannot see it
	Waiting State = "waiting" // in one of Hem's primitives; Task.Wait says for what
	Joining State = "joining" // waiting for the tasks of its own scope
	Queued  State = "queued"  // for a place to run
)

// A Task is one strand of work.
type Task struct {
	// ID tells this task from every other of the same process. It is opaque.
	ID string `json:"id"`

	// Name and Number are what reports call it: "fetch" and "7" for fetch#7.
	// Numbers count within one scope; "7.3" is the seventh of a third part of
	// a scope that several goroutines spawn into.
	Name   string `json:"name"`
	Number string `json:"number"`

	State State `json:"state"`

	// Age is how long it has lived at least, zero if unknown.
	Age time.Duration `json:"age_ns,omitempty"`

	// Started is the line that started it.
	Started Frame `json:"started,omitzero"`

	// Daemon says that it is ended when its siblings are done.
	Daemon bool `json:"daemon,omitempty"`

	// Shared says that another goroutine was seen waiting under its context.
	// That one's waits are not shown.
	Shared bool `json:"shared,omitempty"`

	// Cause is why its context has ended, empty while it has not.
	Cause string `json:"cause,omitempty"`

	// Deadline is when its context will end by itself, zero if it will not.
	Deadline time.Time `json:"deadline,omitzero"`

	// Place is where it occupies a slot: of kind "pool", say. A task that
	// waits has lent its slot meanwhile.
	Place *Label `json:"place,omitempty"`

	// Wait is what it waits for, nil if it runs.
	Wait *Wait `json:"wait,omitempty"`

	// Under is, for a root that could not be shown as one of another task's
	// Adopted, the task under whose context it came.
	Under *Ref `json:"under,omitempty"`

	// Scopes are those that it has opened, outermost first. It joins them all.
	Scopes []*Scope `json:"scopes,omitempty"`

	// Adopted are roots whose goroutines came with this task's context from
	// outside every scope: handlers of a server whose BaseContext it is, say.
	Adopted []*Task `json:"adopted,omitempty"`

	// Deeper counts tasks beneath it that are nested too deep to be shown.
	Deeper int `json:"deeper,omitempty"`
}

// String returns the task's name and number, as in "fetch#7".
func (t *Task) String() string { return t.Name + "#" + t.Number }

// A Scope is one scope.Run that has not returned.
type Scope struct {
	// ID tells this scope from every other of the same process. It is opaque.
	ID   string `json:"id"`
	Name string `json:"name"`

	// Opened is the line that called Run.
	Opened Frame `json:"opened,omitzero"`

	// Age is how long it has been open at least, zero if unknown.
	Age time.Duration `json:"age_ns,omitempty"`

	// Cause is why it has been cancelled, empty if it has not.
	Cause string `json:"cause,omitempty"`

	// Deadline is when it will be cancelled by itself, zero if it will not.
	Deadline time.Time `json:"deadline,omitzero"`

	// Tasks are its own, oldest first; their scopes are inside them.
	Tasks []*Task `json:"tasks,omitempty"`

	// TaskCount is how many there are.
	TaskCount int `json:"task_count,omitempty"`
}

// A Wait is why a task does not run.
type Wait struct {
	// Kind and Name say what for: "future" and "price#3", "timer" and "3s".
	Kind string `json:"kind"`
	Name string `json:"name,omitempty"`

	// Age is how long it has lasted at least, zero if unknown.
	Age time.Duration `json:"age_ns,omitempty"`

	// Timed says that a context other than the task's own may end it.
	Timed bool `json:"timed,omitempty"`

	// On are tasks that could end it by acting, the one to look at first in
	// front. Sixteen at most are listed. It is empty if the wait ends by itself,
	// if nobody knows who will end it, and if the queue for the same thing is so
	// long that asking on everybody's behalf would take too much time.
	On []Ref `json:"on,omitempty"`

	// OnTotal is how many such tasks there are, zero if On is empty.
	OnTotal int `json:"on_total,omitempty"`
}

// A Ref names a task.
type Ref struct {
	ID   string `json:"id"`
	Task string `json:"task"`
}

// A Label names something that is not a task.
type Label struct {
	Kind string `json:"kind"`
	Name string `json:"name,omitempty"`
}

// A Frame is a line of the program.
type Frame struct {
	Func string `json:"func,omitempty"` // with its package path
	File string `json:"file,omitempty"` // with its folder
	Line int    `json:"line,omitempty"`
}

// A Place is somewhere work runs, and how it fares.
type Place struct {
	Label
	Figures []Figure `json:"figures,omitempty"`
}

// A Figure is one thing to know of a place. Its value is a bool, a number or a
// string.
type Figure struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
}

// Totals count what was seen.
type Totals struct {
	Tasks   int `json:"tasks"`
	Scopes  int `json:"scopes"`
	Running int `json:"running"`
	Waiting int `json:"waiting"`
	Joining int `json:"joining"`
	Queued  int `json:"queued"`

	// WaitingFor counts the waiting, joining and queued tasks by the kind of
	// what they wait for.
	WaitingFor map[string]int `json:"waiting_for"`
}

// Tasks yields every task of the snapshot, each before those beneath it.
func (s *Snapshot) Tasks() iter.Seq[*Task] {
	return func(yield func(*Task) bool) {
		for _, t := range s.Roots {
			if !t.each(yield) {
				return
			}
		}
	}
}

func (t *Task) each(yield func(*Task) bool) bool {
	if !yield(t) {
		return false
	}
	for _, s := range t.Scopes {
		for _, t := range s.Tasks {
			if !t.each(yield) {
				return false
			}
		}
	}
	for _, t := range t.Adopted {
		if !t.each(yield) {
			return false
		}
	}
	return true
}
