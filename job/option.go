package job

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/hemgo/hem/job/internal/state"
)

// An Option says how one job differs from others: see [Enqueue], [New] and
// [Client.With]. A later one replaces an earlier one of its kind. What is wrong
// with an option is told by the call that would use it.
type Option struct {
	what setting
	a, b int64
	text string
}

type setting uint8

const (
	setQueue setting = 1 + iota
	setPriority
	setDelay
	setAt
	setKey
	setAttempts
	setBackoff
	setKeep
	setNoWait
)

// Queue is the queue that the job waits in. A queue is there when something is
// put in it. Its name is made as a task's: 1 to 128 ASCII letters and digits,
// with . _ - / between them. The default is "default".
func Queue(name string) Option { return Option{what: setQueue, text: name} }

// Priority says which of the jobs that are ready is claimed first: -100 to 100,
// the highest first. Each step counts as having been ready for Config.Ageing
// longer, so that the lowest has its turn as well. The default is 0.
func Priority(n int) Option { return Option{what: setPriority, a: int64(n)} }

// Delay makes the job ready d from when it is accepted, and never earlier. The
// default is at once.
func Delay(d time.Duration) Option { return Option{what: setDelay, a: int64(d)} }

// At makes the job ready at t, and never earlier; a t that has passed is at
// once. It is between 1970 and 4253.
func At(t time.Time) Option {
	return Option{what: setAt, a: t.Unix(), b: int64(t.Nanosecond())}
}

// Key makes the job the only live one of its task with this key, of at most 512
// bytes of UTF-8. If there is one already, nothing is enqueued, and the answer is
// that job: see [Handle.Existing]. The default is what task.Def.Keyed says of
// the input; "" is no key, whatever that says.
func Key(key string) Option { return Option{what: setKey, text: key} }

// Attempts is how often the job is tried before it is a dead letter: 1 to
// 65,535. The default is 10.
func Attempts(n int) Option { return Option{what: setAttempts, a: int64(n)} }

// Backoff is how long the job waits after its first failure; after each further
// one it waits twice as long, and never longer than most. The default is a second
// and an hour. A failure that says [fault.RetryAfter] is heard instead.
func Backoff(first, most time.Duration) Option {
	return Option{what: setBackoff, a: int64(first), b: int64(most)}
}

// Keep is how long one can ask about the job when it is done or was cancelled.
// The default is 10 minutes. Dead letters are kept for 30 days.
func Keep(d time.Duration) Option { return Option{what: setKeep, a: int64(d)} }

// NoWait makes a call fail with [fault.Overloaded] where it would wait for room.
// In [Client.EnqueueMany] one job that says so is enough.
func NoWait() Option { return Option{what: setNoWait} }

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
	err      error // the first option that is wrong
}

const bury = 30 * 24 * time.Hour

// defaults are what a job is if nobody says anything.
func defaults() settings {
	return settings{
		queue:    "default",
		attempts: 10,
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
	default:
		return errNoOption
	}
	return nil
}

// takeAt takes a time since 1970, rounded up to a microsecond.
func (s *settings) takeAt(sec, nsec int64) error {
	if sec < 0 || sec >= state.MaxTime/1_000_000 {
		return fmt.Errorf("the time %v is out of range: it must be between 1970 and 4253", time.Unix(sec, nsec).UTC().Format(time.RFC3339))
	}
	s.runAt = sec*1e6 + (nsec+999)/1000
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

var (
	errKeyLong = fmt.Errorf("the key has more than %d bytes", state.MaxKey)
	errKeyText = errors.New("the key is not UTF-8")

	errNoOption = errors.New("the zero Option says nothing: use one that a function of this package returns")
)

func checkKey(key string) error {
	switch {
	case len(key) > state.MaxKey:
		return errKeyLong
	case !utf8.ValidString(key):
		return errKeyText
	}
	return nil
}

// checkName says what is wrong with a name of a queue or a task. Both are used
// in reports, metrics and command lines; package task has the same rule.
func checkName(name string) error {
	const rule = "a name is 1 to 128 letters and digits of ASCII, with . _ - / between them"
	switch {
	case name == "":
		return errors.New("is empty: " + rule)
	case len(name) > state.MaxName:
		return fmt.Errorf("has %d bytes: %s", len(name), rule)
	}
	for i := range len(name) {
		inner := 0 < i && i < len(name)-1
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case inner && (c == '.' || c == '_' || c == '-' || c == '/'):
		default:
			return fmt.Errorf("has %q at byte %d: %s", c, i, rule)
		}
	}
	return nil
}
