package job

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hemgo/hem/fault"
)

// An ID is which job it is, for ever: no two of one log have the same. They grow
// in the order in which jobs were accepted. The upper 16 bits are the shard's,
// of which there is one so far: 0.
type ID uint64

const shardShift = 48

// String is what [ParseID] takes: "42", or "3-42" if it is of another shard
// than the first.
func (id ID) String() string {
	number := strconv.FormatUint(uint64(id)&(1<<shardShift-1), 10)
	if shard := uint64(id) >> shardShift; shard != 0 {
		return strconv.FormatUint(shard, 10) + "-" + number
	}
	return number
}

// ParseID returns the ID whose String is s. Every other text is
// [fault.Invalid].
func ParseID(s string) (ID, error) {
	shard, number, sharded := strings.Cut(s, "-")
	if !sharded {
		shard, number = "0", s
	}
	high, errHigh := strconv.ParseUint(shard, 10, 16)
	low, errLow := strconv.ParseUint(number, 10, shardShift)
	id := ID(high<<shardShift | low)
	if errHigh != nil || errLow != nil || low == 0 || id.String() != s {
		return 0, &fault.Error{Op: "job: parse id", Kind: fault.Invalid,
			Err:  fmt.Errorf("%q is not the id of a job", cut(s, 64)),
			Hint: "an id is a number, as 42, or two, as 3-42"}
	}
	return id, nil
}

// cut is s, or its beginning if it has more than most bytes.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && s[most]&0xc0 == 0x80 {
		most-- // in the middle of a rune
	}
	return s[:most] + "…"
}

// A FencingToken is what fences a claim: of two claims of one job, the later has the
// higher Epoch. Whoever changes something outside for a job can keep the highest
// that it has seen, and refuse what comes with a lower one.
type FencingToken struct {
	Log   [16]byte // which log, at random: two logs may both have a job 7
	Job   ID
	Epoch uint32 // 1 for the first claim
}

// String is the token as a report has it: "9f86d081884c7d65…/42/1".
func (t FencingToken) String() string {
	return fmt.Sprintf("%x/%v/%d", t.Log, t.Job, t.Epoch)
}
