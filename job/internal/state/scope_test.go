package state_test

import (
	"testing"

	"github.com/hemgo/hem/job/internal/state"
)

// attached belongs to a session, attachedTo and keyed to a job's attempt.
func attached(session uint64) func(*state.Spec) {
	return func(p *state.Spec) { p.Session, p.Attached = session, true }
}

func attachedTo(i state.Info) func(*state.Spec) {
	return func(p *state.Spec) { p.Parent, p.ParentEpoch, p.Attached = i.ID, i.Epoch, true }
}

func keyed(i state.Info, key string) func(*state.Spec) {
	return func(p *state.Spec) { p.Parent, p.ParentEpoch, p.Key = i.ID, i.Epoch, key }
}

// run enters a job and claims it, which must be the next.
func (x *shard) run(session uint64, change ...func(*state.Spec)) state.Info {
	x.Helper()
	id := x.enqueue(append(change, func(p *state.Spec) { p.Priority = 100 })...)
	if job, _ := x.claim(session); job != id {
		x.Fatalf("job %d is claimed, not %d", job, id)
	}
	return x.is(id, state.Running)
}

func (x *shard) fail(i state.Info) { x.Helper(); x.do(failing(i)) }

func failing(i state.Info) []byte {
	return state.AppendFail(nil, i.Session, i.ID, i.Epoch, state.Failure{})
}

// again claims a job anew, which must be the next.
func (x *shard) again(session uint64, i state.Info) state.Info {
	x.Helper()
	if job, _ := x.claim(session); job != i.ID {
		x.Fatalf("job %d is claimed, not %d", job, i.ID)
	}
	return x.is(i.ID, state.Running)
}

func (x *shard) cancelled(job uint64, cause state.Cause) state.Info {
	x.Helper()
	i := x.is(job, state.Cancelled)
	if i.Cause != cause {
		x.Fatalf("job %d is cancelled for cause %d, not %d", job, i.Cause, cause)
	}
	return i
}

// isToEnd holds that a job which is running is to end.
func (x *shard) isToEnd(job uint64, cause state.Cause) state.Info {
	x.Helper()
	i := x.is(job, state.Running)
	if !i.Cancel || i.Cause != cause {
		x.Fatalf("job %d: cancel %v, cause %d, not %d", job, i.Cancel, i.Cause, cause)
	}
	return i
}

func TestWhatIsAttachedToASessionEndsWithIt(t *testing.T) {
	x := open(t, roomy)
	a, w := x.session(), x.session()
	done := x.run(w, attached(a))
	x.complete(done.ID)
	runs := x.run(w, attached(a))
	waits, later := x.enqueue(attached(a)), x.enqueue(attached(a), func(p *state.Spec) { p.RunAt = x.Now() + second })
	free := x.enqueue()
	if i := x.is(waits, state.Ready); i.Scope != a || !i.Attached {
		t.Errorf("%+v", i)
	}
	if n := x.Sessions()[0].Attached; n != 3 {
		t.Errorf("%d are attached", n)
	}
	x.do(state.AppendSessionEnd(nil, a))
	x.cancelled(waits, state.CauseScope)
	x.cancelled(later, state.CauseScope)
	x.isToEnd(runs.ID, state.CauseScope)
	x.is(done.ID, state.Done)
	x.is(free, state.Ready)
	x.fail(runs)
	x.cancelled(runs.ID, state.CauseScope)
}

func TestWhatASessionHasOfItsOwnEndsWithItAtOnce(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	own := x.run(s, attached(s))
	x.do(state.AppendTakeover(nil))
	x.cancelled(own.ID, state.CauseScope)
}

func TestATakeoverLeavesRemoteSessionsAndWhatIsTheirs(t *testing.T) {
	x := open(t, roomy)
	local := x.session()
	remote := x.do(state.AppendSessionOpen(nil, "far", true)).IDs[0]
	mine, theirs := x.enqueue(attached(local)), x.enqueue(attached(remote))
	runs := x.run(remote)
	x.do(state.AppendTakeover(nil))
	x.cancelled(mine, state.CauseScope)
	x.is(theirs, state.Ready)
	if i := x.is(runs.ID, state.Running); i.Cancel || i.Session != remote || i.SessionName != "far" {
		t.Errorf("%+v", i)
	}
	x.complete(runs.ID)
}

func TestWhatIsAttachedToAnAttemptEndsWithItHoweverItEnds(t *testing.T) {
	for name, end := range map[string]func(x *shard, p state.Info){
		"done":   func(x *shard, p state.Info) { x.complete(p.ID) },
		"failed": func(x *shard, p state.Info) { x.fail(p) },
		"dead": func(x *shard, p state.Info) {
			x.do(state.AppendFail(nil, p.Session, p.ID, p.Epoch, state.Failure{Permanent: true}))
		},
		"returned":  func(x *shard, p state.Info) { x.do(state.AppendReturn(nil, p.Session, p.ID, p.Epoch)) },
		"lost":      func(x *shard, p state.Info) { x.do(state.AppendSessionEnd(nil, p.Session)) },
		"cancelled": func(x *shard, p state.Info) { x.do(state.AppendCancel(nil, p.ID, nil)) },
	} {
		t.Run(name, func(t *testing.T) {
			x := open(t, roomy)
			s, w := x.session(), x.session()
			p := x.run(s)
			done := x.run(w, attachedTo(p))
			x.complete(done.ID)
			runs := x.run(w, attachedTo(p))
			waits := x.enqueue(attachedTo(p))
			end(x, p)
			x.is(done.ID, state.Done)
			x.isToEnd(runs.ID, state.CauseScope)
			x.cancelled(waits, state.CauseScope)
			x.complete(runs.ID) // its outcome is taken
			x.is(runs.ID, state.Done)
		})
	}
}

func TestACancelTravelsToTheFifthGenerationAtOnce(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	root := x.run(s)
	below := []state.Info{root}
	for depth := range 5 {
		how := attachedTo(below[depth])
		if depth%2 == 1 {
			how = keyed(below[depth], "k")
		}
		below = append(below, x.run(s, how))
	}
	waits := x.enqueue(keyed(below[5], "waits"))
	x.do(state.AppendCancel(nil, root.ID, []byte("enough")))
	if i := x.isToEnd(root.ID, state.CauseAsked); string(i.Detail) != "enough" {
		t.Errorf("%+v", i)
	}
	for _, i := range below[1:] {
		x.isToEnd(i.ID, state.CauseScope)
	}
	x.cancelled(waits, state.CauseScope)
	for _, i := range below { // from the root down, as it happens
		x.fail(i)
	}
	x.cancelled(root.ID, state.CauseAsked)
	x.cancelled(below[5].ID, state.CauseScope)
}

func TestAParentThatIsCancelledTakesNoMoreChildrenAndOneThatIsDoneIsDone(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	p := x.run(s)
	x.do(state.AppendCancel(nil, p.ID, []byte("first")))
	x.do(state.AppendCancel(nil, p.ID, []byte("second")))
	if i := x.isToEnd(p.ID, state.CauseAsked); string(i.Detail) != "first" {
		t.Errorf("%q", i.Detail)
	}
	x.refuses(state.ErrScope, state.AppendEnqueue(nil, spec(attachedTo(p))))
	x.complete(p.ID)
	if i := x.is(p.ID, state.Done); i.Cause != state.CauseNone || i.Detail != nil {
		t.Errorf("%+v", i)
	}
}

func TestNothingIsEnteredIntoOrJoinedInAScopeThatHasEnded(t *testing.T) {
	x := open(t, roomy)
	s, w := x.session(), x.session()
	p := x.run(w)
	child := x.enqueue(keyed(p, "k"))
	closed := func(i state.Info) {
		t.Helper()
		for name, how := range map[string]func(*state.Spec){
			"attached": attachedTo(i), "joined": keyed(i, "k"), "keyed": keyed(i, "new"),
		} {
			x.refuses(state.ErrScope, state.AppendEnqueue(nil, spec(), spec(how)))
			if t.Failed() {
				t.Fatal(name)
			}
		}
	}
	x.do(state.AppendReturn(nil, w, p.ID, p.Epoch))
	closed(p)
	x.do(state.AppendCancel(nil, child, nil))
	next := x.again(w, p)
	closed(p) // its attempt, not this one
	p = next
	x.complete(p.ID)
	closed(p)
	x.pass(60 * second)
	x.gone(p.ID)
	closed(p)
	closed(state.Info{ID: 1 << 40, Epoch: 1})
	x.do(state.AppendSessionEnd(nil, s))
	x.refuses(state.ErrScope, state.AppendEnqueue(nil, spec(attached(s))))
	x.refuses(state.ErrScope, state.AppendEnqueue(nil, spec(attached(99))))
}

func TestScopesThatMakeNoSenseAreMalformed(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	p := x.run(s)
	for name, how := range map[string]func(*state.Spec){
		"attached to nothing":       func(p *state.Spec) { p.Attached = true },
		"of a session, free":        func(p *state.Spec) { p.Session = s },
		"attached and keyed":        func(j *state.Spec) { attachedTo(p)(j); j.Key = "k" },
		"a child without a key":     func(j *state.Spec) { j.Parent, j.ParentEpoch = p.ID, p.Epoch },
		"of a session and a job":    func(j *state.Spec) { attachedTo(p)(j); j.Session = s },
		"called without a key":      func(p *state.Spec) { p.Called = true },
		"unique without a key":      func(p *state.Spec) { p.Unique = state.UniqueDone },
		"keyed, and of the session": func(p *state.Spec) { attached(s)(p); p.Key = "k" },
	} {
		x.refuses(state.ErrMalformed, state.AppendEnqueue(nil, spec(how)))
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

func TestALostAttemptEndsWhatIsAttachedAndLeavesWhatIsKeyed(t *testing.T) {
	x := open(t, roomy)
	s, w := x.session(), x.session()
	p := x.run(s)
	own, kept := x.run(w, attachedTo(p)), x.run(w, keyed(p, "k"))
	under := x.run(w, attachedTo(kept))
	x.do(state.AppendSessionEnd(nil, s))
	x.is(p.ID, state.Ready)
	x.isToEnd(own.ID, state.CauseScope)
	for _, i := range []state.Info{kept, under} {
		if i = x.is(i.ID, state.Running); i.Cancel {
			t.Errorf("%+v", i)
		}
	}
	x.do(state.AppendCancel(nil, p.ID, nil)) // while nobody works on it
	x.isToEnd(kept.ID, state.CauseScope)
	x.isToEnd(under.ID, state.CauseScope)
}

func TestParentAndChildrenThatAreLostTogetherAreReadyOrEndInAnyOrder(t *testing.T) {
	x := open(t, roomy)
	s := x.session()
	p := x.run(s)
	own, kept := x.run(s, attachedTo(p)), x.run(s, keyed(p, "k"))
	under := x.run(s, attachedTo(kept), func(p *state.Spec) { p.Attempts = 1 })
	x.do(state.AppendSessionEnd(nil, s))
	x.is(p.ID, state.Ready)
	x.is(kept.ID, state.Ready)
	x.cancelled(own.ID, state.CauseScope)
	if i := x.is(under.ID, state.Dead); i.Cause != state.CauseLost {
		t.Errorf("%+v", i)
	}
}
