package clustertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// The programs, by the names under which go.mod has them as tools.
const (
	memberProgram = "etcdmember"
	ctlProgram    = "etcdctl"
	utlProgram    = "etcdutl"
)

var programs struct {
	once sync.Once
	path map[string]string // by name
	err  error
}

// program builds the programs, once per process, and gives the path of one. They are tools
// of this module, so the go command keeps what it built, and removes it in its time.
func program(tb testing.TB, name string) string {
	tb.Helper()
	programs.once.Do(func() {
		programs.path = make(map[string]string)
		for _, name := range []string{memberProgram, ctlProgram, utlProgram} {
			// -n: build it and say where it is instead of running it
			path, err := output(exec.CommandContext(context.WithoutCancel(tb.Context()), "go", "tool", "-n", name))
			programs.path[name] = strings.TrimSpace(path)
			programs.err = errors.Join(programs.err, err)
		}
	})
	if programs.err != nil {
		tb.Fatal(programs.err)
	}
	return programs.path[name]
}

// output runs a command and gives what it printed. An error has what it complained about.
func output(cmd *exec.Cmd) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s: %w\n%s%s", strings.Join(cmd.Args, " "), err, &stdout, &stderr)
	}
	return stdout.String(), nil
}
