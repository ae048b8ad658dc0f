package job_test

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/job"
	"github.com/hemgo/hem/job/jobtest"
	"github.com/hemgo/hem/task"
)

// badOptions are options that are wrong, and what is said of them.
var badOptions = []struct {
	name string
	opt  job.Option
	want string
}{
	{"empty queue", job.Queue(""), "the name of the queue is empty: a name is 1 to 128"},
	{"long queue", job.Queue(strings.Repeat("q", 129)), "the name of the queue has 129 bytes"},
	{"queue of two words", job.Queue("a b"), `the name of the queue has ' ' at byte 1`},
	{"queue that ends in a dot", job.Queue("a."), `has '.' at byte 1`},
	{"queue that is not ASCII", job.Queue("größe"), `at byte 2`},
	{"priority too high", job.Priority(101), "the priority is 101: it must be -100 to 100"},
	{"priority too low", job.Priority(-101), "the priority is -101"},
	{"priority of another size", job.Priority(256), "the priority is 256"},
	{"negative delay", job.Delay(-time.Nanosecond), "the delay is negative: -1ns"},
	{"time before 1970", job.At(time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC)), "the time 1969-12-31T23:59:59Z is out of range: it must be between 1970 and 4253"},
	{"zero time", job.At(time.Time{}), "the time 0001-01-01T00:00:00Z is out of range"},
	{"far time", job.At(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)), "the time 9999-01-01T00:00:00Z is out of range"},
	{"no attempts", job.Attempts(0), "there are 0 attempts: it must be 1 to 65535"},
	{"negative attempts", job.Attempts(-1), "there are -1 attempts"},
	{"too many attempts", job.Attempts(1 << 16), "there are 65536 attempts"},
	{"negative back-off", job.Backoff(-1, time.Second), "the back-off is negative: -1ns"},
	{"shrinking back-off", job.Backoff(time.Minute, time.Second), "the back-off begins with 1m0s and is at most 1s"},
	{"negative keep", job.Keep(-time.Hour), "the time to keep the job is negative: -1h0m0s"},
	{"long key", job.Key(strings.Repeat("k", 513)), "the key has more than 512 bytes"},
	{"key that is no text", job.Key("\xff"), "the key is not UTF-8"},
	{"long group", job.Group(strings.Repeat("g", 129)), "the name of the group has more than 128 bytes"},
	{"group that is no text", job.Group("\xff"), "the name of the group is not UTF-8"},
	{"empty limit", job.Limit("", "k"), "the name of the limit is empty"},
	{"limit of two words", job.Limit("a b", "k"), "the name of the limit has ' ' at byte 1"},
	{"long key of a limit", job.Limit("api", strings.Repeat("k", 513)), "the key of the limit has more than 512 bytes"},
	{"key of a limit that is no text", job.Limit("api", "\xff"), "the key of the limit is not UTF-8"},
	{"unique while running", job.Unique(job.Done, job.Running), "Unique is of Done, Dead and Cancelled, and not of running"},
	{"unique in no state", job.Unique(0), "and not of state 0"},
	{"unique in a state that there is not", job.Unique(9), "and not of state 9"},
	{"negative timeout", job.Timeout(-time.Second), "the timeout is negative: -1s"},
	{"zero deadline", job.Deadline(time.Time{}), "the deadline 0001-01-01T00:00:00Z is out of range: it must be between 1970 and 4253"},
	{"far deadline", job.Deadline(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)), "the deadline 9999-01-01T00:00:00Z is out of range"},
	{"empty tag", job.Tags("a", ""), "the tag is empty: it has 1 to 64 bytes of UTF-8"},
	{"long tag", job.Tags(strings.Repeat("t", 65)), "the tag has more than 64 bytes"},
	{"tag that is no text", job.Tags("\xff"), "the tag is not UTF-8"},
	{"many tags", job.Tags(strings.Split("abcdefghijklmnopq", "")...), "there are 17 tags, of at most 16"},
	{"zero option", job.Option{}, "the zero Option says nothing"},
}

func TestWrongOptionsAreRefusedWhereverTheyAreGiven(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := jobtest.NewMemory()
		c := open(t, m, job.Config{}).Client()
		put(t, c, 1) // and the limits
		before := len(m.Records())
		for _, bad := range badOptions {
			t.Log(bad.name)
			h, err := job.Enqueue(t.Context(), c, resize, 1, bad.opt)
			if h != nil {
				t.Error("there is a handle beside the error")
			}
			wantFault(t, err, fault.Invalid, false, `job: enqueue "resize": `, bad.want)
			_, err = job.New(resize, 1, bad.opt)
			wantFault(t, err, fault.Invalid, false, `job: new "resize": `, bad.want)
			_, err = job.Enqueue(t.Context(), c.With(bad.opt, job.NoWait()), resize, 1)
			wantFault(t, err, fault.Invalid, false, bad.want)
		}
		if got := len(m.Records()); got != before {
			t.Errorf("%d records were written for them", got-before)
		}
	})
}

func TestOptionsAtTheirBoundsAreTaken(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{Limits: map[string]job.LimitConfig{"api": {Running: 1}}}).Client()
		for _, opts := range [][]job.Option{
			{job.Queue("q")}, {job.Queue(strings.Repeat("q", 128))}, {job.Queue("img.resize-to_2/v1")},
			{job.Priority(100)}, {job.Priority(-100)},
			{job.Delay(0)}, {job.Delay(math.MaxInt64)},
			{job.At(time.Unix(0, 0))}, {job.At(time.Date(4253, 1, 1, 0, 0, 0, 0, time.UTC))},
			{job.Attempts(1)}, {job.Attempts(1<<16 - 1)},
			{job.Backoff(0, 0)}, {job.Backoff(math.MaxInt64, math.MaxInt64)},
			{job.Keep(0)}, {job.Keep(math.MaxInt64)},
			{job.Key("")}, {job.Key(strings.Repeat("k", 512))},
			{job.Group("")}, {job.Group(strings.Repeat("g", 128))}, {job.Group("Größe & Söhne")},
			{job.Limit("api", "")}, {job.Limit("api", strings.Repeat("k", 512))},
			{job.Unique()}, {job.Unique(job.Done, job.Dead, job.Cancelled), job.Key("k")},
			{job.Timeout(0)}, {job.Timeout(1)}, {job.Timeout(math.MaxInt64)},
			{job.Deadline(time.Date(4253, 1, 1, 0, 0, 0, 0, time.UTC))},
			{job.Tags()}, {job.Tags(strings.Repeat("t", 64), "größer", "a", "a")},
		} {
			put(t, c, 1, opts...)
		}
	})
}

func TestTheLastOptionOfAKindCounts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{}).Client()
		id := put(t, c.With(job.Queue("a"), job.Delay(time.Hour), job.Priority(7)), 1, job.Queue("b"), job.Queue("c"), job.At(time.Unix(1, 0)))
		s := wantState(t, c, id, job.Ready)
		if s.Queue != "c" || s.Priority != 7 {
			t.Errorf("got %+v", s)
		}
	})
}

func TestInputsThatCannotBeKeptAreRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{}).Client()
		_, err := job.Enqueue(t.Context(), c, store, make([]byte, 256<<10))
		wantFault(t, err, fault.Invalid, false, `job: enqueue "store": the payload has 262145 bytes, which is more than the limit of 262144`)
		if fault.HintOf(err) == "" {
			t.Error("there is no hint")
		}
		if _, err := job.Enqueue(t.Context(), c, store, make([]byte, 256<<10-1)); err != nil {
			t.Error(err)
		}
		_, err = job.New(store, make([]byte, 1<<20))
		wantFault(t, err, fault.Invalid, false, `job: new "store": the payload has 1048577 bytes`)
		float := task.Define("float", func(_ context.Context, x float64) (float64, error) { return x, nil })
		_, err = job.Enqueue(t.Context(), c, float, math.NaN())
		wantFault(t, err, fault.Invalid, false, `job: enqueue "float": `, "NaN")
		_, err = job.Enqueue(t.Context(), c, rotate, "\xff")
		wantFault(t, err, fault.Invalid, false, "UTF-8")
		odd := resize.Keyed(func(int) string { return strings.Repeat("k", 600) })
		_, err = job.Enqueue(t.Context(), c, odd, 1)
		wantFault(t, err, fault.Invalid, false, "the key has more than 512 bytes")
	})
}

func TestAnUnknownTaskIsRefusedWithTheNearestThatIsKnown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{Tasks: []task.Task{resize, store}}).Client()
		put(t, c, 1)
		for name, hint := range map[string]string{
			"resise": `did you mean "resize"?`, "Resize": `did you mean "resize"?`, "restore": `did you mean "store"?`, "x": "add it to Config.Tasks",
		} {
			other := task.Define(name, func(_ context.Context, in int) (int, error) { return in, nil })
			_, err := job.Enqueue(t.Context(), c, other, 1)
			wantFault(t, err, fault.Invalid, false, `job: enqueue "`+name+`": the task is not one of Config.Tasks`, hint)
		}
	})
}

func TestBatchesThatCannotBeAreRefusedWhole(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := jobtest.NewMemory()
		c := open(t, m, job.Config{Depth: 100, Bytes: 1 << 20, Queues: map[string]job.QueueConfig{"narrow": {Depth: 2}}}).Client()
		call := func(in []byte, opts ...job.Option) job.Job {
			j, err := job.New(store, in, opts...)
			if err != nil {
				t.Fatal(err)
			}
			return j
		}
		small, large := call(nil), call(make([]byte, 200<<10))
		many := make([]job.Job, 4097)
		for i := range many {
			many[i] = small
		}
		for _, c2 := range []struct {
			jobs []job.Job
			want string
		}{
			{nil, "there are no jobs in the batch"},
			{[]job.Job{small, {}}, "job 2 of 2: it was not made by New"},
			{many, "the batch has 4097 jobs, of at most 4096"},
			{[]job.Job{large, large, large}, "bytes of a record of the log, which is more than the limit of"},
			{many[:101], "no more than 100 jobs fit, even if there were no others"},
			{[]job.Job{call(nil, job.Queue("narrow")), call(nil, job.Queue("narrow")), call(nil, job.Queue("narrow"))}, "no more than 2 jobs fit"},
		} {
			_, err := c.EnqueueMany(t.Context(), c2.jobs)
			wantFault(t, err, fault.Invalid, false, "job: enqueue", c2.want)
		}
		_, err := c.With(job.Queue("")).EnqueueMany(t.Context(), []job.Job{small})
		wantFault(t, err, fault.Invalid, false, "job 1 of 1: the name of the queue is empty")
		if n, err := c.Counts(t.Context(), ""); err != nil || n.Live() != 0 {
			t.Errorf("%+v, %v", n, err)
		}
	})
}

func TestAnInputLargerThanAllRoomIsRefusedAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{Bytes: 1000}).Client()
		_, err := job.Enqueue(t.Context(), c, store, make([]byte, 1000))
		wantFault(t, err, fault.Invalid, false, "no more than 1000 bytes of inputs and keys fit", "Config.Bytes")
	})
}

func TestWrongConfigsAreRefused(t *testing.T) {
	for _, c := range []struct {
		conf job.Config
		want string
	}{
		{job.Config{Depth: -1}, "value of Config.Depth is -1; it cannot be negative, and zero stands for the default"},
		{job.Config{Depth: 1 << 40}, "value of Config.Depth is 1099511627776; it can be 2147483647 at most"},
		{job.Config{Bytes: -1}, "value of Config.Bytes is -1"},
		{job.Config{Ageing: -time.Second}, "value of Config.Ageing is -1s"},
		{job.Config{Ageing: math.MaxInt64}, "value of Config.Ageing is"},
		{job.Config{Kept: -1}, "value of Config.Kept is -1"},
		{job.Config{SnapshotAfter: -1}, "value of Config.SnapshotAfter is -1"},
		{job.Config{Queues: map[string]job.QueueConfig{"": {}}}, "a name in Config.Queues is empty"},
		{job.Config{Queues: map[string]job.QueueConfig{"a b": {}}}, "a name in Config.Queues has ' ' at byte 1"},
		{job.Config{Queues: map[string]job.QueueConfig{"mail": {Depth: -1}}}, `value of Config.Queues["mail"].Depth is -1`},
		{job.Config{Queues: map[string]job.QueueConfig{"mail": {Running: -1}}}, `value of Config.Queues["mail"].Running is -1; it is 1 to 2147483647, and zero stands for any number`},
		{job.Config{Queues: map[string]job.QueueConfig{"mail": {Rate: job.Rate{Every: -1}}}}, `value of Config.Queues["mail"].Rate.Every is -1ns; it cannot be negative`},
		{job.Config{Queues: map[string]job.QueueConfig{"mail": {Rate: job.Rate{Every: 24 * time.Hour, Burst: 1_048_575}}}}, `value of Config.Queues["mail"].Rate.Every is 24h0m0s; with a burst of 1048575`},
		{job.Config{Queues: map[string]job.QueueConfig{"mail": {Rate: job.Rate{Burst: 2}}}}, `value of Config.Queues["mail"].Rate.Burst is 2; but there is no Rate.Every`},
		{job.Config{Limits: map[string]job.LimitConfig{"api": {}}}, `value of Config.Limits["api"] is zero; it limits nothing: set Running or Rate`},
		{job.Config{Limits: map[string]job.LimitConfig{"": {Running: 1}}}, "a name in Config.Limits is empty"},
		{job.Config{Limits: map[string]job.LimitConfig{"api": {Running: -1}}}, `value of Config.Limits["api"].Running is -1`},
		{job.Config{Limits: map[string]job.LimitConfig{"api": {Rate: job.Rate{Every: time.Second, Burst: 1 << 20}}}}, `value of Config.Limits["api"].Rate.Burst is 1048576; it is 1 to 1048575`},
		{job.Config{Groups: map[string]int{"acme": 0}}, `value of Config.Groups["acme"] is 0; a weight is 1 to 1000`},
		{job.Config{Groups: map[string]int{"acme": 1001}}, `value of Config.Groups["acme"] is 1001`},
		{job.Config{Groups: map[string]int{"\xff": 1}}, "the name of a group in Config.Groups is not UTF-8"},
		{job.Config{Tasks: []task.Task{resize, nil}}, "value of Config.Tasks[1] is nil"},
	} {
		m := jobtest.NewMemory()
		o, err := job.Open(t.Context(), m, c.conf)
		if o != nil {
			t.Errorf("%+v: there is an owner", c.conf)
		}
		wantFault(t, err, fault.Invalid, false, "job: open", c.want)
		if len(m.Records()) > 0 {
			t.Errorf("%+v: something was logged", c.conf)
		}
	}
}

func TestWrongClaimsAndSessionsAreRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{}).Client()
		for _, name := range []string{strings.Repeat("n", 129), "\xff"} {
			_, err := c.Session(t.Context(), job.SessionConfig{Name: name})
			wantFault(t, err, fault.Invalid, false, "job: session", "at most 128 bytes of UTF-8")
		}
		s := session(t, c)
		_, err := s.Claim(t.Context(), 0, job.Filter{})
		wantFault(t, err, fault.Invalid, false, `job: claim "tester": at most 0 jobs are wanted`)
		_, err = s.Claim(t.Context(), 1, job.Filter{Tasks: []string{""}})
		wantFault(t, err, fault.Invalid, false, "a name in Filter.Tasks is empty")
		_, err = s.Claim(t.Context(), 1, job.Filter{Queues: []string{"a b"}})
		wantFault(t, err, fault.Invalid, false, "a name in Filter.Queues has ' '")
	})
}

func TestIDsReadBackAsTheyWereWritten(t *testing.T) {
	for id, text := range map[job.ID]string{1: "1", 42: "42", 3<<48 | 42: "3-42", 1<<48 - 1: "281474976710655", math.MaxUint64: "65535-281474976710655"} {
		if id.String() != text {
			t.Errorf("got %v, want %s", id, text)
		}
		if got, err := job.ParseID(text); err != nil || got != id {
			t.Errorf("%s: got %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0", "3-0", "042", "+42", "-42", "4-", "0-42", "65536-1", "281474976710656", "1-2-3", " 42", "x", strings.Repeat("9", 300)} {
		_, err := job.ParseID(text)
		wantFault(t, err, fault.Invalid, false, "job: parse id: ")
	}
}

func TestMisuseOfTheProgramsPanicsAndNamesTheRule(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := open(t, jobtest.NewMemory(), job.Config{}).Client()
		s := session(t, c)
		put(t, c, 1)
		l := claim(t, s)
		var noContext context.Context
		var undefined *task.Def[int, int]
		for want, f := range map[string]func(){
			"job: Open with a nil context or Log":                                               func() { job.Open(t.Context(), nil, job.Config{}) },
			"job: Enqueue of a nil Client, which is what Current gives outside a job's handler": func() { job.Enqueue(t.Context(), nil, resize, 1) },
			"job: Enqueue with a nil context":                                                   func() { job.Enqueue(noContext, c, resize, 1) },
			"task: Do of a Def that Define has not made":                                        func() { job.Enqueue(t.Context(), c, undefined, 1) },
			"job: With of a Client that no Owner has made":                                      func() { new(job.Client).With() },
			"job: Status with a nil context":                                                    func() { c.Status(noContext, 1) },
			"job: Fail with a nil error":                                                        func() { l.Fail(t.Context(), nil) },
			"job: Close of a nil Owner or with a nil context":                                   func() { (*job.Owner)(nil).Close(t.Context()) },
			"job: Claim of a nil Session or with a nil context":                                 func() { s.Claim(noContext, 1, job.Filter{}) },
			"job: Complete of a nil Lease or with a nil context":                                func() { (*job.Lease)(nil).Complete(t.Context(), nil) },
			"job: ID of a Lease that no Session has claimed":                                    func() { (*job.Lease)(nil).ID() },
			"job: Task of a Lease that no Session has claimed":                                  func() { new(job.Lease).Task() },
			"job: Queue of a Lease that no Session has claimed":                                 func() { (*job.Lease)(nil).Queue() },
			"job: Input of a Lease that no Session has claimed":                                 func() { new(job.Lease).Input() },
			"job: Attempt of a Lease that no Session has claimed":                               func() { (*job.Lease)(nil).Attempt() },
			"job: Token of a Lease that no Session has claimed":                                 func() { new(job.Lease).Token() },
			"task: Name of a Def that Define has not made":                                      func() { job.Work(t.Context(), c, job.WorkerConfig{Tasks: []task.Task{undefined}}) },
			"job: Client of a nil Owner":                                                        func() { (*job.Owner)(nil).Client() },
			"job: EnqueueMany with a nil context":                                               func() { c.EnqueueMany(noContext, nil) },
			"job: Done of a nil Owner":                                                          func() { (*job.Owner)(nil).Done() },
			"job: Err of a nil Owner":                                                           func() { (*job.Owner)(nil).Err() },
			"job: ID of a Handle that neither Enqueue nor Find has made":                        func() { (*job.Handle[int])(nil).ID() },
			"job: Existing of a Handle that neither Enqueue nor Find has made":                  func() { new(job.Handle[int]).Existing() },
			"job: Wait of a Handle that neither Enqueue nor Find has made":                      func() { new(job.Handle[int]).Wait(t.Context()) },
			"job: Status of a Handle that neither Enqueue nor Find has made":                    func() { new(job.Handle[int]).Status(t.Context()) },
			"job: Progress of a Handle that neither Enqueue nor Find has made":                  func() { new(job.Handle[int]).Progress(t.Context()) },
			"job: Cancel of a Handle that neither Enqueue nor Find has made":                    func() { new(job.Handle[int]).Cancel(t.Context()) },
		} {
			func() {
				defer func() {
					if got := recover(); got != want {
						t.Errorf("got %v, want %v", got, want)
					}
				}()
				f()
			}()
		}
	})
}
