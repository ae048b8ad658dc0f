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
)

// What a transition may hold at most. The package job refuses more with words
// for its callers; here it is damage.
const (
	MaxPayload  = 256 << 10 // bytes of a job's input, and of a result
	MaxName     = 128       // bytes of a task's name, a queue's and a session's
	MaxKey      = 512       // bytes of a unique key
	MaxError    = 1 << 10   // bytes that are kept of an attempt's error
	MaxAttempts = 1<<16 - 1
	MaxTime     = 1 << 56 // microseconds since 1970: the year 4253
	MaxDelay    = MaxTime / 4
	MaxPriority = 100
	MaxBatch    = 1 << 12 // jobs in one Enqueue
	MaxOpen     = 1 << 10 // requests that a client has not yet heard of
)

// A Spec is a job as it is enqueued.
type Spec struct {
	Task     string
	Queue    string
	Key      string // unique among the live jobs of the task; "" is none
	Priority int8   // -MaxPriority to MaxPriority, higher sooner
	RunAt    int64  // not before; microseconds; at most now is at once; below zero: so long after it is entered
	Attempts uint16 // most attempts, at least 1
	First    int64  // microseconds of back-off after the first failure, doubled each time
	Most     int64  // and at most this
	Keep     int64  // microseconds that it is kept when it has been done or cancelled
	Bury     int64  // and when it is a dead letter
	Input    []byte
}

// Limits are those of a whole shard.
type Limits struct {
	Jobs   int64 // most live jobs
	Bytes  int64 // most bytes of their inputs and keys
	Kept   int64 // most ended jobs that are kept; the one to be forgotten soonest goes first
	Ageing int64 // microseconds: by so much earlier a job seems to have come for each step of priority
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
	return putInt(b, l.Ageing)
}

// AppendQueue sets how many live jobs a queue may have; depth 0 is no limit but
// the shard's.
func AppendQueue(b []byte, name string, depth int64) []byte {
	b = append(b, tagQueue)
	b = putBytes(b, name)
	return putInt(b, depth)
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
	return putBytes(b, p.Input)
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
}

// AppendFail ends an attempt badly: the job waits for the next one, or is a dead
// letter if that was the last.
func AppendFail(b []byte, session, job uint64, epoch uint32, f Failure) []byte {
	b = putLease(append(b, tagFail), session, job, epoch)
	b = putBool(b, f.Permanent)
	b = putInt(b, max(f.After, -1))
	return putBytes(b, f.Error[:min(len(f.Error), MaxError)])
}

func putLease(b []byte, session, job uint64, epoch uint32) []byte {
	b = putUint(b, session)
	b = putUint(b, job)
	return putUint(b, uint64(epoch))
}

// AppendCancel ends a job that nobody has claimed, and marks one that somebody
// has: it is not tried again.
func AppendCancel(b []byte, job uint64) []byte { return putUint(append(b, tagCancel), job) }

// AppendRevive makes a dead letter ready again, with all its attempts before it.
func AppendRevive(b []byte, job uint64) []byte { return putUint(append(b, tagRevive), job) }

// AppendSessionOpen opens a session, which may claim jobs. Its number is the
// outcome's id.
func AppendSessionOpen(b []byte, name string) []byte {
	return putBytes(append(b, tagSessionOpen), name)
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
