package initwatch

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roster-go/roster/initwatch/hang"
)

// A scenario is a program of testdata/hang, in whose dep "// init.0: channel" stands at the line
// in the init, and "waits" at that of the innermost call.
type scenario struct{ name, pkg, function, cause, at, waits string }

var mark = regexp.MustCompile(`// (?:(init(?:\.\d+)?): ([a-z ]+))?(?:, )?(waits)?$`)

func scenarios(t *testing.T) []scenario {
	t.Helper()
	files, err := filepath.Glob("testdata/hang/*/dep/dep.go")
	if err != nil {
		t.Fatal(err)
	}
	var all []scenario
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(filepath.Dir(filepath.Dir(file)))
		s := scenario{name: name, pkg: "github.com/roster-go/roster/initwatch/testdata/hang/" + name + "/dep"}
		for i, line := range strings.Split(string(source), "\n") {
			at := fmt.Sprintf("%s:%d", filepath.ToSlash(file), i+1)
			m := mark.FindStringSubmatch(line)
			if len(m) == 0 {
				continue
			}
			if m[1] != "" {
				s.function, s.cause, s.at = m[1], m[2], at
			}
			if m[3] != "" {
				s.waits = at
			}
		}
		if s.function != "" && (withC() || !strings.Contains(name, "cgo")) {
			all = append(all, s)
		}
	}
	const least = 24 // and three with C
	if len(all) < least {
		t.Fatalf("%d scenarios, want at least %d", len(all), least)
	}
	return all
}

// programs builds those of testdata/hang with the watchdog in them, once.
var programs = sync.OnceValues(func() (string, error) {
	folder := filepath.Join(scratch, "watched")
	args := []string{"build", "-tags", "watch", "-o", folder + "/"}
	mains, err := filepath.Glob("testdata/hang/*/main.go")
	if err != nil {
		return "", fmt.Errorf("list the programs: %w", err)
	}
	for _, main := range mains {
		if withC() || !strings.Contains(main, "cgo") {
			args = append(args, "./"+filepath.ToSlash(filepath.Dir(main)))
		}
	}
	out, err := exec.Command("go", args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return folder, nil
})

// withC reports whether programs with cgo can be built here.
var withC = sync.OnceValue(func() bool {
	out, err := exec.Command("go", "env", "CGO_ENABLED", "CC").Output()
	enabled, compiler, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	name, _, _ := strings.Cut(compiler, " ")
	_, missing := exec.LookPath(name)
	return err == nil && enabled == "1" && missing == nil
})

// scratch is the folder of what the tests build.
var scratch string

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "initwatch"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(scratch)
	os.Exit(code)
}

func program(t *testing.T, name string) string {
	t.Helper()
	folder, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(folder, name)
}

// TestInitThatHangsIsNamed: each way to hang that roster doctor knows, by the blank import alone.
func TestInitThatHangsIsNamed(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" || runtime.GOOS == "plan9" {
		t.Skip("the programs need named pipes, file locks and signals")
	}
	for _, s := range scenarios(t) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			got := firstReport(t, program(t, s.name))
			kind := "init function"
			if s.function == "init" {
				kind = "variable initialiser"
			}
			cause := hang.Cause(s.cause)
			for _, want := range []string{
				"  package   " + s.pkg + "\n",
				"  in        " + s.function + " (" + kind + ")\n",
				"  waits for " + cause.Means() + " (",
				"  cure      " + cause.Cure() + "\n",
			} {
				if !strings.Contains(got, want) {
					t.Errorf("no %q", want)
				}
			}
			if !regexp.MustCompile(`(?m)^  at        .*/` + s.at + `$`).MatchString(got) {
				t.Errorf("not in the init at %s", s.at)
			}
			_, calls, _ := strings.Cut(got, "calls of your code")
			if lines := strings.Split(calls, "\n"); len(lines) < 3 || !strings.HasSuffix(lines[2], "/"+s.waits) {
				t.Errorf("not waiting at %s", s.waits)
			}
			if t.Failed() {
				t.Log(got)
			}
		})
	}
}

// firstReport runs a program until its watchdog has reported, then ends it and what it started.
func firstReport(t *testing.T, name string) string {
	t.Helper()
	const limit = 2 * time.Minute
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name)
	cmd.Env = append(os.Environ(), variable+"=100ms", "TMPDIR="+t.TempDir())
	leash(cmd)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		text.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), variable) {
			break
		}
	}
	cancel()
	_ = cmd.Wait() // it was ended
	return text.String()
}
