package jobtest_test

import (
	"testing"
	"testing/synctest"
)

// The examples are tests that users copy, each in a file of its own, which godoc
// shows whole if no test is in it.
func TestExamplesHold(t *testing.T) {
	t.Run("retry", func(t *testing.T) { synctest.Test(t, testAChargeIsTriedAgain) })
	t.Run("week", func(t *testing.T) { synctest.Test(t, testReportsAreMadeOnWorkingDays) })
	t.Run("handler", testSigningUpSendsAWelcome)
}
