package inspect_test

import (
	"testing"
	"time"

	"github.com/hemgo/hem/inspect"
)

func TestDurationsAreWrittenShortAndNeverTooLong(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                             "0s",
		1999 * time.Microsecond:       "1ms",
		999999 * time.Microsecond:     "999ms",
		59999 * time.Millisecond:      "59s",
		time.Minute:                   "1m0s",
		3599 * time.Second:            "59m59s",
		5*time.Hour + 59*time.Second:  "5h0m",
		50*time.Hour + 59*time.Minute: "2d2h",
		400 * 24 * time.Hour:          "400d0h",
	} {
		if got := inspect.Short(d); got != want {
			t.Errorf("%v is %s, not %s", d, got, want)
		}
	}
}

func TestNumbersHaveSeparators(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 9998: "9,998", 1234567: "1,234,567"} {
		if got := inspect.Thousands(n); got != want {
			t.Errorf("%d is %s, not %s", n, got, want)
		}
	}
}

func TestFramesAndLabelsAreWrittenShort(t *testing.T) {
	for want, v := range map[string]interface{ String() string }{
		"order.go:41": inspect.Frame{Func: "shop.fetch", File: "/src/shop/order.go", Line: 41},
		"shop.fetch":  inspect.Frame{Func: "shop.fetch"},
		"":            inspect.Frame{},
		"pool cpu":    inspect.Label{Kind: "pool", Name: "cpu"},
		"trap":        inspect.Label{Kind: "trap"},
	} {
		if got := v.String(); got != want {
			t.Errorf("%#v is %s, not %s", v, got, want)
		}
	}
	if got := (inspect.Chain{}).String(); got != "" {
		t.Errorf("an empty chain is %q", got)
	}
}
