package record

import "strconv"

// An Error says why a record is refused.
type Error struct {
	Seq    uint64 // the number the log gave it, or 0 from Open
	Reason string // a sentence about "it"
	Newer  bool   // a newer version wrote it; nothing is known to be damaged
}

// Error returns, for example, "record 7: its checksum is wrong".
func (e *Error) Error() string {
	if e.Seq == 0 {
		return "record: " + e.Reason
	}
	return "record " + strconv.FormatUint(e.Seq, 10) + ": " + e.Reason
}
