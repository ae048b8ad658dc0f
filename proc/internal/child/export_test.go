package child

import "time"

// Roles are what the test binary does instead of running tests, by name: tests
// start themselves again with RoleKey in the environment. Test files add theirs
// in init. A role gets the arguments, and ends the process by returning.
var Roles = map[string]func(args []string){}

// RoleKey is the variable of the environment that names the role.
const RoleKey = "HEM_CHILD_ROLE"

// A Stream is a stream without a child.
type Stream struct{ s *stream }

func NewStream(pass func(string, []byte, int)) Stream { return Stream{newStream("s", nil, pass)} }

func (s Stream) Split(chunk []byte, now time.Time) { s.s.split(chunk, now) }
func (s Stream) Finish()                           { s.s.finish() }
