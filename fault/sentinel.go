package fault

// maxSentinel is the length in bytes of the longest name of a Sentinel.
const maxSentinel = 256

// Sentinel makes an error whose identity is its name, and so crosses
// processes: [errors.Is] matches any other Sentinel of the same name, even
// one that [Decode] made. Its text is the name.
//
//	var ErrDeclined = fault.Sentinel("billing: card declined")
//
// Names are shared by the whole program and by everything it talks to, so
// start them with the package, and keep them: renaming one is an incompatible
// change.
//
// # Panics
//
// Sentinel panics if the name is empty, or longer than 256 bytes: an identity
// travels whole or not at all.
func Sentinel(name string) error {
	switch {
	case name == "":
		panic("fault: Sentinel without a name")
	case len(name) > maxSentinel:
		panic("fault: Sentinel with a name of more than 256 bytes")
	}
	return sentinel(name)
}

// sentinel is a string and not a pointer to one, so that equal names are
// equal errors and no Is method is needed.
type sentinel string

func (s sentinel) Error() string { return string(s) }
