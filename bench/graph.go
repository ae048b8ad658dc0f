package main

// What the graph costs when nothing goes wrong, how soon it tells when
// something does, and what looking at it costs those who are looked at.
func init() {
	register(suite{name: "graph", cases: []trial{
		{name: "park", ops: 1, per: "round trip", sides: pingPong(), owed: owed{"chan+select", 1.5}},
		{name: "knot-report", per: "knot", measure: knots},
		{name: "bytes-per-task", per: "task", measure: bytesPerTask},
		{name: "bytes-per-parked", per: "task", measure: bytesPerParked},
		{name: "dump-100k", per: "child", measure: duringDump, owed: owed{"no dump", 1.43}},
	}})
}
