package fault_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hemgo/hem/fault"
)

func TestSentinelsOfOneNameAreOneError(t *testing.T) {
	a, b := fault.Sentinel("shop: sold out"), fault.Sentinel("shop: "+"sold out")
	if !errors.Is(fmt.Errorf("x: %w", a), b) {
		t.Error("a Sentinel is not another of the same name")
	}
	if errors.Is(a, fault.Sentinel("shop: closed")) {
		t.Error("a Sentinel is one of another name")
	}
	if errors.Is(errors.New("shop: sold out"), a) {
		t.Error("an error is a Sentinel because of its text")
	}
	if a.Error() != "shop: sold out" {
		t.Errorf("text %q", a)
	}
}

func TestSentinelRefusesNamesThatCannotTravel(t *testing.T) {
	for _, name := range []string{"", strings.Repeat("x", 257)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a name of %d bytes was accepted", len(name))
				}
			}()
			fault.Sentinel(name)
		}()
	}
	fault.Sentinel(strings.Repeat("x", 256))
}
