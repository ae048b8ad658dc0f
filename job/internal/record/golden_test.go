package record_test

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/hemgo/hem/job/internal/record"
)

// golden is write(seventh, "a", "bc", 130 times "d"). Logs on disk have this
// format: another one needs another version.
const golden = `
	48454d5245430001
	1000000000000000000000000000001f
	0700000000000000
	3000000000000000000000000000003f
	4000000000000000000000000000004f
	0300000000000000
	40822d18240a0600
	0161
	026263
	8201
`

func TestFormatIsWhatLogsOnDiskHave(t *testing.T) {
	long := strings.Repeat("d", 130)
	want, err := hex.DecodeString(strings.Join(strings.Fields(golden), "") + strings.Repeat("64", 130) + "bd84de9c")
	if err != nil {
		t.Fatal(err)
	}
	if got := write(seventh, "a", "bc", long); string(got) != string(want) {
		t.Errorf("written is\n%x, not\n%x", got, want)
	}
	h, b, err := record.Open(want)
	if err != nil || h != seventh {
		t.Errorf("opened is %+v, %v", h, err)
	}
	if got := transitions(t, b); !slices.Equal(got, []string{"a", "bc", long}) {
		t.Errorf("transitions are %q", got)
	}
	if got, want := hex.EncodeToString(sum(want)), "b0517946e24bee5d6d8957528ebc631a"; got != want {
		t.Errorf("Sum is %s, not %s", got, want)
	}
}

func sum(rec []byte) []byte { h := record.Sum(rec); return h[:] }
