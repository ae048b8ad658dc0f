package job

import (
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/hemgo/hem/internal/graph"
	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/state"
)

// A scene is what dumps show of an owner's queues, sessions and running jobs: of
// each as many as somebody reads, and one more where there are others.
type scene struct {
	log      [16]byte
	now      int64
	queues   []state.QueueInfo
	sessions []sessionInfo
	running  []state.Info // by session
}

// mostShown is how many of each are shown.
const mostShown = 100

// scene returns a figure for each, which may be of the record that is being appended.
// A loop that is stuck in the log is looked at while it is; one that is at work is not
// waited for, and then there is only a word of that.
func (o *Owner) scene() []graph.Figure {
	for range mostYields {
		if o.mine.TryLock() {
			s := scene{}
			s.take(o)
			o.mine.Unlock()
			return s.figures()
		}
		runtime.Gosched()
	}
	return []graph.Figure{{Name: "queues, sessions, jobs", Value: "not shown: the owner is at work"}}
}

// mostYields is how often others are let run before a loop counts as at work: for
// some 20 ms. It is no time, for that may be another where the dump is taken.
const mostYields = 100_000

// take looks at what the owner has. It is called with o.mine.
func (s *scene) take(o *Owner) {
	sight := o.core.Sight()
	if sight.State == nil {
		return
	}
	s.log, s.now = o.log, o.now().Wall
	s.queues = sight.QueueInfos("", mostShown+1)
	for _, info := range sight.Sessions() {
		if len(s.sessions) <= mostShown {
			f, claims := sight.Claims(info.ID)
			s.sessions = append(s.sessions, sessionInfo{info, f, claims, sight.Silent(info.ID)})
		}
		if info.Running > 0 && len(s.running) <= mostShown {
			s.takeRunning(sight, info.ID)
		}
	}
}

func (s *scene) takeRunning(sight owner.Sight, session uint64) {
	for _, id := range sight.Running(session) {
		if len(s.running) > mostShown {
			return
		}
		if info, err := sight.Brief(id); err == nil {
			s.running = append(s.running, info)
		}
	}
}

func (s *scene) figures() (all []graph.Figure) {
	for i := range s.queues {
		if i == mostShown {
			all = append(all, others("queues"))
			break
		}
		all = append(all, graph.Figure{Name: "queue " + s.queues[i].Name, Value: queueLine(&s.queues[i])})
	}
	for i := range s.sessions {
		if i == mostShown {
			all = append(all, others("sessions"))
			break
		}
		n := &s.sessions[i]
		all = append(all, graph.Figure{Name: fmt.Sprintf("session %d", n.ID), Value: sessionLine(n)})
	}
	for i := range s.running {
		if i == mostShown {
			all = append(all, others("running jobs"))
			break
		}
		j := &s.running[i]
		all = append(all, graph.Figure{Name: "job " + ID(j.ID).String(), Value: s.jobLine(j)})
	}
	return all
}

func others(what string) graph.Figure {
	return graph.Figure{Name: "more " + what, Value: fmt.Sprintf("there are more than %d", mostShown)}
}

// queueLine is a queue on one line.
func queueLine(i *state.QueueInfo) string {
	var parts []string
	if i.Paused {
		parts = append(parts, "paused")
	}
	running := fmt.Sprintf("%d running", i.Counts.Running)
	if i.Queue.Running > 0 {
		running = fmt.Sprintf("%d of at most %d running", i.Counts.Running, i.Queue.Running)
	}
	parts = append(parts, running, fmt.Sprintf("%d ready", i.Counts.Ready), fmt.Sprintf("%d delayed", i.Counts.Scheduled))
	if i.Rate.Interval > 0 {
		r := rateOf(i.Rate)
		parts = append(parts, fmt.Sprintf("one each %v, %d at once", r.Every, r.Burst))
	}
	return strings.Join(parts, ", ")
}

// sessionLine is a session on one line.
func sessionLine(i *sessionInfo) string {
	line := fmt.Sprintf("%s: %d running, %d attached", i.Name, i.Running, i.Attached)
	if i.Remote {
		line += fmt.Sprintf(", heard %v ago", (time.Duration(i.silent) * time.Microsecond).Round(100*time.Millisecond))
	}
	return line
}

// jobLine is a running job on one line.
func (s *scene) jobLine(i *state.Info) string {
	since := time.Duration(max(s.now-i.Since, 0)) * time.Microsecond
	token := FencingToken{Log: s.log, Job: ID(i.ID), Epoch: i.Epoch}
	line := fmt.Sprintf("%s for %v, by session %d (%s), attempt %d, token %v", i.Task, since.Round(time.Millisecond), i.Session, i.SessionName, i.Attempt, token)
	if i.Cancel {
		line += ", to be cancelled"
	}
	return line
}
