package proc_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/pool"
	"github.com/hemgo/hem/proc"
	"github.com/hemgo/hem/task"
)

func TestNewNamesTheFieldThatIsWrongAndTheRemedy(t *testing.T) {
	const negative = "cannot be negative, and zero stands for the default"
	for _, c := range []struct {
		field  string
		config proc.Config
		remedy string
	}{
		{"Workers is -1", proc.Config{Workers: -1}, negative},
		{"Warm is -2", proc.Config{Warm: -2}, negative},
		{"Warm is 3", proc.Config{Workers: 2, Warm: 3}, "cannot be more than Workers"},
		{"Queue is -1", proc.Config{Queue: -1}, negative},
		{"Overflow is 17", proc.Config{Overflow: 17}, "pool.Wait, pool.Reject or pool.Shed"},
		{"Overflow is -1", proc.Config{Overflow: pool.Wait - 1}, "pool.Wait, pool.Reject or pool.Shed"},
		{"MaxPayload is -1", proc.Config{MaxPayload: -1}, negative},
		{"MaxPayload is 1073741825", proc.Config{MaxPayload: 1<<30 + 1}, "1 GiB at most: keep larger things in files"},
		{"Grace is -1s", proc.Config{Grace: -time.Second}, negative},
		{"StartTimeout is -1ns", proc.Config{StartTimeout: -1}, negative},
		{"Limits.Memory is -1", proc.Config{Limits: proc.Limits{Memory: -1}}, negative},
		{"Limits.CPUWeight is -1", proc.Config{Limits: proc.Limits{CPUWeight: -1}}, negative},
		{"Limits.CPUWeight is 10001", proc.Config{Limits: proc.Limits{CPUWeight: 10001}}, "1 to 10000"},
		{"Limits.Pids is -1", proc.Config{Limits: proc.Limits{Pids: -1}}, negative},
		{"Limits.OpenFiles is -1", proc.Config{Limits: proc.Limits{OpenFiles: -1}}, negative},
		{"Limits.OpenFiles is 15", proc.Config{Limits: proc.Limits{OpenFiles: 15}}, "needs 16"},
		{"Limits.Nice is -1", proc.Config{Limits: proc.Limits{Nice: -1}}, "1 to 19, or proc.AsHost"},
		{"Limits.Nice is 20", proc.Config{Limits: proc.Limits{Nice: 20}}, "1 to 19, or proc.AsHost"},
		{"Limits.Wall is -1ns", proc.Config{Limits: proc.Limits{Wall: -1}}, negative},
		{"Retire.Calls is -1", proc.Config{Retire: proc.Retire{Calls: -1}}, negative},
		{"Retire.Age is -1ns", proc.Config{Retire: proc.Retire{Age: -1}}, negative},
		{"Retire.Idle is -1ns", proc.Config{Retire: proc.Retire{Idle: -1}}, negative},
	} {
		c.config.Name = "kids"
		p, err := proc.New(c.config)
		if err == nil {
			p.Close(t.Context())
			t.Errorf("%s: it is taken", c.field)
			continue
		}
		for _, want := range []string{`"kids"`, "Config." + c.field + ";", c.remedy} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q is not in %v", want, err)
			}
		}
		if fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: kind %v", c.field, fault.KindOf(err))
		}
	}
}

func TestNewNamesAPoolAfterTheLineThatMadeIt(t *testing.T) {
	_, err := proc.New(proc.Config{Workers: -1})
	if err == nil || !strings.Contains(err.Error(), "config_test.go") {
		t.Errorf("a pool without a name is called so: %v", err)
	}
}

func TestZeroConfigServesWithOneWorkerForEachProcessor(t *testing.T) {
	p, err := proc.New(proc.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close(t.Context())
	if _, err := pid.Do(t.Context(), p, task.Void{}); err != nil {
		t.Error(err)
	}
}

func TestProgrammersMistakesPanicAndNameTheRule(t *testing.T) {
	var none *proc.Pool
	var noContext context.Context
	for rule, f := range map[string]func(){
		"With on a nil Pool":                        func() { none.With() },
		"Stats of a nil Pool":                       func() { none.Stats() },
		"Close of a nil Pool":                       func() { none.Close(t.Context()) },
		"Close of a nil Pool or with a nil context": func() { new(proc.Pool).Close(noContext) },
		"Run with a nil context or call":            func() { new(proc.Pool).Run(t.Context(), nil) },
		"Serve with a nil task":                     func() { proc.Serve(nil) },
		`Serve with two tasks called "proc.same"`:   func() { proc.Serve(same, same) },
	} {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.Contains(text, "proc: "+rule) {
					t.Errorf("%s: it panics with %q", rule, text)
				}
			}()
			f()
		}()
	}
}

func TestNilPoolIsRefusedWithoutAPanic(t *testing.T) {
	var none *proc.Pool
	_, err := pid.Do(t.Context(), none, task.Void{})
	if fault.KindOf(err) != fault.Invalid || fault.Started(err) || fault.HintOf(err) == "" {
		t.Errorf("kind %v, hint %q: %v", fault.KindOf(err), fault.HintOf(err), err)
	}
}
