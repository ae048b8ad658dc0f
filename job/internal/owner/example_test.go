package owner_test

import (
	"fmt"

	"github.com/hemgo/hem/job/internal/owner"
	"github.com/hemgo/hem/job/internal/record"
	"github.com/hemgo/hem/job/internal/state"
)

// A shell does what Next says, and tells how it went.
func Example() {
	var log [][]byte
	now := owner.Time{Wall: 1_000_000}
	core := owner.New(owner.Config{
		Owner: record.NewID(), Log: record.NewID(),
		Limits: state.Limits{Jobs: 10, Bytes: 1000, Kept: 10, Buried: 10, KeptBytes: 1 << 40},
	})
	store := func(next owner.Next) {
		fmt.Printf("%v after %d\n", next.Do, next.After)
		log = append(log, next.Rec)
		core.Appended(now, nil)
	}
	next, err := core.TakeOver(now) // the log is new: there is nothing to Replay
	if err != nil {
		panic(err)
	}
	store(next)

	core.Add(&owner.Request{Op: owner.Enqueue, Specs: []state.Spec{{Task: "resize", Queue: "images", Attempts: 1}}})
	next = core.Decide(now)
	fmt.Println(len(core.Answered()), "answered before the append")
	store(next)
	for _, r := range core.Answered() {
		fmt.Println("entered", r.IDs, r.Err)
	}
	// Output:
	// append after 0
	// 0 answered before the append
	// append after 1
	// entered [1] <nil>
}
