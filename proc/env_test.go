package proc_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/task"
)

var getenv = task.Define("proc.getenv", func(_ context.Context, name string) (string, error) {
	return os.Getenv(name) + "|" + strings.Join(os.Environ(), " "), nil
})

func init() { testTasks = append(testTasks, getenv) }

func TestEnvTakesThePlaceOfWhatTheHostHas(t *testing.T) {
	t.Setenv("HEM_PROC_TEST_COLOUR", "red")
	p := open(t, proc.Config{Workers: 1, Env: []string{"HEM_PROC_TEST_COLOUR=blue", "HEM_PROC_TEST_COLOUR=green"}})
	got, err := getenv.Do(t.Context(), p, "HEM_PROC_TEST_COLOUR")
	value, all, _ := strings.Cut(got, "|")
	if err != nil || value != "green" || strings.Count(all, "HEM_PROC_TEST_COLOUR=") != 1 {
		t.Errorf("the worker has %q, %v", got, err)
	}
	if strings.Contains(all, "HEM_PROC=worker") {
		t.Error("what the worker starts would take itself for a worker")
	}
}
