package wire

import "github.com/hemgo/hem/job/internal/state"

// A Greeting is the body of Hello.
type Greeting struct {
	Name string // what reports call the client
}

// Greeting is a client's first word.
func (f *Fields) Greeting(g *Greeting) { f.Text(&g.Name) }

// Terms are the body of Welcome.
type Terms struct {
	Log  [16]byte // which log it is
	Name string   // its owner's

	// How many requests may be open at a time: that are answered within an
	// append, and that wait for something else to happen.
	Prompt, Waiting int

	Clock int64 // what the owner's says
}

// Terms are a server's first word.
func (f *Fields) Terms(t *Terms) {
	for i := range t.Log {
		f.Byte(&t.Log[i])
	}
	f.Text(&t.Name)
	f.Number(&t.Prompt)
	f.Number(&t.Waiting)
	f.Clock(&t.Clock)
}

// Clock is the body of Pong: what the owner's clock says, in microseconds since 1970.
func (f *Fields) Clock(v *int64) {
	u := uint64(*v)
	f.Most(&u, state.MaxTime)
	set(f, v, int64(u))
}

// Fault is the body of Bye: an error that is not nil.
func (f *Fields) Fault(err *error) {
	f.Err(err)
	f.Demand(*err != nil)
}
