package job_test

import (
	"testing"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
)

// A desk is an owner of log, and a client of it.
type desk struct {
	log    *jobtest.Memory
	owner  *job.Owner
	client *job.Client
}

// desks runs f, in virtual time, with the owner's own client and with one that is
// elsewhere: nobody should be able to tell.
func desks(t *testing.T, c job.Config, f func(t *testing.T, d desk)) {
	t.Helper()
	t.Run("here", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			m := jobtest.NewMemory()
			o := open(t, m, c)
			f(t, desk{m, o, o.Client()})
		})
	})
	t.Run("elsewhere", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			m := jobtest.NewMemory()
			o, _, r := reached(t, m, c)
			f(t, desk{m, o, r.Client()})
		})
	})
}
