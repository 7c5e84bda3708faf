package e2e_test

import (
	"net/url"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// A terminal that a program runs on.
type terminal struct {
	host, program *os.File
	shown         *logBuffer
	exit          chan error
	before        *term.State
}

// startOnTerminal runs a program of the daemon's on a terminal of its own.
func (d *daemon) startOnTerminal(t *testing.T, args ...string) *terminal {
	t.Helper()
	host, program, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	x := &terminal{host: host, program: program, shown: new(logBuffer), exit: make(chan error, 1)}
	x.resize(t, 40, 100)
	cmd := exec.CommandContext(t.Context(), d.program, args...)
	cmd.Env = append(os.Environ(), "ROSTER_ADDRESS="+d.url)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = program, program, program
	if x.before, err = term.GetState(int(program.Fd())); err != nil {
		t.Fatal(err)
	}
	started, err := x.start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may be gone already
		<-started
		_ = program.Close()
		_ = host.Close()
	})
	return x
}

func (x *terminal) start(cmd *exec.Cmd) (ended <-chan struct{}, err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true} // it gets the terminal's signals
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	done := make(chan struct{})
	go func() { x.exit <- cmd.Wait(); close(done) }()
	go func() {
		buffer := make([]byte, 1<<16)
		for {
			n, err := x.host.Read(buffer)
			if err != nil {
				return
			}
			_, _ = x.shown.Write(buffer[:n])
		}
	}()
	return done, nil
}

func (x *terminal) resize(t *testing.T, rows, columns uint16) {
	t.Helper()
	if err := pty.Setsize(x.host, &pty.Winsize{Rows: rows, Cols: columns}); err != nil {
		t.Fatal(err)
	}
}

func (x *terminal) press(t *testing.T, keys string) {
	t.Helper()
	if _, err := x.host.WriteString(keys); err != nil {
		t.Fatal(err)
	}
}

// What a frame begins and ends with, and what a row ends with.
const (
	frameBegins = "\x1b[?2026h\x1b[H"
	frameEnds   = "\x1b[J\x1b[?2026l"
)

// frame is the latest complete one, as plain lines.
func (x *terminal) frame() []string {
	text := x.shown.String()
	end := strings.LastIndex(text, frameEnds)
	if end < 0 {
		return nil
	}
	begin := strings.LastIndex(text[:end], frameBegins)
	text = strings.NewReplacer("\x1b[K", "", "\x1b[0m", "", "\x1b[1m", "", "\x1b[7m", "").Replace(text[begin+len(frameBegins) : end])
	return strings.Split(text, "\r\n")
}

func (x *terminal) has(part string) func() bool {
	return func() bool { return strings.Contains(strings.Join(x.frame(), "\n"), part) }
}

// waitExit returns when the program has ended, and how.
func (x *terminal) waitExit(t *testing.T) error {
	t.Helper()
	select {
	case err := <-x.exit:
		return err
	case <-time.After(startLimit):
		t.Fatalf("it does not end; it shows\n%s", strings.Join(x.frame(), "\n"))
		return nil
	}
}

// roster top on a terminal shows what happens, follows its size, says when the daemon is gone
// and finds it again, and leaves the terminal as it was.
func TestTopOnATerminal(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	d := startDaemon(t, "--data", data)
	x := d.startOnTerminal(t, "top", "--interval", "100ms")
	eventually(t, time.Minute, "the table is there", x.has("LOOKUPS/S"))
	eventually(t, time.Minute, "keys are told", x.has("q quit"))
	for range 3 {
		if _, code, _, err := d.call(t.Context(), "text.stats", `{"text": "a"}`); err != nil || code != "" {
			t.Fatal(code, err)
		}
	}
	eventually(t, time.Minute, "calls are shown", x.has("builtin text.stats"))
	x.press(t, "n")
	eventually(t, time.Minute, "it is sorted by name", x.has("sorted by name"))

	x.resize(t, 12, 30)
	eventually(t, time.Minute, "it fits the smaller terminal", func() bool {
		lines := x.frame()
		for _, line := range lines {
			if len([]rune(line)) > 30 {
				return false
			}
		}
		return len(lines) <= 12
	})
	if !x.has("REGISTRY")() {
		t.Errorf("nothing is left:\n%s", strings.Join(x.frame(), "\n"))
	}
	x.resize(t, 40, 120)

	d.kill(t)
	eventually(t, time.Minute, "it says that it is stale", x.has("STALE since "))
	at, err := url.Parse(d.url)
	if err != nil {
		t.Fatal(err)
	}
	startDaemon(t, "--data", data, "--listen", at.Host)
	eventually(t, time.Minute, "it finds the daemon again", func() bool { return !x.has("STALE")() && x.has("LOOKUPS/S")() })

	x.press(t, "q")
	if err := x.waitExit(t); err != nil {
		t.Errorf("after q: %v", err)
	}
	x.restored(t)
	if text := x.shown.String(); strings.Contains(text, "\x1b[2J") {
		t.Error("it clears the whole screen, which flickers")
	}
}

// Control and C ends it as well.
func TestTopIsInterrupted(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	x := d.startOnTerminal(t, "top", "--interval", "100ms")
	eventually(t, time.Minute, "the table is there", x.has("q quit"))
	x.press(t, "\x03")
	if err := x.waitExit(t); err != nil {
		t.Error(err)
	}
	x.restored(t)
}

// restored checks that the terminal is as it was.
func (x *terminal) restored(t *testing.T) {
	t.Helper()
	after, err := term.GetState(int(x.program.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(x.before, after) {
		t.Errorf("the terminal's state is %+v, was %+v", after, x.before)
	}
	eventually(t, time.Minute, "the cursor and the screen are back", func() bool {
		return strings.HasSuffix(x.shown.String(), "\x1b[?25h\x1b[?1049l")
	})
}
