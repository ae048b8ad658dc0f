package lock_test

import (
	"bytes"
	"context"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/hemgo/hem/lock"
)

// lockBoth and lockBothContrary are what stacks are looked for.
//
//go:noinline
func lockBoth(ctx context.Context, a, b *lock.Mutex) error {
	defer must(a.Lock(ctx)).Unlock()
	defer must(b.Lock(ctx)).Unlock()
	return nil
}

//go:noinline
func lockBothContrary(ctx context.Context, a, b *lock.Mutex) error {
	defer must(b.Lock(ctx)).Unlock()
	defer must(a.Lock(ctx)).Unlock()
	return nil
}

func TestAReportSaysWhoTookWhatWhere(t *testing.T) {
	s := newStage(t)
	var out bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, nil)))
	stock, price := lock.NewMutex(lock.In(s.class("stock"))), lock.NewMutex(lock.In(s.class("price")))
	s.task("checkout", func(ctx context.Context) error { return lockBoth(ctx, stock, price) })
	s.task("reprice", func(ctx context.Context) error { return lockBothContrary(ctx, stock, price) })

	found := s.findings()
	if len(found) != 1 {
		t.Fatalf("found %+v", found)
	}
	f := found[0]
	at := `order_report_test\.go:\d+`
	detail := strings.NewReplacer("·", s.suffix, "@", at).Replace(
		`^lock order: price· → stock· at @ \(price· taken at @, by reprice#1\); ` +
			`stock· → price· at @ \(stock· taken at @, by checkout#1\)$`)
	if !regexp.MustCompile(detail).MatchString(f.Detail) {
		t.Errorf("detail: %s", f.Detail)
	}
	if f.Code != "lock.order-cycle" || f.Task == nil || f.Task.Name() != "reprice" {
		t.Errorf("%s about %v", f.Code, f.Task)
	}
	if site := f.Stack.Site(); !strings.HasSuffix(site.Func, "lockBothContrary") {
		t.Errorf("the stack begins in %v", site)
	}
	for _, text := range []string{f.Stack.String(), out.String()} {
		if strings.Count(text, "lockBothContrary") != 2 || strings.Count(text, "lockBoth") != 4 {
			t.Errorf("four stacks are not in\n%s", text)
		}
		for _, heading := range []string{"reprice#1 took price", "checkout#1 wants price", "checkout#1 took stock"} {
			if !strings.Contains(text, heading) {
				t.Errorf("%q is not in\n%s", heading, text)
			}
		}
	}
	if strings.Contains(f.Stack.String(), "orderWants") {
		t.Errorf("the checker shows itself:\n%s", f.Stack)
	}
}

func TestEachFindingHasItsSentence(t *testing.T) {
	tests := []struct {
		lines []string
		want  string
	}{
		{[]string{"a1 a2"}, `two locks of class a· nested at @ (the first taken at @, by task0#1)`},
		{[]string{"r:a r:a"}, `a· read again at @ by its reader (first taken for reading at @, by task0#1)`},
		{[]string{"high low"}, `low· of rank 1 wanted at @ above high· of rank 2 (taken at @, by task0#1)`},
		{[]string{"r:a b", "b r:a", "a"}, `a· → b· at @ (a· taken for reading at @, by task0#1); ` +
			`b· → a· at @ (b· taken at @, by task1#1); task2#1 makes readers of a· wait at @`},
	}
	for _, test := range tests {
		s := newStage(t)
		s.class("low", lock.Rank(1))
		s.class("high", lock.Rank(2))
		s.run(test.lines...)
		want := strings.NewReplacer("·", s.suffix, "@", "@@").Replace("lock order: " + test.want)
		pattern := strings.ReplaceAll(regexp.QuoteMeta(want), "@@", `order_stage_test\.go:\d+`)
		found := s.findings()
		if len(found) != 1 || !regexp.MustCompile("^"+pattern+"$").MatchString(found[0].Detail) {
			t.Errorf("%q: found %+v", test.lines, found)
		}
	}
}

func TestALockWithoutAClassIsCalledByItsAddress(t *testing.T) {
	s := newStage(t)
	m, named := new(lock.Mutex), lock.NewMutex(lock.In(s.class("named")))
	s.task("t", func(ctx context.Context) error { return lockBoth(ctx, m, named) })
	s.task("u", func(ctx context.Context) error { return lockBothContrary(ctx, m, named) })
	found := s.findings()
	if len(found) != 1 || !strings.Contains(found[0].Detail, "→ "+m.String()+" at") {
		t.Errorf("found %+v", found)
	}
}

func TestWhatIsSuppressedIsLoggedWithItsReason(t *testing.T) {
	defer lock.ForgetSuppressions()
	tests := []struct {
		lines    []string
		suppress []string
		want     string
	}{
		{[]string{"a b", "b a"}, []string{"a", "b"}, ""},
		{[]string{"a b", "b a"}, []string{"b", "a"}, ""},
		{[]string{"a b", "b c", "c a"}, []string{"c", "a", "b"}, ""},
		{[]string{"a b", "b c", "c a"}, []string{"c", "b", "a"}, "order-cycle"}, // the other way round
		{[]string{"a b", "b c", "c a"}, []string{"a", "b"}, "order-cycle"},
		{[]string{"a1 a2"}, []string{"a"}, ""},
		{[]string{"a1 a2"}, []string{"a", "a"}, "same-class"},
		{[]string{"r:a r:a"}, []string{"a"}, ""},
		{[]string{"high low"}, []string{"high", "low"}, ""},
		{[]string{"high low"}, []string{"low"}, "rank"},
	}
	for _, test := range tests {
		s := newStage(t)
		var out bytes.Buffer
		slog.SetDefault(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
		s.class("low", lock.Rank(1))
		s.class("high", lock.Rank(2))
		var names []string
		for _, name := range test.suppress {
			names = append(names, s.class(name).String())
		}
		lock.SuppressOrder("it is known", names...)
		s.run(test.lines...)
		if got := s.codes(); got != test.want {
			t.Errorf("%q without %q: found %q, want %q", test.lines, test.suppress, got, test.want)
		}
		if logged := strings.Contains(out.String(), `reason="it is known"`); logged != (test.want == "") {
			t.Errorf("%q: the log is %s", test.lines, out.String())
		}
	}
}

func TestSuppressionNeedsAReasonAndNames(t *testing.T) {
	for _, args := range [][]string{{"", "a"}, {"it is so"}, {"it is so", "a", ""}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("SuppressOrder(%q) does not panic", args)
				}
			}()
			lock.SuppressOrder(args[0], args[1:]...)
		}()
	}
}
