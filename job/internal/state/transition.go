package state

// A transition is one decision, as the log has it: a tag and its fields. The
// Append functions write one; [State.Apply] carries it out, in the owner that
// decided it and in everyone who replays the log alike.
const (
	tagTakeover    = 1
	tagLimits      = 2
	tagQueue       = 3
	tagEnqueue     = 4
	tagClaim       = 5
	tagReturn      = 6
	tagComplete    = 7
	tagFail        = 8
	tagCancel      = 9
	tagRevive      = 10
	tagSessionOpen = 11
	tagSessionEnd  = 12
	tagAdvance     = 13
	tagRequest     = 14
	tagSnapBegin   = 15
	tagSnapPage    = 16
	tagSnapEnd     = 17
	tagClientOpen  = 18
	tagPause       = 19
	tagWeight      = 20
	tagLimit       = 21
	tagSchedule    = 22
	tagUnschedule  = 23
	tagTick        = 24
)

// What a transition may hold at most. The package job refuses more with words
// for its callers; here it is damage.
const (
	MaxPayload  = 256 << 10 // bytes of a job's input, and of a result
	MaxName     = 128       // bytes of a task's name, a queue's and a session's
	MaxKey      = 512       // bytes of a unique key
	MaxError    = 1 << 10   // bytes that are kept of an attempt's error
	MaxDetail   = 64 << 10  // bytes of the last attempt's error as it travels, and of a cancel's cause
	MaxAttempts = 1<<16 - 1
	MaxTime     = 1 << 56 // microseconds since 1970: the year 4253
	MaxDelay    = MaxTime / 4
	MaxPriority = 100
	MaxBatch    = 1 << 12 // jobs in one Enqueue
	MaxOpen     = 1 << 10 // requests that a client has not yet heard of
	MaxTags     = 16      // of a job
	MaxTag      = 64      // bytes of a tag
	MaxTrace    = 512     // bytes of a traceparent, and of a tracestate
	MaxWeight   = 1000    // of a group
	MaxChildren = 1 << 16 // of a job, at a time
	MaxRule     = 512     // bytes of a schedule's rule
)

// A Spec is a job as it is enqueued.
type Spec struct {
	Task     string
	Queue    string
	Key      string // unique among the jobs of the task that Unique says, in its scope: those that have the same Parent; "" is none
	Priority int8   // -MaxPriority to MaxPriority, higher sooner
	RunAt    int64  // not before; microseconds; at most now is at once; below zero: so long after it is entered
	Attempts uint16 // most attempts, at least 1
	First    int64  // microseconds of back-off after the first failure, doubled each time
	Most     int64  // and at most this
	Keep     int64  // microseconds that it is kept when it has been done or cancelled
	Bury     int64  // and when it is a dead letter
	Input    []byte

	Group    string // whose share of its queue it takes
	Limit    string // the limit that it counts for, "" is none
	LimitKey string // and under which of its keys
	Unique   Unique // the ended jobs that have their key as well
	Timeout  int64  // microseconds that an attempt may take, for whoever works; 0 is any
	Deadline int64  // when it is too late to begin an attempt; 0 is never

	// Session, or Parent and ParentEpoch, are the scope that the job belongs to:
	// a session, or an attempt of another job. Attached says that the job ends
	// with it. A job with a Parent that is not Attached has a Key, and ends with
	// the parent, not with its attempt. Called says that it is cancelled when
	// nobody waits for it any more; it has a Key.
	Session     uint64
	Parent      uint64
	ParentEpoch uint32
	Attached    bool
	Called      bool

	Tags        []string
	TraceParent string
	TraceState  string
	Schedule    string // that it comes from; and when it was due there
	Tick        int64
}

// A Unique says which jobs have their key beside the live ones.
type Unique uint8

// What may be or-ed to a Unique.
const (
	UniqueDone Unique = 1 << iota
	UniqueDead
	UniqueCancelled
)

// Limits are those of a whole shard.
type Limits struct {
	Jobs   int64 // most live jobs
	Bytes  int64 // most bytes of their inputs and keys
	Kept   int64 // most Done and Cancelled jobs that are kept; the one to be forgotten soonest goes first
	Ageing int64 // microseconds: by so much earlier a job seems to have come for each step of priority
	Buried int64 // most dead letters that are kept, likewise

	// KeptBytes is the most bytes of all of these. Dead letters go last.
	KeptBytes int64
}

// AppendTakeover ends the sessions of the owners before. It is the first
// transition of a term.
func AppendTakeover(b []byte) []byte { return append(b, tagTakeover) }

// AppendLimits sets the limits of the shard.
func AppendLimits(b []byte, l Limits) []byte {
	b = append(b, tagLimits)
	b = putInt(b, l.Jobs)
	b = putInt(b, l.Bytes)
	b = putInt(b, l.Kept)
	b = putInt(b, l.Ageing)
	b = putInt(b, l.Buried)
	return putInt(b, l.KeptBytes)
}

// A Queue says what a queue allows. The zero Queue allows everything that the
// shard does.
type Queue struct {
	Depth   int64 // most live jobs; 0 is no limit but the shard's
	Running int64 // most claimed jobs; 0 is no limit
	Rate    Rate
}

// A Rate is how fast jobs may be claimed: Burst at once, and then one each
// Interval. It is kept as by the generic cell rate algorithm (ITU-T I.371). The
// zero Rate is any.
type Rate struct {
	Interval int64 // microseconds
	Burst    int64 // at least 1 if there is an Interval, else 0
}

// AppendQueue sets what a queue allows.
func AppendQueue(b []byte, name string, q Queue) []byte {
	b = append(b, tagQueue)
	b = putBytes(b, name)
	b = putInt(b, q.Depth)
	b = putInt(b, q.Running)
	return putRate(b, q.Rate)
}

func putRate(b []byte, r Rate) []byte { return putInt(putInt(b, r.Interval), r.Burst) }

// AppendPause lets nobody claim jobs of a queue, or lets them again.
func AppendPause(b []byte, queue string, paused bool) []byte {
	return putBool(putBytes(append(b, tagPause), queue), paused)
}

// AppendWeight sets how large a group's share of each queue is, beside others; 0
// is what it is without: 1.
func AppendWeight(b []byte, group string, weight uint16) []byte {
	return putUint(putBytes(append(b, tagWeight), group), uint64(weight))
}

// A Limit says how many jobs that count for it are claimed at a time, and how
// fast: for each of its keys by itself.
type Limit struct {
	Running int64 // 0 is any number
	Rate    Rate
}

// AppendLimit sets a limit by name; the zero Limit removes it.
func AppendLimit(b []byte, name string, l Limit) []byte {
	b = putBytes(append(b, tagLimit), name)
	return putRate(putInt(b, l.Running), l.Rate)
}

// AppendEnqueue enters jobs, all or none. A job whose key a live job has is not
// entered; its id in the outcome is the other's.
func AppendEnqueue(b []byte, specs ...Spec) []byte {
	b = append(b, tagEnqueue)
	b = putUint(b, uint64(len(specs)))
	for i := range specs {
		b = putSpec(b, &specs[i])
	}
	return b
}

// What of a spec is there, in its flags.
const (
	hasAttached = 1 << iota
	hasCalled
	hasUniqueDone
	hasUniqueDead
	hasUniqueCancelled
	hasGroup
	hasLimit
	hasTimeout
	hasDeadline
	hasSession
	hasParent
	hasExtra
)

func (p *Spec) flags() (f uint64) {
	for i, has := range [...]bool{
		p.Attached, p.Called, p.Unique&UniqueDone != 0, p.Unique&UniqueDead != 0, p.Unique&UniqueCancelled != 0,
		p.Group != "", p.Limit != "", p.Timeout != 0, p.Deadline != 0, p.Session != 0, p.Parent != 0,
		len(p.Tags) > 0 || p.TraceParent != "" || p.Schedule != "",
	} {
		if has {
			f |= 1 << i
		}
	}
	return f
}

func putSpec(b []byte, p *Spec) []byte {
	b = putBytes(b, p.Task)
	b = putBytes(b, p.Queue)
	b = putBytes(b, p.Key)
	b = putInt(b, int64(p.Priority))
	b = putInt(b, p.RunAt)
	b = putUint(b, uint64(p.Attempts))
	b = putInt(b, p.First)
	b = putInt(b, p.Most)
	b = putInt(b, p.Keep)
	b = putInt(b, p.Bury)
	b = putBytes(b, p.Input)
	f := p.flags()
	b = putUint(b, f)
	if f&hasGroup != 0 {
		b = putBytes(b, p.Group)
	}
	if f&hasLimit != 0 {
		b = putBytes(putBytes(b, p.Limit), p.LimitKey)
	}
	if f&hasTimeout != 0 {
		b = putInt(b, p.Timeout)
	}
	if f&hasDeadline != 0 {
		b = putInt(b, p.Deadline)
	}
	if f&hasSession != 0 {
		b = putUint(b, p.Session)
	}
	if f&hasParent != 0 {
		b = putUint(putUint(b, p.Parent), uint64(p.ParentEpoch))
	}
	if f&hasExtra != 0 {
		b = putBytes(b, putExtra(nil, p))
	}
	return b
}

// putExtra writes what of a spec is kept as it is, and seldom looked at.
func putExtra(b []byte, p *Spec) []byte {
	b = putUint(b, uint64(len(p.Tags)))
	for _, t := range p.Tags {
		b = putBytes(b, t)
	}
	b = putBytes(b, p.TraceParent)
	b = putBytes(b, p.TraceState)
	b = putBytes(b, p.Schedule)
	return putInt(b, p.Tick)
}

// AppendClaim gives a ready job to a session, under the next epoch.
func AppendClaim(b []byte, session, job uint64) []byte {
	b = append(b, tagClaim)
	b = putUint(b, session)
	return putUint(b, job)
}

// AppendReturn gives a claimed job back, as though it had not been claimed, but
// for the epoch.
func AppendReturn(b []byte, session, job uint64, epoch uint32) []byte {
	return putLease(append(b, tagReturn), session, job, epoch)
}

// AppendComplete ends a claimed job well.
func AppendComplete(b []byte, session, job uint64, epoch uint32, result []byte) []byte {
	return putBytes(putLease(append(b, tagComplete), session, job, epoch), result)
}

// A Failure says how an attempt failed.
type Failure struct {
	Permanent bool   // trying again is not worth it
	After     int64  // microseconds to wait before trying again; negative: what the job's back-off says
	Error     string // cut to MaxError
	Detail    []byte // the error as it travels, for whoever waits for the job; of MaxDetail at most
}

// AppendFail ends an attempt badly: the job waits for the next one, or is a dead
// letter if that was the last.
func AppendFail(b []byte, session, job uint64, epoch uint32, f Failure) []byte {
	b = putLease(append(b, tagFail), session, job, epoch)
	b = putBool(b, f.Permanent)
	b = putInt(b, max(f.After, -1))
	b = putBytes(b, f.Error[:min(len(f.Error), MaxError)])
	return putBytes(b, f.Detail)
}

func putLease(b []byte, session, job uint64, epoch uint32) []byte {
	b = putUint(b, session)
	b = putUint(b, job)
	return putUint(b, uint64(epoch))
}

// AppendCancel ends a job that nobody has claimed, and marks one that somebody
// has: it is not tried again. Its children are cancelled with it. cause, of
// MaxDetail at most, is why, for whoever works on it or waits for it.
func AppendCancel(b []byte, job uint64, cause []byte) []byte {
	return putBytes(putUint(append(b, tagCancel), job), cause)
}

// AppendRevive makes a dead letter ready again, with all its attempts before it.
func AppendRevive(b []byte, job uint64) []byte { return putUint(append(b, tagRevive), job) }

// AppendSessionOpen opens a session, which may claim jobs. Its number is the
// outcome's id. One that is not remote is in the process of the owner, and ends
// with it.
func AppendSessionOpen(b []byte, name string, remote bool) []byte {
	return putBool(putBytes(append(b, tagSessionOpen), name), remote)
}

// AppendSessionEnd ends a session: what it had claimed is ready again, or dead
// if that was the last attempt.
func AppendSessionEnd(b []byte, session uint64) []byte {
	return putUint(append(b, tagSessionEnd), session)
}

// AppendAdvance does nothing: the record that it is in advances the time.
func AppendAdvance(b []byte) []byte { return append(b, tagAdvance) }

// A Request names a request of a client, so that one that is repeated is
// answered as before instead of being carried out again. The scheme is that of
// RIFL (Lee et al., SOSP 2015): a client numbers its requests and says which is
// the lowest whose answer it has not had, so that older answers are forgotten.
type Request struct {
	Client uint64 // that a ClientOpen gave
	N      uint64 // from 1
	Low    uint64 // the client has the answers of all before it; at most N
}

// AppendClientOpen makes a client known. Its number is the outcome's id. It is
// forgotten when it has asked for nothing in an hour, and then is refused: a number
// is never given twice, so nothing that arrives late is taken for new.
func AppendClientOpen(b []byte) []byte { return append(b, tagClientOpen) }

// AppendRequest says that the transition which follows in b is what r asks for:
// a caller appends it, then the transition itself, and applies both as one.
func AppendRequest(b []byte, r Request) []byte {
	b = append(b, tagRequest)
	b = putUint(b, r.Client)
	b = putUint(b, r.N)
	return putUint(b, r.Low)
}

// AppendSnapBegin says that a snapshot of the state as it is at this point
// follows. It is the first transition of its record.
func AppendSnapBegin(b []byte) []byte { return append(b, tagSnapBegin) }

// AppendSnapPage is one page of the snapshot that began at record begin.
func AppendSnapPage(b []byte, begin, page uint64, content []byte) []byte {
	b = append(b, tagSnapPage)
	b = putUint(b, begin)
	b = putUint(b, page)
	return append(b, content...)
}

// AppendSnapEnd says that the snapshot which began at record begin is complete,
// with so many pages.
func AppendSnapEnd(b []byte, begin, pages uint64) []byte {
	b = append(b, tagSnapEnd)
	b = putUint(b, begin)
	return putUint(b, pages)
}

// A Schedule enters a job whenever it is due. What its rule means is its owner's
// to know: the state has it as it is, and is told each tick.
type Schedule struct {
	Name string // 1 to MaxName bytes
	Rule string // at most MaxRule bytes
	Next int64  // its next tick; 0 is none any more
	Spec Spec   // the job; without scope, RunAt, Schedule and Tick
}

// AppendSchedule makes a schedule, or replaces the one of that name.
func AppendSchedule(b []byte, c *Schedule) []byte {
	b = append(b, tagSchedule)
	b = putBytes(b, c.Name)
	b = putBytes(b, c.Rule)
	b = putInt(b, c.Next)
	return putSpec(b, &c.Spec)
}

// AppendUnschedule removes a schedule. Its jobs stay.
func AppendUnschedule(b []byte, name string) []byte {
	return putBytes(append(b, tagUnschedule), name)
}

// AppendTick moves a schedule on from due, its Next, to the one after. tick is the
// time for which it enters a job now, or 0: it enters none.
func AppendTick(b []byte, name string, due, tick, next int64) []byte {
	b = putBytes(append(b, tagTick), name)
	return putInt(putInt(putInt(b, due), tick), next)
}
