package sim_test

import (
	"fmt"
	"strings"
)

// A count is something that must have happened, or the simulation proves
// nothing about it.
type count uint8

const (
	happenings count = iota
	records
	takeovers
	depositions
	crashes
	pauses
	jumps
	powerCuts
	recordsCut
	lostAcks
	lateAppends
	lateLanded
	failedAppends
	resends
	looks
	staleLooks
	fullLogs
	lowLogs
	staleReads
	snapshots
	abandoned
	trims
	trimsCut
	restores
	lostMessages
	doubled
	retries
	repeats
	outdated
	roomWaits
	roomServed
	claimWaits
	claimServed
	dropped
	givenBack
	fullRefusals
	lowRefusals
	keyHits
	batches
	deadLetters
	revivals
	cancels
	cancelsRunning
	fenced
	sessionLosses
	backoffs
	timers
	forgotten
	clientsForgotten
	replays
	lostAnswers
	expired
	scopeEnds
	sessionJobs
	attachedJobs
	keyedChildren
	childJoins
	childResults
	uniqueHits
	sharedClaims
	ticks
	ticksMissed
	plansMade
	links
	linksBroken
	notBrought
	halts
	cutOffs
	beats
	attaches
	attachLost
	sessionsLost
	selfStops
	silentEnds
	cancelsTold
	spawnsRefused
	trimmed
	awaited
	reportsTold
	leaves
	knots
	leftAlone
	drains
	counts // how many there are
)

var countNames = [counts]string{
	happenings: "events", records: "records", takeovers: "takeovers", depositions: "depositions", crashes: "crashes",
	pauses: "pauses", jumps: "clock jumps", powerCuts: "power cuts", recordsCut: "records cut", lostAcks: "lost acks",
	lateAppends: "late appends", lateLanded: "late ones that landed", failedAppends: "failed appends", resends: "resends",
	looks: "looks", staleLooks: "stale looks", fullLogs: "log full", lowLogs: "log low", staleReads: "stale reads",
	snapshots: "snapshots", abandoned: "snapshots abandoned", trims: "trims", trimsCut: "trims interrupted", restores: "restores from a snapshot",
	lostMessages: "messages lost", doubled: "messages doubled", retries: "retries", repeats: "repeated requests answered",
	outdated: "requests outdated", roomWaits: "waits for room", roomServed: "served with room", claimWaits: "waits for a job",
	claimServed: "served with a job", dropped: "waits dropped", givenBack: "claims given back", fullRefusals: "refused as full",
	lowRefusals: "refused as low", keyHits: "keys taken", batches: "batches", deadLetters: "dead letters", revivals: "revivals",
	cancels: "cancels", cancelsRunning: "cancels while running", fenced: "fenced outcomes", sessionLosses: "attempts lost with a session",
	backoffs: "back-offs", timers: "timers", forgotten: "jobs forgotten", clientsForgotten: "clients forgotten",
	replays: "replays compared", lostAnswers: "answers lost with an owner",
	expired: "deadlines passed", scopeEnds: "jobs cancelled with their scope", sessionJobs: "jobs attached to a session",
	attachedJobs: "jobs attached to an attempt", keyedChildren: "keyed children", childJoins: "children joined",
	childResults: "results of children found again", uniqueHits: "keys of ended jobs", sharedClaims: "claims that two groups could have had",
	ticks: "ticks", ticksMissed: "ticks missed", plansMade: "schedules set",
	links: "connections", linksBroken: "connections broken", notBrought: "claims that could not be brought", halts: "workers that stood still", cutOffs: "workers cut off",
	beats: "beats answered", attaches: "sessions attached again", attachLost: "jobs that attaching found lost", sessionsLost: "remote sessions lost",
	selfStops: "workers that stopped themselves", silentEnds: "silent sessions ended", cancelsTold: "cancels told to remote workers",
	spawnsRefused: "children refused", trimmed: "jobs forgotten early",
	awaited: "ends told", reportsTold: "reports told", leaves: "callers who left", knots: "children that would wait for their parents", leftAlone: "calls that nobody waits for", drains: "queues drained",
}

type tally [counts]int64

func (t *tally) add(o *tally) {
	for i := range t {
		t[i] += o[i]
	}
}

// missing names what never happened.
func (t *tally) missing() (names []string) {
	for i, n := range t {
		if n == 0 {
			names = append(names, countNames[i])
		}
	}
	return names
}

func (t *tally) String() string {
	var b strings.Builder
	for i, n := range t {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%d %s", n, countNames[i])
	}
	return b.String()
}
