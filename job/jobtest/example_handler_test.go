package jobtest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/task"
)

type Welcome struct{ To, Language string }

var SendWelcome = task.Command("send-welcome", func(_ context.Context, w Welcome) error {
	return nil // speaks to the mail server
})

// signUp is the handler under test.
func signUp(jobs *job.Client) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		welcome := Welcome{To: r.FormValue("mail"), Language: "en"}
		if _, err := job.Enqueue(r.Context(), jobs, SendWelcome, welcome, job.Queue("mail")); err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	})
}

func testSigningUpSendsAWelcome(t *testing.T) {
	jobs := jobtest.New(t, job.Config{})

	r := httptest.NewRequest("POST", "/sign-up", strings.NewReader("mail=ada@example.com"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	signUp(jobs.Client()).ServeHTTP(w, r)

	if w.Code != http.StatusAccepted {
		t.Errorf("got status %d", w.Code)
	}
	s := jobtest.Require(t, jobs, SendWelcome, func(w Welcome) bool { return w.To == "ada@example.com" })
	if s.Queue != "mail" {
		t.Errorf("it is in queue %q", s.Queue)
	}
}

// What an HTTP handler has enqueued.
func ExampleRequire() {}
