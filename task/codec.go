package task

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/hemgo/hem/fault"
)

// Payloads are JSON. What travels must be readable years later, by a newer
// version of the task and by workers in other languages; a faster form that
// only this release understands would be none.
//
// A []byte that is the whole payload is the exception that loses nothing by it:
// it travels as a zero byte, with which no JSON begins, and then its own. As
// JSON a mebibyte costs 20 ms there and back, and so it costs 0.5
// (BenchmarkBytesCross).
const rawMark = 0

// encode returns the bytes of *v, which is called root in errors. It takes a
// pointer so that methods with pointer receivers are found.
func encode(v any, root string) (b []byte, err error) {
	switch v := v.(type) {
	case *Void:
		return []byte("{}"), nil
	case *[]byte:
		if *v != nil {
			return append(append(make([]byte, 0, 1+len(*v)), rawMark), *v...), nil
		}
	}
	defer contain(&err)
	if b, err = json.Marshal(v); err != nil {
		return nil, err
	}
	if mayHoldBadText(b) {
		if at := badText(v, root); at != "" {
			return nil, fmt.Errorf("the string at %s is not UTF-8, which JSON cannot carry: use []byte", at)
		}
	}
	return b, nil
}

// decode sets *v from b. Fields that the type does not have are ignored, so
// that an older version of a task reads what a newer one wrote.
func decode(b []byte, v any) (err error) {
	switch v := v.(type) {
	case *Void:
		return nil
	case *[]byte:
		if len(b) > 0 && b[0] == rawMark {
			*v = append(make([]byte, 0, len(b)-1), b[1:]...)
			return nil
		}
	}
	if len(bytes.TrimSpace(b)) == 0 {
		return errors.New("the payload is empty")
	}
	defer contain(&err)
	return json.Unmarshal(b, v)
}

// contain makes an error of the panic of a type's own MarshalJSON or the like.
// What carries a payload must survive it: it may be everybody's worker.
func contain(err *error) {
	if v := recover(); v != nil {
		*err = &fault.Panic{Value: v, Stack: string(debug.Stack())}
	}
}

// Oversized returns the error of a payload that has size bytes where no more
// than limit can be carried: of kind [fault.Invalid], for it will be as large
// again. started is false for an input, which was not sent, and true for an
// output, whose work is done.
func Oversized(task string, size, limit int, started bool) error {
	what := "input"
	if started {
		what = "output"
	}
	return &fault.Error{Op: "task: carry " + what, Task: task, Kind: fault.Invalid, Started: started,
		Err:  fmt.Errorf("the payload has %d bytes, which is more than the limit of %d", size, limit),
		Hint: "keep the bytes elsewhere, and pass where they are"}
}
