package doctor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
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

	"github.com/roster-go/roster/cmd/roster/internal/doctor"
	"github.com/roster-go/roster/initwatch/hang"
)

// patienceVariable has the test's own binary be a doctor: one that runs programs is a process of its own.
const patienceVariable = "DOCTOR_TEST_PATIENCE"

// tracerVariable is in the environment of everything that a program of a test starts.
const tracerVariable = "DOCTOR_TEST_RUN"

// scratch is the folder of the programs.
var scratch string

func TestMain(m *testing.M) {
	if setting := os.Getenv(patienceVariable); setting != "" {
		os.Exit(beDoctor(setting))
	}
	var err error
	if scratch, err = os.MkdirTemp("", "doctor"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(scratch)
	os.Exit(code)
}

func beDoctor(setting string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	patience, err := time.ParseDuration(setting)
	if err == nil {
		var report doctor.Report
		report, err = doctor.Run(ctx, doctor.Options{
			Command: os.Args[1:], Patience: patience, Stdin: os.Stdin, Stdout: os.Stderr, Stderr: os.Stderr,
		})
		if err == nil {
			err = json.NewEncoder(os.Stdout).Encode(report)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// examine has a doctor run a program, and checks that nothing of it is left.
func examine(t *testing.T, patience string, command ...string) (report doctor.Report, stderr string) {
	t.Helper()
	const limit = 2 * time.Minute
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], command...)
	tracer := tracerVariable + "=" + t.Name() + strconv.FormatInt(time.Now().UnixNano(), 10)
	cmd.Env = append(os.Environ(), patienceVariable+"="+patience, tracer, "TMPDIR="+t.TempDir())
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v\n%s", command, err, errs.String())
	}
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, pid := range having(t, tracer) {
		t.Errorf("process %s is left", pid)
	}
	return report, errs.String()
}

// having lists the processes whose environment has the setting.
func having(t *testing.T, setting string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil || len(files) == 0 {
		t.Fatalf("no processes: %v", err)
	}
	var pids []string
	for _, file := range files {
		env, err := os.ReadFile(file)
		if err == nil && bytes.Contains(env, []byte(setting+"\x00")) {
			pids = append(pids, file)
		}
	}
	return pids
}

// check compares a hang with what the source says.
func (s scenario) check(t *testing.T, got *doctor.Hang) {
	t.Helper()
	if got == nil {
		t.Fatal("no hang was found")
	}
	if got.Package != s.pkg || got.Function != s.function || string(got.Cause) != s.cause {
		t.Errorf("got %s %s %q, want %s %s %q; %+v", got.Package, got.Function, got.Cause, s.pkg, s.function, s.cause, *got)
	}
	if at := got.File + ":" + strconv.Itoa(got.Line); at != s.at {
		t.Errorf("in the init at %s, want %s", at, s.at)
	}
	if len(got.Chain) == 0 {
		t.Fatal("no calls")
	}
	if at := got.Chain[0].At(); at != s.waits {
		t.Errorf("waits at %s, want %s; calls %v", at, s.waits, got.Chain)
	}
	for _, f := range got.Chain {
		if f.Standard() {
			t.Errorf("%s is not of the user's code", f.Function)
		}
	}
	if got.Means == "" || got.Cure == "" || got.Cause == hang.Other {
		t.Errorf("means %q, cure %q", got.Means, got.Cure)
	}
}

func TestInitThatHangsIsExplained(t *testing.T) {
	t.Parallel()
	folder := build(t, "")
	for _, s := range scenarios(t) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			report, stderr := examine(t, "500ms", filepath.Join(folder, s.name))
			if report.Verdict != doctor.Hangs {
				t.Fatalf("%+v\n%s", report, stderr)
			}
			s.check(t, report.Hang)
			if want := details[s.name]; want != "" && !regexp.MustCompile(want).MatchString(strings.Join(report.Hang.Details, "\n")) {
				t.Errorf("details %q, want %s", report.Hang.Details, want)
			}
		})
	}
}

// details are what Linux knows of some of the hangs.
var details = map[string]string{
	"blackhole": `^connecting to 127\.0\.0\.1:\d+ over tcp \(descriptor \d+\)$`,
	"cgocall":   `^the main thread is in the system call `,
	"child":     `^process \d+: sleep 3600$`,
	"dns":       `^asking 127\.0\.0\.1:\d+ over udp`,
	"fifo":      `^opens /.*/events\.fifo$`,
	"flock":     `^the file is /.*/hang\.lock \(descriptor \d+\)\nthe lock is held by the process itself, through another descriptor$`,
	"httpget":   `^connected to 127\.0\.0\.1:\d+ over tcp`,
	"pipe":      `^read of pipe:\[\d+\] \(descriptor \d+\)$`,
	"tcpread":   `^connected to 127\.0\.0\.1:\d+ over tcp`,
}

// TestStrippedProgramIsExplained: without symbols and without paths a dump says as much, but for folders.
func TestStrippedProgramIsExplained(t *testing.T) {
	t.Parallel()
	some := []string{"fifo", "httpget", "once", "retry", "swallow"}
	folder := build(t, "-ldflags=-s -trimpath", some...)
	for _, s := range scenarios(t) {
		if !strings.Contains(strings.Join(some, " "), s.name) {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.at = strings.Replace(s.at, repository, "github.com/roster-go/roster", 1)
			s.waits = strings.Replace(s.waits, repository, "github.com/roster-go/roster", 1)
			report, stderr := examine(t, "500ms", filepath.Join(folder, s.name))
			if report.Verdict != doctor.Hangs {
				t.Fatalf("%+v\n%s", report, stderr)
			}
			s.check(t, report.Hang)
		})
	}
}

// TestHealthyProgramIsNotAccused: neither one whose main is slow nor one that ends by itself.
func TestHealthyProgramIsNotAccused(t *testing.T) {
	t.Parallel()
	program := filepath.Join(build(t, ""), "slowmain")
	for _, tt := range []struct {
		name, patience string
		args           []string
		want           doctor.Verdict
		code           int
	}{
		{"runs", "700ms", []string{"1h"}, doctor.Reached, 0},
		{"ends", "30s", nil, doctor.Ended, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			report, stderr := examine(t, tt.patience, append([]string{program}, tt.args...)...)
			if report.Verdict != tt.want || report.ExitCode != tt.code || report.Hang != nil {
				t.Fatalf("%+v", report)
			}
			if len(report.Inits) == 0 || !strings.HasSuffix(report.Inits[0].Package, "/slowmain/dep") ||
				report.Inits[0].Took < 100*time.Millisecond || report.Inits[0].Allocs < 1000 {
				t.Errorf("the slowest inits: %+v", report.Inits)
			}
			if stderr != "main was here 1000\n" {
				t.Errorf("the program's output became %q", stderr)
			}
		})
	}
}

// TestSlowStartIsNotAccused: all inits together take longer than the patience, each of them less.
func TestSlowStartIsNotAccused(t *testing.T) {
	t.Parallel()
	for _, flags := range []string{"", "-ldflags=-s"} {
		t.Run("flags "+flags, func(t *testing.T) {
			t.Parallel()
			report, stderr := examine(t, "3s", filepath.Join(build(t, flags, "slowinits"), "slowinits"))
			const least = 4 * time.Second
			if report.Verdict != doctor.Reached || report.Hang != nil || report.After < least {
				t.Errorf("%+v\n%s", report, stderr)
			}
			slow := 0
			for _, i := range report.Inits {
				if i.Took >= time.Second && strings.Contains(i.Package, "/slowinits/") {
					slow++
				}
			}
			if slow != 4 {
				t.Errorf("%d slow inits of %+v", slow, report.Inits)
			}
		})
	}
}

// TestInterruptedDoctorLeavesNoOrphan: not even one that has made a session of its own and lost its parent.
func TestInterruptedDoctorLeavesNoOrphan(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0], filepath.Join(build(t, ""), "daemon"))
	tracer := tracerVariable + "=" + t.Name() + strconv.FormatInt(time.Now().UnixNano(), 10)
	cmd.Env = append(os.Environ(), patienceVariable+"=1h", tracer)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	orphan := func() bool {
		for _, file := range having(t, tracer) {
			if line, err := os.ReadFile(filepath.Dir(file) + "/cmdline"); err == nil && strings.HasPrefix(string(line), "sleep\x003601") {
				return true
			}
		}
		return false
	}
	until(t, orphan)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(errs.String(), "terminated") {
		t.Errorf("%v: %s", err, errs.String())
	}
	for _, file := range having(t, tracer) {
		t.Errorf("%s is left", file)
	}
}
