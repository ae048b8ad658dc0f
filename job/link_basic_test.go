package job_test

import (
	"testing"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
)

func TestAJobIsDoneFromElsewhere(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t, jobtest.NewMemory(), job.Config{})
		c := remote(t, &host{owner: o}).Client()
		id := put(t, c, 21)
		s := session(t, c)
		l := claim(t, s)
		if l.ID() != id || string(l.Input()) != "21" {
			t.Errorf("got %+v", l)
		}
		if err := l.Complete(t.Context(), []byte("42")); err != nil {
			t.Fatal(err)
		}
		wantState(t, o.Client(), id, job.Done)
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}
