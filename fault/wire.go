package fault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Limits of the wire form. An error is a report: what is larger than this is
// cut, visibly, and never refused.
const (
	wireVersion = 1
	maxDepth    = 100       // how deep causes nest; deeper ones are text only
	maxNodes    = 4096      // errors, frames, steps and members; the rest is left out
	maxText     = 64 << 10  // bytes of one text
	maxTexts    = 256 << 10 // bytes of all texts together
	maxWire     = 16 << 20  // bytes that Decode looks at; Encode never needs as many
)

// Encode gives the wire form of err, for [Decode] in another process or
// another year. It keeps:
//
//   - the text, cut after 64 KiB each and 256 KiB in all, with a note of how
//     much is missing;
//   - the shape of the chain, branches included;
//   - every *Error, *Panic and *Deadlock with their fields, but a panic's Value
//     becomes its text, or an error of that text;
//   - every [Sentinel], and [context.Canceled] and [context.DeadlineExceeded];
//   - [Permanent] and [RetryAfter].
//
// The text of other errors is kept, their type and identity are not. The form
// is JSON and carries a version; a nil error has a form too, so that an empty
// message is never mistaken for success. Encode does not fail, and does not
// panic even if a method of err does.
func Encode(err error) []byte {
	m := message{Version: wireVersion, Nil: err == nil}
	if err != nil {
		e := encoder{nodes: maxNodes, texts: maxTexts}
		m.Err = e.node(err, 0)
	}
	b, jsonErr := json.Marshal(m)
	if jsonErr != nil {
		// Only strings, numbers and slices of them are in there.
		panic("fault: the wire form is not JSON: " + jsonErr.Error())
	}
	return b
}

// Decode gives back the error that [Encode] was given, or nil if that was nil.
//
// If b is not such a form, what happened to the work is not known, and Decode
// returns an error of kind [Lost] that says what is wrong with b. It never
// panics. Fields it does not know are ignored.
func Decode(b []byte) error {
	if len(b) > maxWire {
		return lost(fmt.Errorf("%d bytes are more than the %d an error may take", len(b), maxWire), "")
	}
	if len(bytes.TrimSpace(b)) == 0 {
		return lost(errors.New("the message is empty"), "")
	}
	var m message
	// The version is looked at first, for in a later one the rest of the
	// message may have another shape.
	err := json.Unmarshal(b, &m)
	switch {
	case m.Version > wireVersion:
		return lost(fmt.Errorf("the message has version %d and this program reads %d", m.Version, wireVersion),
			"upgrade the reader before the writer")
	case err != nil:
		return lost(err, "")
	case m.Version < 1:
		return lost(errors.New("the message has no version"), "")
	case m.Err != nil:
		return m.Err.decode(0)
	case m.Nil:
		return nil
	}
	return lost(errors.New("the message has neither an error nor the word that there is none"), "")
}

func lost(err error, hint string) error {
	return &Error{Op: "fault: decode", Kind: Lost, Started: true, Err: err, Hint: hint}
}

// message is the outside of the wire form.
type message struct {
	Version int   `json:"v"`
	Nil     bool  `json:"nil,omitempty"`
	Err     *node `json:"err,omitempty"`
}

// node is one error of a chain. Form says which fields count. A form that the
// reader does not know is read as formText, so later forms have a Text too.
type node struct {
	Form form    `json:"form,omitempty"`
	Text text    `json:"text,omitempty"`
	Tail bool    `json:"tail,omitempty"` // the text of Errs[0] follows Text
	Errs []*node `json:"errs,omitempty"` // what this error wraps
	Ctx  string  `json:"ctx,omitempty"`  // formText: which context error it says it is

	Op      text   `json:"op,omitempty"`
	Task    text   `json:"task,omitempty"`
	Kind    string `json:"kind,omitempty"`
	Unbegun bool   `json:"unbegun,omitempty"` // a promise, so its absence is the cautious answer
	Hint    text   `json:"hint,omitempty"`

	After int64 `json:"after,omitempty"` // formRetry, in nanoseconds

	Valued  bool     `json:"valued,omitempty"` // formPanic: Text or Errs[0] is the value
	Stack   text     `json:"stack,omitempty"`
	Path    []step   `json:"path,omitempty"`
	Goexit  bool     `json:"goexit,omitempty"`
	Others  []*node  `json:"others,omitempty"`
	Members []member `json:"members,omitempty"`
}

// A form is what a node stands for. The words are part of the wire form.
type form string

const (
	formText      form = "" // any other error: Text, or Text and then Errs[0]
	formJoin      form = "join"
	formSentinel  form = "sentinel"
	formCanceled  form = "canceled"
	formDeadline  form = "deadline"
	formError     form = "error"
	formPermanent form = "permanent"
	formRetry     form = "retry"
	formPanic     form = "panic"
	formDeadlock  form = "deadlock"
)

type frame struct {
	Func text `json:"func,omitempty"`
	File text `json:"file,omitempty"`
	Line int  `json:"line,omitempty"`
}

type step struct {
	Task text  `json:"task,omitempty"`
	Site frame `json:"site"`
}

type member struct {
	Task     text    `json:"task,omitempty"`
	Path     []step  `json:"path,omitempty"`
	WaitsFor text    `json:"waits,omitempty"`
	Holds    []text  `json:"holds,omitempty"`
	Stack    []frame `json:"stack,omitempty"`
}

// text is a string that survives JSON unchanged. JSON has no way to write
// what is not UTF-8, so that is written as a list with its bytes in base64.
type text string

func (t text) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return json.Marshal(string(t))
	}
	return json.Marshal([1][]byte{[]byte(t)})
}

func (t *text) UnmarshalJSON(b []byte) error {
	if b[0] != '[' {
		return json.Unmarshal(b, (*string)(t))
	}
	var raw [1][]byte
	err := json.Unmarshal(b, &raw)
	*t = text(raw[0])
	return err
}
