package inspect

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	maxName = 256  // bytes of a name that are kept
	maxText = 4096 // bytes of a sentence
	maxCell = 80   // runes of a name that a line of text shows
)

// cut makes s valid UTF-8 of at most n bytes and an ellipsis.
func cut(s string, n int) string {
	if len(s) > n {
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n] + "…" // a copy: it keeps no large original alive
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// show makes a name fit for one line of a terminal: what cannot be printed is
// quoted, what is long is cut.
func show(s string) string {
	s = cut(s, 4*maxCell)
	if n := utf8.RuneCountInString(s); n > maxCell {
		s = string([]rune(s)[:maxCell]) + "…"
	}
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

// sentence is show for longer texts, whose lines are joined.
func sentence(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "\uFFFD")), " ")
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}

// causeOf says why ctx has ended, empty if it has not. What the cause says is
// somebody else's code.
func causeOf(ctx context.Context) (text string) {
	if ctx.Err() == nil {
		return ""
	}
	defer func() {
		if recover() != nil {
			text = "(an error whose Error method panics)"
		}
	}()
	if text = cut(context.Cause(ctx).Error(), maxText); text == "" {
		text = "(an error without a text)"
	}
	return text
}

// at is the last part of a frame's file, and the line.
func (f Frame) at() string {
	if f.File == "" {
		return ""
	}
	return show(path.Base(f.File)) + ":" + strconv.Itoa(f.Line)
}

// String is short, as in "order.go:41".
func (f Frame) String() string {
	if f.File == "" {
		return f.Func
	}
	return f.at()
}

// String returns the kind and the name, as in "pool cpu".
func (l Label) String() string {
	if l.Name == "" {
		return show(l.Kind)
	}
	return show(l.Kind) + " " + show(l.Name)
}

// atLeast writes a lower bound, with a space in front; nothing if unknown.
func atLeast(d time.Duration) string {
	if d < time.Millisecond {
		return ""
	}
	return " ≥" + short(d)
}

// short writes d with two units at most, rounded down.
func short(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Second:
		return d.Truncate(time.Millisecond).String()
	case d < time.Minute:
		return d.Truncate(time.Second).String()
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + "m" + strconv.Itoa(int(d%time.Minute/time.Second)) + "s"
	case d < day:
		return strconv.Itoa(int(d/time.Hour)) + "h" + strconv.Itoa(int(d%time.Hour/time.Minute)) + "m"
	}
	return strconv.Itoa(int(d/day)) + "d" + strconv.Itoa(int(d%day/time.Hour)) + "h"
}

// thousands writes n with separators: "9,998".
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// plural writes "1 task", "2 tasks".
func plural(n int, word string) string {
	if n != 1 {
		word += "s"
	}
	return thousands(n) + " " + word
}

// String is the chain as a sentence:
//
//	reprice#2 waits ≥3s for future price#1 → price#1 waits for timer 1m0s
func (c Chain) String() string {
	if len(c) == 0 {
		return ""
	}
	return show(c[0].Task) + " " + c[0].does() + c.because()
}

// because is the chain after its first link, each with an arrow in front.
func (c Chain) because() string {
	var b strings.Builder
	for i, l := range c {
		if i == 0 {
			continue
		}
		fmt.Fprintf(&b, " → %s", show(l.Task))
		if n := c[i-1].Wait.OnTotal; n > 1 {
			fmt.Fprintf(&b, " (one of %s)", thousands(n))
		}
		if i == len(c)-1 && c.Circle() {
			return b.String() + " again: a circle"
		}
		b.WriteString(" " + l.does())
	}
	if last := c[len(c)-1]; last.Wait != nil && len(last.Wait.On) > 0 {
		b.WriteString(" → …")
	}
	return b.String()
}

// does is what the task of l is doing: "running", "waits ≥3s for timer 1m0s".
func (l Link) does() string {
	if l.Wait == nil {
		return string(l.State)
	}
	return doing(l.State, Label{l.Wait.Kind, l.Wait.Name}, l.Wait.Age)
}

func doing(state State, what Label, age time.Duration) string {
	switch state {
	case Waiting:
		return "waits" + atLeast(age) + " for " + what.String()
	case Joining:
		what.Kind = strings.TrimPrefix(strings.TrimPrefix(what.Kind, "join"), " of ")
		return "joins" + atLeast(age) + " " + strings.TrimPrefix(what.String(), " ")
	case Queued:
		return "queued" + atLeast(age) + " for " + what.String()
	}
	return string(state)
}
