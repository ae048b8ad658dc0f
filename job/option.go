package job

import (
	"slices"
	"time"
)

// An Option says how one job differs from others: see [Enqueue], [New] and
// [Client.With]. A later one replaces an earlier one of its kind. What is wrong
// with an option is told by the call that would use it.
type Option struct {
	what      setting
	a, b      int64
	text, key string
	tags      []string
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
	setGroup
	setLimit
	setUnique
	setTimeout
	setDeadline
	setTags
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
// once. That is by the owner's clock, whatever the caller's says. It is between 1970
// and 4253.
func At(t time.Time) Option {
	return Option{what: setAt, a: t.Unix(), b: int64(t.Nanosecond())}
}

// Key makes the job the only live one of its task with this key, of at most 512
// bytes of UTF-8. If there is one already, nothing is enqueued, and the answer is
// that job: see [Handle.Existing]. [Unique] lets jobs that have ended keep their
// key. The default is what task.Def.Keyed says of the input; "" is no key,
// whatever that says.
func Key(key string) Option { return Option{what: setKey, text: key} }

// Attempts is how often the job is tried before it is a dead letter: 1 to
// 65,535. The default is 20, with which, and the default back-off, a job is tried
// for some seven hours.
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

// Group is whose share of its queue the job takes, most often a tenant's: at most
// 128 bytes of UTF-8. The groups of a queue that have jobs which are ready take
// turns, by the weights of Config.Groups, so that none waits for what another has
// put in. Within a group [Priority] and age decide. The default is "", which is a
// group like others.
func Group(name string) Option { return Option{what: setGroup, text: name} }

// Limit makes the job count for a limit of Config.Limits, under a key of at most
// 512 bytes of UTF-8: as the customer's, or the host's. Each key has the limit by
// itself: of its jobs no more are claimed at a time, and no faster, than the limit
// says, whatever breaks. A job that has to wait for its limit keeps no other from
// being claimed. The default is none.
func Limit(name, key string) Option { return Option{what: setLimit, text: name, key: key} }

// Unique says which jobs that have ended hold their [Key] as live ones do, until
// they are forgotten (see [Keep]): of Done, Dead and Cancelled. The job must have a
// key. The default is none: a key is free when its job has ended.
func Unique(states ...State) Option {
	o := Option{what: setUnique}
	for _, s := range states {
		if s.Live() || s > Cancelled || s == 0 {
			o.b = 1 + int64(s)
			continue
		}
		o.a |= int64(uniqueBits[s])
	}
	return o
}

// Timeout is how long an attempt may take: then its handler's context ends, and
// with that the attempt fails. It is measured by whoever works on the job. The
// default is any time; 0 is the default.
func Timeout(d time.Duration) Option { return Option{what: setTimeout, a: int64(d)} }

// Deadline is until when an attempt may begin: if none has, and none can, the job
// is dead. One that is under way then is told by its context, and is the last. A
// deadline that has passed when the job is enqueued is [fault.Deadline], and
// nothing is enqueued. All that is by the owner's clock, also where callers and workers
// have another. It is between 1970 and 4253. The default is none.
func Deadline(t time.Time) Option {
	return Option{what: setDeadline, a: t.Unix(), b: int64(t.Nanosecond())}
}

// Tags are words by which the job can be found and counted: at most 16, each of 1
// to 64 bytes of UTF-8. One that is named twice counts once. The default is none.
func Tags(tags ...string) Option { return Option{what: setTags, tags: slices.Clone(tags)} }
