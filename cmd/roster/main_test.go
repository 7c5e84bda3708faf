package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"roster": main, "httpd": httpd})
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
			env.Setenv("REPOSITORY", repository)
			env.Setenv("GOWORK", "off")
			return setGoCache(env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"daemon":  startDaemon,
			"occupy":  occupy,
			"oneline": oneLine,
			"gobuild": goBuild,
			"free":    free,
			"await":   await,
		},
	})
}

// setGoCache lets scripts that run the go command use the cache of whoever runs the tests.
func setGoCache(env *testscript.Env) error {
	for _, name := range []string{"GOCACHE", "GOMODCACHE"} {
		out, err := exec.CommandContext(context.Background(), "go", "env", name).Output()
		if err != nil {
			return fmt.Errorf("go env %s: %w", name, err)
		}
		env.Setenv(name, strings.TrimSpace(string(out)))
	}
	return nil
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

// free sets a variable to an address that nobody listens on.
func free(ts *testscript.TestScript, _ bool, args []string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], listener.Addr().String())
	ts.Check(listener.Close())
}

// await runs a command until what it prints matches, or with ! does not: await REGEXP COMMAND...
func await(ts *testscript.TestScript, neg bool, args []string) {
	wanted, err := regexp.Compile(`(?m)` + args[0])
	ts.Check(err)
	const limit = 60 * time.Second
	for deadline := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		_ = ts.Exec(args[1], args[2:]...) // what it prints is what counts
		if wanted.MatchString(ts.ReadFile("stdout")) != neg {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("not within %v (negated: %v): %s; it prints\n%s%s", limit, neg, args[0], ts.ReadFile("stdout"), ts.ReadFile("stderr"))
		}
	}
}

// httpd is a program that knows nothing of Roster: httpd ADDRESS. It is sick while a file
// of that name is there, ends with 7 when asked for /exit, and says when it is told to stop.
func httpd() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	server := &http.Server{Addr: os.Args[1], Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/exit" {
			os.Exit(7)
		}
		if isFile("sick") {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})}
	context.AfterFunc(ctx, func() {
		fmt.Println("told to stop")
		_ = server.Shutdown(context.Background())
		stop()
	})
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// oneLine checks that an error on standard error is one line without a stack trace.
func oneLine(ts *testscript.TestScript, _ bool, _ []string) {
	var faults []string
	for line := range strings.Lines(ts.ReadFile("stderr")) {
		if strings.HasPrefix(line, "roster: ") {
			faults = append(faults, line)
		} else if !strings.Contains(line, "level=") {
			ts.Fatalf("neither an error nor a log line: %q", line)
		}
	}
	if len(faults) != 1 {
		ts.Fatalf("%d lines of error instead of one:\n%s", len(faults), strings.Join(faults, ""))
	}
}

func TestExitCodesAreDocumented(t *testing.T) {
	t.Parallel()
	for _, code := range []int{exitOK, exitFailure, exitUsage, exitNotFound, exitUnavailable, exitRefused, exitIncomplete, exitDenied, exitHangs} {
		if !strings.Contains(exitCodesHelp, fmt.Sprintf("\n  %d  ", code)) {
			t.Errorf("exit code %d is not in the help text", code)
		}
	}
}
