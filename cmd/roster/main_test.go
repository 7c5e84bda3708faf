package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"roster": main})
}

// repository is the folder of this repository.
var repository, _ = filepath.Abs(filepath.Join("..", ".."))

// TestScripts runs the command line as its users do; each file of
// testdata/script is one story. Set UPDATE_SCRIPTS=1 to accept changed output.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:           filepath.Join("testdata", "script"),
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, "state"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"daemon":  startDaemon,
			"occupy":  occupy,
			"oneline": oneLine,
			"gobuild": goBuild,
		},
	})
}

// startDaemon runs "roster up" with the arguments on any free port, waits until it is
// ready, and sets ROSTER_ADDRESS. The script's end stops it.
func startDaemon(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("daemon cannot be negated")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	cmd := exec.CommandContext(ctx, "roster", append([]string{"up", "--listen", "127.0.0.1:0"}, args...)...)
	cmd.Path = lookPath(ts, "roster")
	cmd.Err = nil
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), "PATH="+ts.Getenv("PATH"), "XDG_STATE_HOME="+ts.Getenv("XDG_STATE_HOME"))
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	var log strings.Builder
	cmd.Stderr = &log
	stdout, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() {
		stop()
		if err := cmd.Wait(); err != nil && ctx.Err() == nil {
			ts.Logf("daemon: %v\n%s", err, log.String())
		}
	})
	first := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(stdout).ReadString('\n')
		first <- line
		_, _ = io.Copy(io.Discard, stdout)
	}()
	const limit = 60 * time.Second
	select {
	case line := <-first:
		url, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
		if !ok {
			ts.Fatalf("the daemon said %q instead of ready:\n%s", line, log.String())
		}
		ts.Setenv("ROSTER_ADDRESS", url)
		ts.Setenv("ROSTER_PID", strconv.Itoa(cmd.Process.Pid))
	case <-time.After(limit):
		ts.Fatalf("the daemon was not ready within %v:\n%s", limit, log.String())
	}
}

func lookPath(ts *testscript.TestScript, program string) string {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if path := filepath.Join(dir, program); isFile(path) {
			return path
		}
	}
	ts.Fatalf("%s is not in PATH", program)
	return ""
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// goBuild builds a program of this repository: gobuild FILE FOLDER.
func goBuild(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: gobuild FILE FOLDER")
	}
	cmd := exec.Command("go", "build", "-o", ts.MkAbs(args[0]), ".")
	cmd.Dir = filepath.Join(repository, args[1])
	if out, err := cmd.CombinedOutput(); err != nil {
		ts.Fatalf("build %s: %v\n%s", args[1], err, out)
	}
}

// occupy listens on a free port until the script ends and sets the variable to it.
func occupy(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: occupy VARIABLE")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { _ = listener.Close() })
	ts.Setenv(args[0], listener.Addr().String())
}

// oneLine checks that an error on standard error is one line without a stack trace.
func oneLine(ts *testscript.TestScript, _ bool, _ []string) {
	var errors []string
	for line := range strings.Lines(ts.ReadFile("stderr")) {
		if strings.HasPrefix(line, "roster: ") {
			errors = append(errors, line)
		} else if !strings.Contains(line, "level=") {
			ts.Fatalf("neither an error nor a log line: %q", line)
		}
	}
	if len(errors) != 1 {
		ts.Fatalf("%d lines of error instead of one:\n%s", len(errors), strings.Join(errors, ""))
	}
}

func TestExitCodesAreDocumented(t *testing.T) {
	t.Parallel()
	for _, code := range []int{exitOK, exitFailure, exitUsage, exitNotFound, exitUnavailable, exitRefused} {
		if !strings.Contains(exitCodesHelp, fmt.Sprintf("\n  %d  ", code)) {
			t.Errorf("exit code %d is not in the help text", code)
		}
	}
}
