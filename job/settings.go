package job

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hemgo/hem/job/internal/state"
)

// settings are what options make of a job. Times are in microseconds, as in the
// log.
type settings struct {
	queue    string
	key      string
	keyed    bool // key is what counts, and not the task's
	priority int8
	runAt    int64 // negative: from now
	attempts uint16
	tried    bool // attempts is what somebody has said
	first    int64
	most     int64
	keep     int64
	noWait   bool

	group    string
	limit    string
	limitKey string
	unique   state.Unique
	timeout  int64    // 0: any
	deadline int64    // 0: none
	tags     []string // in order, each once; never written again

	err error // the first option that is wrong
}

const bury = 30 * 24 * time.Hour

// defaults are what a job is if nobody says anything.
func defaults() settings {
	return settings{
		queue:    "default",
		attempts: 20,
		first:    micros(time.Second),
		most:     micros(time.Hour),
		keep:     micros(10 * time.Minute),
	}
}

// micros is d in microseconds, rounded up: nothing is early.
func micros(d time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	return int64((d-1)/time.Microsecond) + 1
}

// with is s with opts on top. It keeps the first thing that is wrong.
func (s settings) with(opts []Option) settings {
	for i := range opts {
		if err := s.take(&opts[i]); err != nil && s.err == nil {
			s.err = err
		}
	}
	return s
}

func (s *settings) take(o *Option) error {
	switch o.what {
	case setQueue:
		s.queue = o.text
		return wrong("queue", checkName(o.text))
	case setKey:
		s.key, s.keyed = o.text, true
		return checkKey(o.text)
	case setPriority:
		s.priority = int8(o.a)
		if o.a < -state.MaxPriority || o.a > state.MaxPriority {
			return fmt.Errorf("the priority is %d: it must be %d to %d", o.a, -state.MaxPriority, state.MaxPriority)
		}
	case setDelay:
		s.runAt = -micros(time.Duration(o.a))
		return notNegative("delay", o.a)
	case setAt:
		return s.takeAt(o.a, o.b)
	case setAttempts:
		s.attempts, s.tried = uint16(o.a), true
		if o.a < 1 || o.a > state.MaxAttempts {
			return fmt.Errorf("there are %d attempts: it must be 1 to %d", o.a, state.MaxAttempts)
		}
	case setBackoff:
		s.first, s.most = micros(time.Duration(o.a)), micros(time.Duration(o.b))
		if o.b < o.a {
			return fmt.Errorf("the back-off begins with %v and is at most %v: it must not shrink", time.Duration(o.a), time.Duration(o.b))
		}
		return notNegative("back-off", o.a)
	case setKeep:
		s.keep = micros(time.Duration(o.a))
		return notNegative("time to keep the job", o.a)
	case setNoWait:
		s.noWait = true
	case setGroup:
		s.group = o.text
		return checkText("name of the group", o.text, 0, state.MaxName)
	case setLimit:
		s.limit, s.limitKey = o.text, o.key
		if err := wrong("limit", checkName(o.text)); err != nil {
			return err
		}
		return checkText("key of the limit", o.key, 0, state.MaxKey)
	case setUnique:
		s.unique = state.Unique(o.a)
		if o.b != 0 {
			return fmt.Errorf("Unique is of Done, Dead and Cancelled, and not of %v: live jobs have their key always", State(o.b-1))
		}
	case setTimeout:
		s.timeout = micros(time.Duration(o.a))
		return notNegative("timeout", o.a)
	case setDeadline:
		return s.takeDeadline(o.a, o.b)
	case setTags:
		return s.takeTags(o.tags)
	default:
		return errNoOption
	}
	return nil
}

// takeAt takes a time since 1970, rounded up to a microsecond: nothing is early.
func (s *settings) takeAt(sec, nsec int64) error {
	s.runAt = sec*1e6 + (nsec+999)/1000
	return inRange("time", sec, nsec)
}

// takeDeadline takes a time since 1970, rounded down: nothing begins late.
func (s *settings) takeDeadline(sec, nsec int64) error {
	s.deadline = max(sec*1e6+nsec/1000, 1)
	return inRange("deadline", sec, nsec)
}

// inRange says why the log cannot say a time.
func inRange(what string, sec, nsec int64) error {
	if sec < 0 || sec >= state.MaxTime/1_000_000 {
		return fmt.Errorf("the %s %v is out of range: it must be between 1970 and 4253", what, time.Unix(sec, nsec).UTC().Format(time.RFC3339))
	}
	return nil
}

func (s *settings) takeTags(tags []string) error {
	tags = slices.Clone(tags)
	slices.Sort(tags)
	s.tags = slices.Compact(tags)
	if len(s.tags) > state.MaxTags {
		return fmt.Errorf("there are %d tags, of at most %d", len(s.tags), state.MaxTags)
	}
	for _, tag := range s.tags {
		if err := checkText("tag", tag, 1, state.MaxTag); err != nil {
			return err
		}
	}
	return nil
}

func notNegative(what string, d int64) error {
	if d < 0 {
		return fmt.Errorf("the %s is negative: %v", what, time.Duration(d))
	}
	return nil
}

// wrong is why what is wrong, nil if it is not.
func wrong(what string, why error) error {
	if why == nil {
		return nil
	}
	return fmt.Errorf("the name of the %s %w", what, why)
}

var errNoOption = errors.New("the zero Option says nothing: use one that a function of this package returns")

// uniqueBits are the ended states that hold a key if they are named.
var uniqueBits = [...]state.Unique{Done: state.UniqueDone, Dead: state.UniqueDead, Cancelled: state.UniqueCancelled}

// spec is a call with an input as the log has it.
func (s *settings) spec(task string, input []byte) state.Spec {
	return state.Spec{
		Task: task, Queue: s.queue, Key: s.key, Priority: s.priority, RunAt: s.runAt, Attempts: s.attempts,
		First: s.first, Most: s.most, Keep: s.keep, Bury: micros(bury), Input: input,
		Group: s.group, Limit: s.limit, LimitKey: s.limitKey, Unique: s.unique,
		Timeout: s.timeout, Deadline: s.deadline, Tags: s.tags,
	}
}
