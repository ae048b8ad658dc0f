package wire

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
}

// Terms are a server's first word.
func (f *Fields) Terms(t *Terms) {
	for i := range t.Log {
		f.Byte(&t.Log[i])
	}
	f.Text(&t.Name)
	f.Number(&t.Prompt)
	f.Number(&t.Waiting)
}

// Fault is the body of Bye: an error that is not nil.
func (f *Fields) Fault(err *error) {
	f.Err(err)
	f.Demand(*err != nil)
}
