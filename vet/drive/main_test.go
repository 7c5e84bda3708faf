package drive_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// program is roster-vet, built once.
var program string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "roster-vet")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program = filepath.Join(dir, "roster-vet.exe")
	build := exec.Command("go", "build", "-o", program, "../cmd/roster-vet")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		panic(err)
	}
	return m.Run()
}

// rosterVet runs the program that was built.
func rosterVet(t *testing.T, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return command(t, dir, program, args...)
}

func goCommand(t *testing.T, dir string, args ...string) string {
	t.Helper()
	code, out, errs := command(t, dir, "go", args...)
	if code != 0 {
		t.Fatalf("go %s: %s%s", strings.Join(args, " "), out, errs)
	}
	return out
}

func command(t *testing.T, dir, name string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}
