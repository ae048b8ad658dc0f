package state

// Apply carries out one transition: the next of the record that [State.Begin]
// began. out may be nil. t is not kept.
//
// # Errors
//
// ErrMalformed and ErrUnknown are of what is no transition. The others say why
// this one is refused. The state is then as it was.
func (s *State) Apply(t []byte, out *Outcome) error {
	if out == nil {
		out = &s.ignored
	}
	out.reset()
	defer func() {
		s.cascade()
		s.trim()
	}()
	if len(t) > 0 && t[0] == tagRequest {
		return s.applyRequest(t, out)
	}
	return s.apply(t, out)
}

func (o *Outcome) reset() {
	*o = Outcome{IDs: o.IDs[:0], Existing: o.Existing[:0]}
}

func (s *State) apply(t []byte, out *Outcome) error {
	r := reader{b: t}
	switch r.byte() {
	case tagTakeover:
		return s.takeover(&r)
	case tagLimits:
		return s.setLimits(&r)
	case tagQueue:
		return s.setQueue(&r)
	case tagEnqueue:
		return s.enqueue(&r, out)
	case tagClaim:
		return s.claim(&r, out)
	case tagReturn:
		return s.giveBack(&r, out)
	case tagComplete:
		return s.complete(&r, out)
	case tagFail:
		return s.failed(&r, out)
	case tagCancel:
		return s.cancel(&r, out)
	case tagRevive:
		return s.revive(&r, out)
	case tagSessionOpen:
		return s.openSession(&r, out)
	case tagSessionEnd:
		return s.endSession(&r)
	case tagClientOpen:
		return s.openClient(&r, out)
	case tagPause:
		return s.pause(&r)
	case tagWeight:
		return s.setWeight(&r)
	case tagLimit:
		return s.setLimitOf(&r)
	case tagSchedule:
		return s.setSchedule(&r)
	case tagUnschedule:
		return s.unschedule(&r)
	case tagTick:
		return s.tick(&r, out)
	case tagAdvance:
		return ended(&r)
	case tagSnapBegin, tagSnapPage, tagSnapEnd:
		_, err := Look(t)
		return err
	case 0:
		return ErrMalformed
	}
	return ErrUnknown
}

// ended is for a transition that should have no more fields.
func ended(r *reader) error {
	if !r.whole() {
		return ErrMalformed
	}
	return nil
}

// A Kind tells the transitions apart that whoever reads a log must know.
type Kind uint8

// What a transition is.
const (
	KindOther Kind = iota
	KindTakeover
	KindSnapBegin
	KindSnapPage
	KindSnapEnd
)

// Looked is what [Look] finds.
type Looked struct {
	Kind    Kind
	Begin   uint64 // SnapPage, SnapEnd: the record in which the snapshot began
	Page    uint64 // SnapPage: which one, from 0
	Pages   uint64 // SnapEnd: how many there are
	Content []byte // SnapPage: aliases the transition
}

// Look reads a transition as far as whoever reads a log must.
func Look(t []byte) (l Looked, err error) {
	r := reader{b: t}
	switch r.byte() {
	case 0:
		return l, ErrMalformed
	case tagTakeover:
		l.Kind = KindTakeover
	case tagSnapBegin:
		l.Kind = KindSnapBegin
	case tagSnapPage:
		l.Kind, l.Begin, l.Page = KindSnapPage, r.uint(), r.uint()
		l.Content, r.b = r.b, nil
		if len(l.Content) == 0 {
			r.fail()
		}
	case tagSnapEnd:
		l.Kind, l.Begin, l.Pages = KindSnapEnd, r.uint(), r.uint()
	default:
		return l, nil
	}
	if !r.whole() {
		return Looked{}, ErrMalformed
	}
	return l, nil
}
