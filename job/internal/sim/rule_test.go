package sim_test

import "fmt"

// A rule is an invariant: what no history may break.
type rule uint8

const (
	_          rule = iota
	kept            // an acknowledged job is live, or reached one end
	onceDone        // no two completions of a job are accepted, and none that is fenced
	staysDead       // a cancelled job starts nothing after the acknowledgement
	oneKey          // a key has at most one live job
	onTime          // timers are never early, and not late while somebody waits
	inDepth         // no more jobs are entered than may be
	inBounds        // nor claimed: leases per queue and per key, and how fast
	inScope         // what is attached ends with its scope, and nothing is entered into one that has ended
	alone           // nobody works on a job that another has, if he stops when nobody hears him
	heard           // remote sessions are there while they are heard, and not much longer
	told            // who waits and who works is told what the log says, when it is certain
	childOnce       // a child whose result was recorded is found again while its parent lives
	fairly          // groups get their shares
	onSchedule      // each tick once, never early, and as the policy says
	sameReplay      // replay from the start, from any snapshot, and the owner agree
	oneOwner        // a deposed owner neither appends nor acknowledges
	inLog           // what was acknowledged is in the log, what was denied is not
	onceAsked       // a repeated request has one effect and one answer
	inOrder         // claims go by score, waiting requests by arrival
	progress        // what is open is answered, who waits is served, who is idle is quiet
	asWritten       // the state is what the rules say
	rules           // how many there are
)

var ruleNames = [rules]string{
	kept:       "an acknowledged job is live or reached one end",
	onceDone:   "no two completions of a job are accepted",
	staysDead:  "a cancelled job starts nothing after the acknowledgement",
	oneKey:     "a unique key has at most one live job",
	onTime:     "timers are neither early nor late",
	inDepth:    "depth stays within the limit",
	inBounds:   "leases stay within limits and rates",
	inScope:    "an attached job ends with its scope",
	alone:      "nobody works on what another has",
	heard:      "a session is there exactly while it is heard",
	told:       "who waits is told what the log says",
	childOnce:  "a child that is done is not begun again while its parent lives",
	fairly:     "no group gets more than its share",
	onSchedule: "each tick is entered once, never early, as its policy says",
	sameReplay: "replay gives the same state byte for byte",
	oneOwner:   "a deposed owner never appends",
	inLog:      "acknowledged means in the log, denied means not",
	onceAsked:  "a repeated request has one effect and one answer",
	inOrder:    "claims go by score, and nobody is overtaken",
	progress:   "everything is answered in the end, and then it is quiet",
	asWritten:  "the state is what the rules say",
}

func (r rule) String() string { return ruleNames[r] }

// A breach is a rule that a history has broken.
type breach struct {
	rule rule
	at   int64
	text string
}

// breaks notes that a rule is broken. The history ends soon after.
func (w *world) breaks(r rule, format string, args ...any) {
	if len(w.broken) > 20 {
		return
	}
	b := breach{r, w.now, fmt.Sprintf(format, args...)}
	w.broken = append(w.broken, b)
	if w.telling {
		w.tell("BROKEN: %v: %s", b.rule, b.text)
	}
}
