package initwatch

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestProgramThatReachesMainIsNotAccused(t *testing.T) {
	for _, tt := range []struct{ setting, lasts string }{{"20ms", "1s"}, {"50ms", "1s"}, {"off", "0s"}} {
		cmd := exec.CommandContext(t.Context(), program(t, "slowmain"), tt.lasts)
		cmd.Env = append(os.Environ(), variable+"="+tt.setting)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 3 || string(out) != "main was here 1000\n" {
			t.Errorf("%s: %v\n%s", tt.setting, err, out)
		}
	}
}

func TestOffIsOff(t *testing.T) {
	for setting, want := range map[string]time.Duration{
		"": defaultPatience, "off": 0, "0": 0, "2s": 2 * time.Second, "-1s": defaultPatience, "soon": defaultPatience,
	} {
		got, on := patienceOf(setting)
		if got != want || on != (want > 0) {
			t.Errorf("%q: %v, %v; want %v", setting, got, on, want)
		}
	}
}

// TestNothingThatInitialisesLate keeps the promise of an early start: what this package needs
// is only what package time needs anyway.
func TestNothingThatInitialisesLate(t *testing.T) {
	deps := func(pkg string) map[string]bool {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", pkg).Output()
		if err != nil {
			t.Fatal(err)
		}
		set := make(map[string]bool)
		for dep := range strings.FieldsSeq(string(out)) {
			set[dep] = true
		}
		return set
	}
	allowed := deps("time")
	for dep := range deps(".") {
		if !allowed[dep] && !strings.Contains(dep, "/initwatch") {
			t.Errorf("it needs %s, which package time does not", dep)
		}
	}
}

// TestStartsBeforeOS asks the runtime for the order.
func TestStartsBeforeOS(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), program(t, "slowmain"))
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1", variable+"=off")
	out, _ := cmd.CombinedOutput() // slowmain exits with 3
	mine := bytes.Index(out, []byte("init github.com/roster-go/roster/initwatch @"))
	for _, late := range []string{"init internal/poll @", "init os @", "init net @"} {
		if at := bytes.Index(out, []byte(late)); mine < 0 || at < mine {
			t.Errorf("initwatch at %d is not before %q at %d:\n%s", mine, late, at, out)
		}
	}
}
