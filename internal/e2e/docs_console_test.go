package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// commandLimit bounds one command; the first ones compile the program.
	commandLimit = 3 * time.Minute

	// stopLimit bounds how long what a document started may take to stop when asked to.
	stopLimit = 20 * time.Second

	// endMark stands before the status of a command on a line after its output.
	endMark = "roster-docs-command-ended"
	// readMark stands in the output of a background command after all that it printed while
	// the others ran.
	readMark = "roster-docs-read-up-to-here"
)

// loopbackPort finds the ports a document uses.
var loopbackPort = regexp.MustCompile(`(?:127\.0\.0\.1|localhost|\[::1\]):(\d+)`)

// runCommands runs the commands of one document, in order, in one shell in dir. It fails
// at the first whose output or status is not what the document shows. What runs in the
// background is stopped at the end.
func runCommands(ctx context.Context, dir string, env []string, commands []docCommand) (err error) {
	if err := portsFree(ctx, commands); err != nil {
		return err
	}
	sh, err := startShell(dir, env, commands)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sh.stop()) }()

	background := 0
	for _, c := range commands {
		ctx, cancel := context.WithTimeout(ctx, commandLimit)
		if c.background {
			background++
			err = sh.runInBackground(ctx, c, background)
		} else {
			err = sh.run(ctx, c)
		}
		cancel()
		if err != nil {
			return fmt.Errorf("%s: $ %s: %w", c.at, c.text, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, commandLimit)
	defer cancel()
	return sh.backgroundStillRuns(ctx, commands)
}

// portsFree fails if a port that the commands name is taken, because then another program
// would answer them.
func portsFree(ctx context.Context, commands []docCommand) error {
	used := make(map[string]string) // port → place
	for _, c := range commands {
		for _, m := range loopbackPort.FindAllStringSubmatch(c.text+"\n"+strings.Join(c.want, "\n"), -1) {
			if used[m[1]] == "" {
				used[m[1]] = c.at
			}
		}
	}
	for _, port := range slices.Sorted(maps.Keys(used)) {
		var lc net.ListenConfig
		listener, err := lc.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", port))
		if err != nil {
			return fmt.Errorf("%s uses port %s, which is taken: stop what listens there: %w", used[port], port, err)
		}
		if err := listener.Close(); err != nil {
			return fmt.Errorf("close the probe of port %s: %w", port, err)
		}
	}
	return nil
}

// docShell is a bash that runs a document's commands. It leads a process group of its own,
// in which everything it starts stays.
type docShell struct {
	cmd    *exec.Cmd
	script io.WriteCloser // its standard input
	// outputs hold what the foreground printed, at 0, and each background command.
	outputs []*shellOutput
}

// startShell starts a shell with one output pipe for the foreground and one for each
// background command.
func startShell(dir string, env []string, commands []docCommand) (*docShell, error) {
	// Not CommandContext: stop ends the whole group, not bash alone.
	sh := &docShell{cmd: exec.Command("bash", "--noprofile", "--norc")}
	sh.cmd.Dir = dir
	sh.cmd.Env = env
	sh.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	script, err := sh.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("shell: %w", err)
	}
	sh.script = script

	pipes := 1
	for _, c := range commands {
		if c.background {
			pipes++
		}
	}
	var writers []*os.File
	defer func() {
		for _, write := range writers {
			write.Close() // the shell has its own
		}
	}()
	for i := range pipes {
		read, write, err := os.Pipe()
		if err != nil {
			return nil, fmt.Errorf("shell: %w", err)
		}
		writers = append(writers, write)
		if i == 0 {
			sh.cmd.Stdout, sh.cmd.Stderr = write, write
		} else {
			sh.cmd.ExtraFiles = append(sh.cmd.ExtraFiles, write) // descriptor 2+i
		}
		sh.outputs = append(sh.outputs, collectOutput(read))
	}
	if err := sh.cmd.Start(); err != nil {
		return nil, fmt.Errorf("shell: %w", err)
	}
	return sh, nil
}

// run runs a command in the foreground. eval keeps a syntax error from ending the shell
// and lets cd and export last.
func (sh *docShell) run(ctx context.Context, c docCommand) error {
	out := sh.outputs[0]
	start := out.mark()
	if err := sh.send("eval %s </dev/null; printf '\\n%s %%d\\n' $?\n", quote(c.text), endMark); err != nil {
		return err
	}
	if err := out.wait(ctx, func(text string) bool { return ended(text[start:]) }); err != nil {
		return fmt.Errorf("%w; so far it printed:\n%s", err, out.text()[start:])
	}
	got, status := cutStatus(out.text()[start:])
	if want := strconv.Itoa(c.exit); status != want {
		return fmt.Errorf("ended with status %s, not %s; it printed:\n%s", status, want, got)
	}
	if !matchLines(c.want, outputLines(got)) {
		return fmt.Errorf("the document shows:\n%s\nit printed:\n%s", strings.Join(c.want, "\n"), got)
	}
	return nil
}

// runInBackground starts a command and waits until it has printed what the document shows.
// The inner parentheses catch an exit, so that the status is printed whatever the command does.
func (sh *docShell) runInBackground(ctx context.Context, c docCommand, nth int) error {
	out := sh.outputs[nth]
	if err := sh.send("{ (eval %s); printf '\\n%s %%d\\n' $?; } </dev/null >&%d 2>&1 &\n", quote(c.text), endMark, 2+nth); err != nil {
		return err
	}
	want := append(slices.Clone(c.want), anyLines)
	shown := func(text string) bool { return matchLines(want, outputLines(text)) }
	err := out.wait(ctx, func(text string) bool { return shown(text) || ended(text) })
	got, status := cutStatus(out.text())
	switch {
	case err != nil:
		return fmt.Errorf("%w; the document shows:\n%s\nso far it printed:\n%s", err, strings.Join(c.want, "\n"), got)
	case status != "":
		return fmt.Errorf("ended with status %s; it printed:\n%s", status, got)
	}
	return nil
}

// backgroundStillRuns fails if a background command ended by itself.
func (sh *docShell) backgroundStillRuns(ctx context.Context, commands []docCommand) error {
	nth := 0
	for _, c := range commands {
		if !c.background {
			continue
		}
		nth++
		if err := sh.send("printf '\\n%s\\n' >&%d\n", readMark, 2+nth); err != nil {
			return err
		}
		read := func(text string) bool { return strings.Contains(text, "\n"+readMark+"\n") }
		if err := sh.outputs[nth].wait(ctx, read); err != nil {
			return fmt.Errorf("%s: $ %s &: %w", c.at, c.text, err)
		}
		if got, status := cutStatus(sh.outputs[nth].text()); status != "" {
			return fmt.Errorf("%s: $ %s &: ended by itself with status %s; it printed:\n%s", c.at, c.text, status, got)
		}
	}
	return nil
}

// stop asks everything that the shell started to stop, and kills what does not. All is
// over when nobody has the output pipes open any more.
func (sh *docShell) stop() error {
	group := -sh.cmd.Process.Pid
	// The group may be gone already, which is what is wanted.
	_ = syscall.Kill(group, syscall.SIGTERM)
	err := sh.ended(stopLimit / 2)
	if err != nil {
		// A shell that is about to run a program still has handlers of its own, and the
		// signal is lost when it comes just then. So it is sent once more.
		_ = syscall.Kill(group, syscall.SIGTERM)
		err = sh.ended(stopLimit / 2)
	}
	if err != nil {
		_ = syscall.Kill(group, syscall.SIGKILL)
		err = fmt.Errorf("what the document started did not stop within %v of SIGTERM: %w",
			stopLimit, errors.Join(err, sh.ended(stopLimit)))
	}
	_ = sh.script.Close() // its reader is gone
	_ = sh.cmd.Wait()     // a shell that is asked to stop says so in its status
	return err
}

func (sh *docShell) ended(limit time.Duration) error {
	timeout := time.After(limit)
	for _, out := range sh.outputs {
		select {
		case <-out.closed:
		case <-timeout:
			return errors.New("a process still holds the output open")
		}
	}
	return nil
}

func (sh *docShell) send(format string, args ...any) error {
	if _, err := fmt.Fprintf(sh.script, format, args...); err != nil {
		return fmt.Errorf("the shell is gone: %w", err)
	}
	return nil
}

// quote makes one word of text for the shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

var statusLine = regexp.MustCompile(`(?:^|\n)` + endMark + ` (\d+)\n`)

func ended(text string) bool { return statusLine.MatchString(text) }

// cutStatus splits the output of a command from the status after it, "" if it still runs.
func cutStatus(text string) (output, status string) {
	if m := statusLine.FindStringSubmatchIndex(text); m != nil {
		return text[:m[0]], text[m[2]:m[3]]
	}
	return text, ""
}

// shellOutput collects what comes out of a pipe.
type shellOutput struct {
	closed chan struct{} // closed when nobody has the writing end any more
	grew   chan struct{} // holds a token when there is more text than at the last look

	mu  sync.Mutex
	got strings.Builder // guarded by mu
}

// collectOutput reads from pipe until its end, then closes it.
func collectOutput(pipe io.ReadCloser) *shellOutput {
	out := &shellOutput{closed: make(chan struct{}), grew: make(chan struct{}, 1)}
	go func() {
		defer close(out.closed)
		defer pipe.Close()
		_, _ = io.Copy(out, pipe) // an error ends the output, as its end does
	}()
	return out
}

func (o *shellOutput) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.got.Write(p)
	select {
	case o.grew <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (o *shellOutput) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.got.String()
}

// mark is where the output is now.
func (o *shellOutput) mark() int { return len(o.text()) }

// wait blocks until the output is enough. Only one goroutine may wait at a time.
func (o *shellOutput) wait(ctx context.Context, enough func(text string) bool) error {
	for !enough(o.text()) {
		select {
		case <-o.grew:
		case <-o.closed:
			if enough(o.text()) {
				return nil
			}
			return errors.New("the shell ended")
		case <-ctx.Done():
			return fmt.Errorf("not within %v: %w", commandLimit, context.Cause(ctx))
		}
	}
	return nil
}

func TestRunCommands(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()

	tests := []struct {
		name  string
		block string
		exit  string
		err   string // part of the error
	}{
		{"output", "$ printf 'a\\nb'\na\nb", "", ""},
		{"standard error counts", "$ echo a >&2\na", "", ""},
		{"other output", "$ echo a\nb", "", "d.md:2: $ echo a: the document shows:\nb\nit printed:\na"},
		{"output not shown", "$ echo a", "", "the document shows:"},
		{"output missing", "$ true\na", "", "the document shows:\na"},
		{"failure", "$ echo a; false\na", "", "ended with status 1, not 0; it printed:\na"},
		{"expected failure", "$ (exit 3)", "3", ""},
		{"success instead of failure", "$ true", "3", "ended with status 0, not 3"},
		{"syntax error", "$ (\n...\n$ true", "", "d.md:2: $ (: ended with status "},
		{"shell ends", "$ exit 0", "", "the shell ended"},
		{"variables and folders last", "$ x=1; cd /\n$ echo $x $PWD\n1 /", "", ""},
		{"no input", "$ cat", "", ""},
		{"quotes", `$ echo 'it'"'"'s'` + "\nit's", "", ""},
		{"long command", "$ echo a \\\n>   b\na b", "", ""},
		{"background", "$ echo starting; echo ready; sleep 100 &\n...\nready\n$ echo b\nb", "", ""},
		{"background ends early", "$ echo a; exit 4 &\nready", "", "ended with status 4; it printed:\na"},
		{"background dies later", "$ echo ready; read < f; exit 5 &\nready\n$ echo > f; wait", "", "ended by itself with status 5"},
		{"two in the background", "$ echo a; sleep 100 &\na\n$ echo b; sleep 100 &\nb", "", ""},
		{"port taken", "$ echo " + listener.Addr().String(), "", "which is taken: stop what listens there"},
		{"port taken in output", "$ true\nready http://" + listener.Addr().String(), "", "d.md:2 uses port"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := syscall.Mkfifo(dir+"/f", 0o600); err != nil {
				t.Fatal(err)
			}
			commands, err := parseCommands(docBlock{doc: "d.md", line: 1, lines: strings.Split(tt.block, "\n"), exit: tt.exit})
			if err != nil {
				t.Fatal(err)
			}
			err = runCommands(t.Context(), dir, os.Environ(), commands)
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("got error %v, want %q", err, tt.err)
			}
		})
	}
}

func TestRunCommandsStopsTheBackground(t *testing.T) {
	dir := t.TempDir()
	commands := []docCommand{
		{at: "d.md:1", text: `trap 'echo stopped > result; exit' TERM; echo ready; sleep 100 & wait`, want: []string{"ready"}, background: true},
	}
	if err := runCommands(t.Context(), dir, os.Environ(), commands); err != nil {
		t.Fatal(err)
	}
	// runCommands returns when the process is over, so the file is there now or never.
	if got, err := os.ReadFile(dir + "/result"); err != nil || string(got) != "stopped\n" {
		t.Errorf("got %q, %v", got, err)
	}
}
