package task_test

import (
	"context"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/scope"
	"github.com/hemgo/hem/task"
	"github.com/hemgo/hem/task/tasktest"
)

func TestDoReturnsTheZeroOutputWithAnError(t *testing.T) {
	d := task.Define("half", func(context.Context, int) (string, error) { return "half a result", io.EOF })
	for _, r := range []task.Runner{task.Here, tasktest.NewLoopback(0, d)} {
		if out, err := d.Do(t.Context(), r, 1); out != "" || err == nil {
			t.Errorf("got %q, %v", out, err)
		}
	}
}

func TestDoSaysSoWhenARunnerSetsNoOutput(t *testing.T) {
	_, err := double.Do(t.Context(), runner(func(context.Context, *task.Call) error { return nil }), 1)
	if fault.KindOf(err) != fault.Lost || !fault.Started(err) {
		t.Error(err)
	}
	_, err = double.Serve(t.Context(), runner(func(context.Context, *task.Call) error { return nil }), []byte("1"))
	if fault.KindOf(err) != fault.Lost {
		t.Error(err)
	}
}

type runner func(context.Context, *task.Call) error

func (f runner) Run(ctx context.Context, c *task.Call) error { return f(ctx, c) }

func TestANilRunnerOfAnyTypeIsInvalid(t *testing.T) {
	for _, r := range []task.Runner{nil, runner(nil), (*tasktest.Loopback)(nil), task.Retry(task.RetryPolicy{}, nil)} {
		_, err := double.Do(t.Context(), r, 1)
		if fault.KindOf(err) != fault.Invalid || fault.Started(err) || fault.HintOf(err) == "" {
			t.Errorf("%T: %v", r, err)
		}
		if _, err := double.Serve(t.Context(), r, []byte("1")); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%T: %v", r, err)
		}
		if _, err := double.On(r)(t.Context(), 1); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%T: %v", r, err)
		}
	}
}

func TestGoIsATaskOfTheScopeUnderItsOwnName(t *testing.T) {
	fails := task.Command("fails", func(context.Context, int) error { panic("boom") })
	err := scope.Run(t.Context(), func(ctx context.Context, s *scope.Scope) error {
		if v, err := double.Go(s, task.Here, 4).Await(ctx); v != 8 || err != nil {
			t.Errorf("got %d, %v", v, err)
		}
		fails.Go(s, task.Here, 1)
		return nil
	})
	var p *fault.Panic
	if !errors.As(err, &p) || !strings.Contains(p.Path.String(), "< fails#") {
		t.Errorf("the panic is no error of the scope, or its path does not name the task: %v", err)
	}
}

func TestOnIsAPlainFunction(t *testing.T) {
	got, err := scope.Map(t.Context(), 2, []int{1, 2, 3}, double.On(task.Here))
	if err != nil || len(got) != 3 || got[2] != 6 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestAKeyIsAskedForOnceAndMayBeAbsent(t *testing.T) {
	asked := 0
	keyed := double.Keyed(func(n int) string {
		asked++
		if n == 0 {
			return ""
		}
		return "order"
	})
	key := func(d *task.Def[int, int], n int) (key string, ok bool) {
		_, err := d.Do(t.Context(), runner(func(ctx context.Context, c *task.Call) error {
			c.Key()
			key, ok = c.Key()
			return c.Invoke(ctx)
		}), n)
		if err != nil {
			t.Error(err)
		}
		return key, ok
	}
	if k, ok := key(keyed, 1); k != "order" || !ok || asked != 1 {
		t.Errorf("got %q, %v, asked %d times", k, ok, asked)
	}
	if k, ok := key(keyed, 0); ok {
		t.Errorf("an empty key counts: %q", k)
	}
	if k, ok := key(double, 1); ok {
		t.Errorf("Keyed changed the task it copied: %q", k)
	}
	_, err := keyed.Serve(t.Context(), runner(func(ctx context.Context, c *task.Call) error {
		if k, ok := c.Key(); k != "order" || !ok {
			t.Errorf("as bytes: got %q, %v", k, ok)
		}
		return c.Invoke(ctx)
	}), []byte("7"))
	if err != nil {
		t.Error(err)
	}
}

func TestServePassesBytesOnThatNobodyHasToRead(t *testing.T) {
	type old struct{ A int }
	relayed := task.Define("relayed", func(_ context.Context, in old) (old, error) { return in, nil })
	in, want := `{"A":1,"B":"not known here"}`, `{"C":[]}`
	out, err := relayed.Serve(t.Context(), runner(func(_ context.Context, c *task.Call) error {
		if b, err := c.Input(); err != nil || string(b) != in {
			t.Errorf("got %s, %v", b, err)
		}
		b := []byte(want)
		err := c.SetOutput(b)
		clear(b) // not kept
		return err
	}), []byte(in))
	if err != nil || string(out) != want {
		t.Errorf("got %s, %v", out, err)
	}
	if out, err := relayed.Serve(t.Context(), task.Here, []byte(in)); err != nil || string(out) != `{"A":1}` {
		t.Errorf("run here: got %s, %v", out, err)
	}
}

func TestServeRefusesBytesThatAreNoInput(t *testing.T) {
	for _, in := range []string{"", " ", "x", `"1"`, "1 2", "1e999", "null x"} {
		_, err := double.Serve(t.Context(), task.Here, []byte(in))
		if fault.KindOf(err) != fault.Invalid || fault.Started(err) {
			t.Errorf("%q: %v", in, err)
		}
	}
	if _, err := double.Serve(t.Context(), task.Here, nil); fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
	nothing := task.Command("nothing", func(context.Context, task.Void) error { return nil })
	if out, err := nothing.Serve(t.Context(), task.Here, nil); err != nil || string(out) != "{}" {
		t.Errorf("Void from nothing: %s, %v", out, err)
	}
}

func TestSetOutputRefusesBytesThatAreNoOutput(t *testing.T) {
	_, err := double.Do(t.Context(), runner(func(_ context.Context, c *task.Call) error { return c.SetOutput([]byte("{")) }), 1)
	if fault.KindOf(err) != fault.Invalid || !fault.Started(err) || fault.HintOf(err) == "" {
		t.Error(err)
	}
}

func TestACallThatIsRunAgainKeepsNothingOfTheFirstRun(t *testing.T) {
	type out struct{ A, B int }
	d := task.Define("d", func(context.Context, int) (out, error) { return out{}, nil })
	got, err := d.Do(t.Context(), runner(func(_ context.Context, c *task.Call) error {
		if err := c.SetOutput([]byte(`{"A":1}`)); err != nil {
			return err
		}
		return c.SetOutput([]byte(`{"B":2}`))
	}), 1)
	if err != nil || got != (out{B: 2}) {
		t.Errorf("got %+v, %v", got, err)
	}
	fails := task.Command("fails", func(context.Context, int) error { return io.EOF })
	_, err = fails.Do(t.Context(), runner(func(ctx context.Context, c *task.Call) error {
		_ = c.SetOutput([]byte("{}"))
		_ = c.Invoke(ctx)
		return nil // although the last run has failed
	}), 1)
	if fault.KindOf(err) != fault.Lost {
		t.Error(err)
	}
}

func TestTheInputIsEncodedOnce(t *testing.T) {
	in := []int{1}
	sum := task.Define("sum", func(_ context.Context, in []int) (int, error) { return len(in), nil })
	_, err := sum.Do(t.Context(), runner(func(ctx context.Context, c *task.Call) error {
		first, _ := c.Input()
		in[0] = 2
		if again, _ := c.Input(); &first[0] != &again[0] {
			t.Errorf("got %s, then %s", first, again)
		}
		return c.Invoke(ctx)
	}), in)
	if err != nil {
		t.Error(err)
	}
}

type panicky struct{ In, Out bool }

func (p panicky) MarshalJSON() ([]byte, error) {
	if p.Out {
		panic("no words")
	}
	return []byte("{}"), nil
}

func (p *panicky) UnmarshalJSON(b []byte) error {
	if len(b) > 2 {
		panic("no ears")
	}
	return nil
}

func TestATypeThatPanicsWhileItIsEncodedIsRefused(t *testing.T) {
	d := task.Define("d", func(context.Context, panicky) (panicky, error) { return panicky{Out: true}, nil })
	l := tasktest.NewLoopback(0, d)
	var p *fault.Panic
	if _, err := d.Do(t.Context(), l, panicky{Out: true}); fault.KindOf(err) != fault.Invalid || fault.Started(err) || !errors.As(err, &p) {
		t.Error(err)
	}
	if _, err := d.Do(t.Context(), l, panicky{}); fault.KindOf(err) != fault.Invalid || !fault.Started(err) || !errors.As(err, &p) {
		t.Error(err)
	}
	if _, err := d.Serve(t.Context(), task.Here, []byte(`"xx"`)); fault.KindOf(err) != fault.Invalid || fault.Started(err) || !errors.As(err, &p) {
		t.Error(err)
	}
}

// loud marshals itself, so what it holds is its own affair.
type loud struct{ Name string }

func (loud) MarshalJSON() ([]byte, error)  { return []byte(`"loud"`), nil }
func (*loud) UnmarshalJSON(b []byte) error { return nil }

func TestWhatJSONWouldSilentlyChangeIsRefused(t *testing.T) {
	type in struct {
		Names []map[string]*string
		ByKey map[string][]byte
		F     float64
		Stays string `json:"-"`
		Own   *loud
	}
	d := task.Define("d", func(_ context.Context, in in) (task.Void, error) { return task.Void{}, nil })
	l := tasktest.NewLoopback(0, d)
	bad, good := "a\xffb", "a\ufffdb"
	for _, c := range []struct {
		in   in
		want string // "" if it may pass
	}{
		{in{Names: []map[string]*string{nil, {"x": &bad}}}, "In.Names[1][x]"},
		{in{ByKey: map[string][]byte{bad: nil}}, "In.ByKey[key]"},
		{in{Names: []map[string]*string{{good: &good}}, ByKey: map[string][]byte{"k": []byte(bad)}}, ""},
		{in{Stays: bad, Own: &loud{Name: bad}, ByKey: map[string][]byte{good: nil}}, ""}, // neither is written as it is
		{in{F: math.Inf(1)}, "+Inf"},
	} {
		_, err := d.Do(t.Context(), l, c.in)
		if c.want == "" && err != nil || c.want != "" && (fault.KindOf(err) != fault.Invalid || fault.Started(err) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("want %q, got %v", c.want, err)
		}
	}
}

type in2 struct{ At time.Time }

func FuzzServeNeverPanicsAndWhatItAcceptsTravels(f *testing.F) {
	type in struct {
		S string
		N *int64
		M map[int][]byte
		T []in2
	}
	echo := task.Define("echo", func(_ context.Context, in in) (in, error) { return in, nil })
	for _, s := range []string{`{}`, `null`, `{"S":"\ud800","N":9223372036854775807}`, `{"M":{"-1":"AA=="},"T":[{"At":"2024-02-29T00:00:00Z"}]}`, `[`, ``} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		out, err := echo.Serve(t.Context(), task.Here, b)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatal(err)
			}
			return
		}
		again, err := echo.Serve(t.Context(), task.Here, out)
		if err != nil || string(again) != string(out) {
			t.Fatalf("%s\nbecame %s\nand then %s, %v", b, out, again, err)
		}
	})
}
