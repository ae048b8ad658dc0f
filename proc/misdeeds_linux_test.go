package proc_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hemgo/hem/task"
)

// A crime is what misbehave is to do.
type crime struct {
	How string
	Dir string // for notes
	N   int
}

// misbehave does one of misdeeds, which should not return.
var misbehave = task.Define("proc.misbehave", func(ctx context.Context, c crime) (int, error) {
	post(c.Dir, "pid "+c.How, os.Getpid())
	f, ok := misdeeds[c.How]
	if !ok {
		return 0, errors.New("no misdeed is called " + c.How)
	}
	return f(ctx, c)
})

func init() { testTasks = append(testTasks, misbehave) }

// misdeeds are what workers do to their pools.
var misdeeds map[string]func(context.Context, crime) (int, error)

func init() {
	misdeeds = map[string]func(context.Context, crime) (int, error){
		"spin":         func(context.Context, crime) (int, error) { spin(); return 0, nil },
		"stop":         stop,
		"defy":         defy,
		"fork":         fork,
		"fork, exit":   func(ctx context.Context, c crime) (int, error) { breed(c.Dir); os.Exit(4); return 0, nil },
		"fork, return": func(ctx context.Context, c crime) (int, error) { breed(c.Dir); return os.Getpid(), nil },
		"hang up":      func(context.Context, crime) (int, error) { syscall.Close(3); syscall.Close(4); return sleep() },
		"fall silent":  func(context.Context, crime) (int, error) { syscall.Close(4); return sleep() },
		"hang up later": func(context.Context, crime) (int, error) {
			time.AfterFunc(20*time.Millisecond, func() { syscall.Close(3); syscall.Close(4) })
			return os.Getpid(), nil
		},
		"flood":       flood,
		"exit 0":      func(context.Context, crime) (int, error) { os.Exit(0); return 0, nil },
		"exit 7":      func(context.Context, crime) (int, error) { say("last words"); os.Exit(7); return 0, nil },
		"kill -9":     func(context.Context, crime) (int, error) { return die(syscall.SIGKILL) },
		"segv":        func(context.Context, crime) (int, error) { return become("kill -SEGV $$") },
		"segv in Go":  func(context.Context, crime) (int, error) { return die(syscall.SIGSEGV) },
		"abort":       abort,
		"panic aside": panicAside,
		"bad unlock":  func(context.Context, crime) (int, error) { new(sync.Mutex).Unlock(); return 0, nil },
		"map race":    mapRace,
		"deep":        func(context.Context, crime) (int, error) { debug.SetMaxStack(1 << 20); return deep(0), nil },
		"babble": func(context.Context, crime) (int, error) {
			syscall.Write(4, []byte("to be or not to be\n"))
			return sleep()
		},
		"eat":  eat,
		"bomb": bomb,
		"open": openFiles,
		"obey": func(ctx context.Context, _ crime) (int, error) { <-ctx.Done(); return 0, context.Cause(ctx) },
		"chat": chat,
		"nest": nest,
	}
}

func say(line string) { fmt.Fprintln(os.Stderr, line) }

// sleep is long enough for any test.
func sleep() (int, error) {
	time.Sleep(5 * time.Minute)
	return 0, nil
}

func spin() {
	for n := 0; ; n++ {
		if n < 0 {
			return
		}
	}
}

func stop(context.Context, crime) (int, error) {
	syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	return sleep()
}

// defy ignores its context and what asks politely.
func defy(context.Context, crime) (int, error) {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	syscall.Kill(os.Getpid(), syscall.SIGTERM)
	return sleep()
}

func fork(ctx context.Context, c crime) (int, error) {
	breed(c.Dir)
	return sleep()
}

// breed starts grandchildren of several kinds, that hold what they inherit.
func breed(dir string) {
	spawn := func(name string, setsid bool, script string) {
		cmd := exec.Command("/bin/sh", "-c", script)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: setsid}
		out, in, err := os.Pipe()
		if err != nil {
			panic(err)
		}
		cmd.ExtraFiles = []*os.File{in}
		if err := cmd.Start(); err != nil {
			panic(err)
		}
		in.Close()
		line := make([]byte, 32)
		n, _ := out.Read(line)
		post(dir, "pid "+name, strings.TrimSpace(string(line[:n])))
	}
	const stay, leave = "echo $$ >&3; exec sleep 300 3>&-", "sleep 300 3>&- & echo $! >&3"
	spawn("child", false, stay)
	spawn("child in a session", true, stay)
	spawn("orphan", false, leave)
	spawn("orphan in a session", true, leave)
	spawn("deaf child", true, "trap '' TERM HUP INT; "+stay)
}

// flood prints 100 MB, and then fails.
func flood(context.Context, crime) (int, error) {
	line := []byte(strings.Repeat("x", 99) + "\n")
	chunk := []byte(strings.Repeat(string(line), 10_000))
	for range 100 {
		os.Stderr.Write(chunk)
	}
	say("the end of the flood")
	os.Exit(5)
	return 0, nil
}

func die(sig syscall.Signal) (int, error) {
	syscall.Kill(os.Getpid(), sig)
	return sleep()
}

// become replaces the program by a shell: a process without Go's runtime.
func become(script string) (int, error) {
	noCore()
	return 0, syscall.Exec("/bin/sh", []string{"sh", "-c", script}, os.Environ())
}

func noCore() { syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}) }

func abort(context.Context, crime) (int, error) {
	noCore()
	debug.SetTraceback("crash")
	go panic("with a core")
	return sleep()
}

func panicAside(context.Context, crime) (int, error) {
	go panic("nobody recovers this")
	return sleep()
}

func mapRace(context.Context, crime) (int, error) {
	m := map[int]int{}
	for range 4 {
		go func() {
			for i := 0; ; i++ {
				m[i%1000] = i
			}
		}()
	}
	return sleep()
}

func deep(n int) int {
	if n < 0 {
		return 0
	}
	return deep(n+1) + 1
}

// eat takes N MiB, and returns how many it has got.
func eat(_ context.Context, c crime) (int, error) {
	var all [][]byte
	for range c.N {
		b := make([]byte, 1<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		all = append(all, b)
		time.Sleep(100 * time.Microsecond)
	}
	time.Sleep(200 * time.Millisecond) // for who looks seldom
	return len(all), nil
}

// bomb is a fork bomb that ends after N generations, and waits then.
func bomb(ctx context.Context, c crime) (int, error) {
	script := `f() { if [ $1 -gt 0 ]; then f $(($1-1)) & f $(($1-1)) & fi; sleep 300; }; f ` + strconv.Itoa(c.N)
	cmd := exec.Command("/bin/sh", "-c", script)
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	<-ctx.Done()
	return 0, context.Cause(ctx)
}

// openFiles opens N files, and returns how many it could.
func openFiles(_ context.Context, c crime) (int, error) {
	var files []*os.File
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	for range c.N {
		f, err := os.Open("/dev/null")
		if err != nil {
			return len(files), err
		}
		files = append(files, f)
	}
	return len(files), nil
}

// chat prints N lines on each of the two streams, with what looks like frames
// among them.
func chat(_ context.Context, c crime) (int, error) {
	for i := range c.N {
		fmt.Printf("out %d Hm\x01\x07\x00\x00\n", i)
		say(fmt.Sprintf("err %d", i))
	}
	os.Stdout.WriteString("without an end")
	return os.Getpid(), nil
}
