package deploy

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startLimit is how long a daemon may take to be ready on a busy machine.
const startLimit = 2 * time.Minute

var built struct {
	once sync.Once
	dir  string
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// rosterProgram builds the program once for all tests.
func rosterProgram(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "roster-deploy-"); built.err != nil { //nolint:usetesting // it outlives the first test that asks
			return
		}
		cmd := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(built.dir, "roster"), "./cmd/roster")
		cmd.Dir, cmd.Env = repository(t), append(os.Environ(), inWorkspace)
		if out, err := cmd.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, "roster")
}

// A process is a daemon that runs.
type process struct {
	url    string
	cmd    *exec.Cmd
	stderr *bytes.Buffer // of the daemon; to be read when it has ended
	ended  chan struct{}
}

// startDaemon runs what becomes a daemon and waits until it is ready.
func startDaemon(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{cmd: cmd, stderr: new(bytes.Buffer), ended: make(chan struct{})}
	cmd.Stderr = p.stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan string, 1)
	go func() {
		defer close(p.ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if url, found := strings.CutPrefix(lines.Text(), "ready "); found {
				ready <- url
			}
		}
		_ = cmd.Wait() // its log tells
	}()
	t.Cleanup(func() { p.stop(t) })
	select {
	case p.url = <-ready:
	case <-p.ended:
		t.Fatalf("the daemon ended before it was ready:\n%s", p.stderr)
	case <-time.After(startLimit):
		_ = cmd.Process.Kill()
		<-p.ended
		t.Fatalf("the daemon was not ready after %v:\n%s", startLimit, p.stderr)
	}
	return p
}

// stop ends a daemon as a service manager does.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	select {
	case <-p.ended:
	case <-time.After(time.Minute):
		_ = p.cmd.Process.Kill()
		<-p.ended
		t.Errorf("the daemon did not stop:\n%s", p.stderr)
	}
}

// upCommand is how to start a daemon on any ports, with its data in a folder of its own.
func upCommand(t *testing.T, arguments ...string) *exec.Cmd {
	t.Helper()
	data, err := os.MkdirTemp("", "data") //nolint:usetesting // paths of unix sockets have to stay short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(data) })
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), rosterProgram(t),
		append([]string{"up", "--listen", "127.0.0.1:0", "--data", data}, arguments...)...)
	cmd.Env = append(os.Environ(), "TMPDIR="+data)
	return cmd
}

// Each command of the first look of each runbook works against a daemon, as it stands in the page, and each
// command that the pages mention exists with the flags that they give it.
func TestRunbookCommandsWork(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, upCommand(t, "--replication", "127.0.0.1:0"))
	env := append(os.Environ(), "ROSTER_ADDRESS="+d.url, "PATH="+filepath.Dir(rosterProgram(t))+":"+os.Getenv("PATH"))
	call := exec.CommandContext(t.Context(), rosterProgram(t), "call", "text.stats", `{"text": "a"}`) // leaves metrics of a plugin
	call.Env = env
	if out, err := call.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ran := make(map[string]bool)
	for _, path := range glob(t, filepath.Join(repository(t), runbooks, "*.md")) {
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, command := range pageCommands(string(page)) {
			if ran[command] {
				continue
			}
			ran[command] = true
			cmd := exec.CommandContext(t.Context(), "bash", "-euc", "set -o pipefail; "+command)
			cmd.Env = env
			if out, err := cmd.CombinedOutput(); err != nil && !strings.Contains(command, "| head") {
				t.Errorf("%s: %s: %v\n%s", filepath.Base(path), command, err, out)
			}
		}
		for _, mention := range mentions(string(page)) {
			if ran[mention] {
				continue
			}
			ran[mention] = true
			if err := commandExists(t, mention); err != nil {
				t.Errorf("%s: %v", filepath.Base(path), err)
			}
		}
	}
	if len(ran) < 20 {
		t.Errorf("only %d commands were found", len(ran))
	}
}

// mentions are the commands of roster in the text of a page.
func mentions(page string) []string {
	var found []string
	for i, span := range strings.Split(strings.ReplaceAll(page, "\n", " "), "`") {
		command := strings.Join(strings.Fields(span), " ")
		if i%2 == 1 && strings.HasPrefix(command, "roster ") {
			found = append(found, command)
		}
	}
	return found
}

// commandExists asks the program for the help of a command, which has to name the command and its flags.
func commandExists(t *testing.T, command string) error {
	t.Helper()
	words := strings.Fields(command)[1:]
	out, err := exec.CommandContext(t.Context(), rosterProgram(t), append(words[:1:1], append(verbOf(words), "--help")...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", command, err, out)
	}
	_, usage, _ := strings.Cut(string(out), "\nUsage:\n")
	line, _, _ := strings.Cut(usage, "\n")
	for _, word := range append(words[:1:1], verbOf(words)...) {
		if !strings.Contains(line, word) {
			return fmt.Errorf("%s: there is no such command: %s", command, strings.TrimSpace(line))
		}
	}
	for _, word := range words {
		if strings.HasPrefix(word, "--") && !strings.Contains(string(out), word+" ") {
			return fmt.Errorf("%s: it has no flag %s", command, word)
		}
	}
	return nil
}

// verbOf is the second word of a command, if it is one of the program and no argument.
func verbOf(words []string) []string {
	if len(words) < 2 || strings.ToLower(words[1]) != words[1] || strings.ContainsAny(words[1], "-/$") {
		return nil
	}
	return words[1:2]
}

func TestCommandsThatDoNotExistAreFound(t *testing.T) {
	t.Parallel()
	for command, exists := range map[string]bool{
		"roster kill forget ID": true, "roster ls plugins": true, "roster plugin reload NAME": true,
		"roster region add NAME --control ADDRESS": true, "roster kill plugin/NAME --reason TEXT": true, "roster get --max-stale": true,
		"roster plugin revive NAME": false, "roster region add NAME --kontrol ADDRESS": false, "roster frobnicate": false,
	} {
		if err := commandExists(t, command); (err == nil) != exists {
			t.Errorf("%s: %v", command, err)
		}
	}
}
