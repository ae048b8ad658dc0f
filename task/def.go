package task

import (
	"context"
	"fmt"
	"reflect"

	"github.com/hemgo/hem/scope"
)

// Void is the output of a [Command], and the input of a task that needs none.
type Void struct{}

// A Def is work with a name. It is made by [Define] or [Command], once, and is
// safe for concurrent use. It is a [Task].
type Def[In, Out any] struct {
	name string
	fn   func(context.Context, In) (Out, error)
	key  func(In) string // nil if calls have no keys
}

// Define gives fn a name, under which any [Runner] can run it. It is meant for
// package-level variables, so that its panics come when the program starts:
//
//	var Resize = task.Define("resize", resize)
//
// The name is 1 to 128 ASCII letters and digits, with . _ - / between them. It
// is what workers know the task by, so keep it: renaming a task is an
// incompatible change. There is no registry, so two tasks of one name are an
// error only where one worker is given both.
//
// In and Out must be able to leave the process, although fn may never do: the
// promise that a task runs on every rung is checked where it is given. Both
// travel as JSON, but for a []byte, which travels as it is, and so that nothing vanishes silently on the way Define
// refuses
//
//   - functions, channels, unsafe pointers and complex numbers;
//   - interfaces, any and error included: whoever decodes them cannot know the
//     type (json.RawMessage can hold anything);
//   - unexported fields, other than blank ones and those of no size; tag one
//     json:"-" to say that it may stay behind;
//   - types with MarshalJSON or MarshalText and not the reverse, and types that
//     have them only from something they embed beside other fields;
//   - two fields of one JSON name, pointers to pointers, embedded pointers to
//     unexported structs, and structs that embed themselves;
//   - maps whose keys are not strings, integers, or types that are text both
//     ways, and maps of types that marshal by pointer only.
//
// Types that marshal themselves, such as time.Time, are taken at their word.
// What JSON itself does to a value happens on rungs with memory of their own:
// pointers become copies, two pointers to one value become two values, a
// pointer to a nil slice or map becomes a nil pointer, and a field tagged
// omitempty forgets the difference between empty and nil.
//
// fn must be safe for concurrent use. Where it may run more than once, such as
// under [Retry], the runner says so.
//
// # Panics
//
// Define panics if the name is malformed, fn is nil, or In or Out cannot
// travel, naming the task, the path to the field, and the remedy.
func Define[In, Out any](name string, fn func(context.Context, In) (Out, error)) *Def[In, Out] {
	check[In, Out]("Define", name, fn == nil)
	return &Def[In, Out]{name: name, fn: fn}
}

// Command defines a task that returns nothing but an error. It is [Define] in
// every other way.
func Command[In any](name string, fn func(context.Context, In) error) *Def[In, Void] {
	check[In, Void]("Command", name, fn == nil)
	return &Def[In, Void]{name: name, fn: func(ctx context.Context, in In) (Void, error) {
		return Void{}, fn(ctx, in)
	}}
}

func check[In, Out any](verb, name string, noFunc bool) {
	refuse := func(err any) { panic(fmt.Sprintf("task: %s %q: %v", verb, name, err)) }
	if err := checkName(name); err != nil {
		refuse(err)
	}
	if noFunc {
		refuse("the function is nil")
	}
	if err := checkType("In", reflect.TypeFor[In]()); err != nil {
		refuse(err)
	}
	if err := checkType("Out", reflect.TypeFor[Out]()); err != nil {
		refuse(err)
	}
}

// Keyed returns a copy of the task whose calls have a key: what they are about,
// such as the number of an order. On a durable rung a keyed call may run again
// after a crash, outlives a caller that died, and is joined by others of the
// same key; where nothing survives the caller, the key changes nothing. A call
// for which key returns "" has none.
//
// key must depend on the input alone. Keyed panics if it is nil.
func (d *Def[In, Out]) Keyed(key func(In) string) *Def[In, Out] {
	d.mustBe("Keyed")
	if key == nil {
		panic("task: Keyed with a nil function, of " + d.name)
	}
	keyed := *d
	keyed.key = key
	return &keyed
}

// Name returns the name given to [Define].
func (d *Def[In, Out]) Name() string {
	d.mustBe("Name")
	return d.name
}

// Do runs the task on r, waits for it, and returns its result: its output, or
// the zero Out with an error.
//
// # Cancellation
//
// The function's context ends with ctx, with the same cause. Do returns when
// the function has (R1): where memory is shared, a function that ignores its
// context is awaited, and its success is a success. If ctx has ended before the
// function could begin it does not begin, and the error says so.
//
// # Errors
//
// The function's own, untouched where memory is shared, and as [fault.Decode]
// gives it elsewhere. A [*fault.Panic] if the function panicked or called
// [runtime.Goexit]. One of kind [fault.Invalid] if r is nil, or if the input or
// the output cannot be carried to where r runs things. Else r's, of which
// [fault.Started] tells whether the function may have run.
//
// # Panics
//
// Do panics if ctx is nil, or if d was not made by [Define].
//
// # Cost
//
// Beyond r's, one allocation that holds the input and the output.
func (d *Def[In, Out]) Do(ctx context.Context, r Runner, in In) (Out, error) {
	d.mustBe("Do")
	if ctx == nil {
		panic("task: Do with a nil context, of " + d.name)
	}
	var zero Out
	if err := checkRunner(r, d.name); err != nil {
		return zero, err
	}
	c := &call[In, Out]{def: d, in: in, known: true}
	c.name, c.work = d.name, c
	if err := r.Run(ctx, &c.Call); err != nil {
		return zero, err
	}
	if !c.done {
		return zero, c.lost()
	}
	return c.out, nil
}

// Go starts the task on r as a task of s, under its own name, and returns its
// future. Its failure fails the scope, and the end of the scope is the end of
// its context, as with [scope.Go]; otherwise it is [Def.Do].
//
// A panic of the function is an error here and fails the scope as one: it may
// have happened in another process.
func (d *Def[In, Out]) Go(s *scope.Scope, r Runner, in In) *scope.Future[Out] {
	d.mustBe("Go")
	return scope.Go(s, func(ctx context.Context) (Out, error) { return d.Do(ctx, r, in) }, scope.Name(d.name))
}

// On returns the task as a plain function that runs on r, for handlers,
// scope.Map, pipe.Map and whatever else knows nothing of tasks.
func (d *Def[In, Out]) On(r Runner) func(context.Context, In) (Out, error) {
	d.mustBe("On")
	return func(ctx context.Context, in In) (Out, error) { return d.Do(ctx, r, in) }
}

// Serve runs the task on r for a caller elsewhere: in is what [Call.Input] gave
// there, and the result is for [Call.SetOutput]. It is what a worker calls,
// most often with [Here]; r may be another rung that carries bytes, and then
// they are passed on as they are. in must not change until Serve returns.
//
// The worker gives ctx what crossed beside the bytes: the deadline and the end
// ([Mirror]), the [Trace], and [OnProgress] with the way back. The error is as
// Do's and crosses by [fault.Encode].
func (d *Def[In, Out]) Serve(ctx context.Context, r Runner, in []byte) ([]byte, error) {
	d.mustBe("Serve")
	if ctx == nil {
		panic("task: Serve with a nil context, of " + d.name)
	}
	if err := checkRunner(r, d.name); err != nil {
		return nil, err
	}
	c := &call[In, Out]{def: d}
	c.name, c.work, c.served, c.input = d.name, c, true, in
	if in == nil {
		c.input = []byte{} // known, though nothing
	}
	if err := r.Run(ctx, &c.Call); err != nil {
		return nil, err
	}
	return c.result()
}

// mustBe panics for a Def that nobody has defined.
func (d *Def[In, Out]) mustBe(verb string) {
	if d == nil || d.fn == nil {
		panic("task: " + verb + " of a Def that Define has not made")
	}
}
