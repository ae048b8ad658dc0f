package inspect

import (
	"time"

	"github.com/hemgo/hem/internal/graph"
)

// A Finding is something worth a person's look that was nobody's error.
type Finding struct {
	// Code says what it is: package, dot, what. The package comment has the
	// table.
	Code string `json:"code"`

	// Task is whom it concerns, as "fetch#7", empty if nobody in particular;
	// TaskID is its [Task.ID], also after it has ended. Path is the task and who
	// started it, outwards.
	Task   string `json:"task,omitempty"`
	TaskID string `json:"task_id,omitempty"`
	Path   string `json:"path,omitempty"`

	// Detail is one sentence.
	Detail string `json:"detail"`

	// Hint is what the reader can do, empty for codes unknown here.
	Hint string `json:"hint,omitempty"`

	Time  time.Time `json:"time"`
	Stack []Frame   `json:"stack,omitempty"` // innermost first; may be empty
}

// hints say what to do. Each code of the package comment has one.
var hints = map[string]string{
	"scope.ignored-cancel":     "let the function at the top of the stack watch ctx.Done(), or give what it calls a context; scope.Shield is for what must be finished",
	"scope.overlong-grace":     "let the OnStop hooks watch their context, or raise scope.Grace",
	"scope.shared-context":     "start that goroutine with Scope.Go, or adopt it with Scope.Do, so that its waits are seen and cannot hang in silence",
	"pool.saturated":           "raise Config.Size if processors are free, submit less, or choose what becomes of overflow: waiting, rejecting or shedding",
	"graph.suspected-deadlock": "read who waits for whom in the detail, and let all take what they share in one order; on this platform it cannot be proved, so nobody was stopped",
	"lock.order-cycle":         "have all take these locks in one order, or one lock more around all of them; if something else keeps them apart, say what with lock.SuppressOrder",
	"lock.same-class":          "take both with lock.Update2 or lock.UpdateAll, which have one order; if they play different parts, give them different classes",
	"lock.recursive-read":      "let the function that reads be called by who holds the lock already, and lock in one place: a writer between the two would block both",
	"lock.rank":                "take the lock of the lower rank first, or correct the ranks",
	"lock.abandoned":           "defer the Unlock where the lock is taken; its users get fault.Lost until Reset",
	"lock.long-wait":           "look for who held the lock meanwhile, and do slow work without it",
	"lock.long-hold":           "do what is slow, such as a request, before the lock is taken or after; keep under it what must be",
	"job.ignored-cancel":       "let the handler watch ctx.Done(), or give what it calls a context; what cannot be stopped runs in a process, by WorkerConfig.Runner, and is killed",
	"proc.cannot-start":        "start the command by hand and read what it prints; until it works, calls are refused and had not started, so they may be tried elsewhere",
	"proc.worker-lost":         "the detail says how it ended and what it printed last; if nothing did, look for who sends signals and, after SIGKILL, for the kernel's out-of-memory messages",
}

// Findings returns the newest findings, at most 256, oldest first.
func Findings() []Finding {
	fs, _ := findings()
	return fs
}

// OnFinding has f called with every finding from now on, until stop is called;
// a call that is under way then is not waited for.
//
// f runs on the goroutine that came upon the finding, which may be any, and
// several at once; it should be short, and must not use Hem's primitives under
// a context of that goroutine. A panic in f is that goroutine's. OnFinding
// panics if f is nil.
func OnFinding(f func(Finding)) (stop func()) {
	if f == nil {
		panic("inspect: OnFinding with a nil function")
	}
	return graph.Subscribe(func(g graph.Finding) { f(publicFinding(g)) })
}

func findings() ([]Finding, map[string]uint64) {
	newest, count := graph.Findings()
	fs := make([]Finding, 0, len(newest))
	for _, f := range newest {
		fs = append(fs, publicFinding(f))
	}
	return fs, count
}

func publicFinding(f graph.Finding) Finding {
	v := Finding{
		Code:   f.Code,
		Detail: cut(f.Detail, maxText),
		Hint:   hints[f.Code],
		Time:   f.Time.UTC().Round(0),
	}
	if f.Task != nil {
		ref := refTo(f.Task)
		v.Task, v.TaskID = ref.Task, ref.ID
		v.Path = cut(f.Task.Path().String(), maxText)
	}
	for _, at := range f.Stack {
		v.Stack = append(v.Stack, Frame(at))
	}
	return v
}
