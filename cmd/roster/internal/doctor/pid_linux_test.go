package doctor_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/roster-go/roster/cmd/roster/internal/doctor"
	"github.com/roster-go/roster/initwatch/hang"
)

// start runs a program until the test ends, with a watchdog that is patient: its timer keeps the runtime
// from ending a deadlock, so that it can be looked at.
func start(t *testing.T, stderr *os.File, program string, args ...string) int {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "ROSTER_INITWATCH=1h", "TMPDIR="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if stderr != nil {
		cmd.Stderr = stderr
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it may have ended
		_ = cmd.Wait()
	})
	return cmd.Process.Pid
}

// lookUntil looks at a process until the report is as it should be, or time is up.
func lookUntil(t *testing.T, pid int, kill bool, right func(doctor.Report) bool) doctor.Report {
	t.Helper()
	const limit = time.Minute
	for deadline := time.Now().Add(limit); ; {
		report, err := doctor.Look(t.Context(), doctor.LookOptions{PID: pid, Patience: 300 * time.Millisecond, Kill: kill})
		if err != nil {
			t.Fatal(err)
		}
		if right(report) || time.Now().After(deadline) {
			return report
		}
	}
}

// state is the letter that Linux has for what a process does.
func state(t *testing.T, pid int) string {
	t.Helper()
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return rest[:1]
}

func hangsAs(cause string) func(doctor.Report) bool {
	return func(r doctor.Report) bool { return r.Hang != nil && string(r.Hang.Cause) == cause }
}

// TestLiveViewTellsTheSame and leaves the program running.
func TestLiveViewTellsTheSame(t *testing.T) {
	t.Parallel()
	folder := build(t, "-tags=watch")
	for _, s := range scenarios(t) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			pid := start(t, nil, filepath.Join(folder, s.name))
			report := lookUntil(t, pid, false, hangsAs(s.cause))
			s.check(t, report.Hang)
			if report.Verdict != doctor.Hangs || !slices.Equal(report.Ways, []string{"live"}) || len(report.Missing) > 0 {
				t.Errorf("%s by %v, missing %q", report.Verdict, report.Ways, report.Missing)
			}
			if s := state(t, pid); s != "S" && s != "R" && s != "D" {
				t.Errorf("the program is left in state %s", s)
			}
		})
	}
}

func TestLiveViewOfAPositionIndependentProgram(t *testing.T) {
	t.Parallel()
	some := []string{"retry", "spin", "tcpread", "flock", "cgocall"}
	folder := build(t, "-buildmode=pie -tags=watch", some...)
	for _, s := range scenarios(t) {
		if slices.Contains(some, s.name) {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				report := lookUntil(t, start(t, nil, filepath.Join(folder, s.name)), false, hangsAs(s.cause))
				s.check(t, report.Hang)
			})
		}
	}
}

// TestLiveViewWithoutDebugInformation still knows the package, the init, and what the kernel knows.
func TestLiveViewWithoutDebugInformation(t *testing.T) {
	t.Parallel()
	folder := build(t, "-ldflags=-w -tags=watch", "flock", "spin", "swallow")
	for name, cause := range map[string]hang.Cause{"flock": hang.FileLock, "spin": hang.Spin, "swallow": hang.Other} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := lookUntil(t, start(t, nil, filepath.Join(folder, name)), false, hangsAs(string(cause)))
			h := report.Hang
			if h == nil || !strings.HasSuffix(h.Package, "/"+name+"/dep") || h.Cause != cause || !strings.HasPrefix(h.Function, "init") {
				t.Fatalf("%+v", h)
			}
			if len(report.Missing) == 0 || !strings.Contains(report.Missing[0], "-ldflags=-w") {
				t.Errorf("missing %q", report.Missing)
			}
		})
	}
}

// TestProcessIsEndedOnlyWhenToldTo: without symbols nothing but a dump tells, and that ends the program.
func TestProcessIsEndedOnlyWhenToldTo(t *testing.T) {
	t.Parallel()
	some := []string{"fifo", "httpget", "once", "retry", "swallow"}
	folder := build(t, "-ldflags=-s -trimpath", some...)
	for _, s := range scenarios(t) {
		if s.name != "retry" && s.name != "swallow" {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			stderr, err := os.Create(filepath.Join(t.TempDir(), "log"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := stderr.WriteString("goroutine 1 [sleep]:\nmain.init.0()\n\told.go:1\n\n"); err != nil {
				t.Fatal(err)
			}
			pid := start(t, stderr, filepath.Join(folder, s.name))
			until(t, func() bool { return waitsInGo(pid) })
			report := lookUntil(t, pid, false, func(doctor.Report) bool { return true })
			all := strings.Join(report.Missing, "\n")
			if report.Verdict != doctor.Unknown || !strings.Contains(all, "-ldflags=-s") || !strings.Contains(all, "--kill") || state(t, pid) == "Z" {
				t.Fatalf("%+v", report)
			}
			report = lookUntil(t, pid, true, func(doctor.Report) bool { return true })
			s.at = strings.Replace(s.at, repository, "github.com/roster-go/roster", 1)
			s.waits = strings.Replace(s.waits, repository, "github.com/roster-go/roster", 1)
			s.check(t, report.Hang)
			if !slices.Equal(report.Ways, []string{"dump"}) || state(t, pid) != "Z" {
				t.Errorf("by %v, in state %s", report.Ways, state(t, pid))
			}
		})
	}
	t.Run("unreadable", func(t *testing.T) {
		t.Parallel()
		pid := start(t, nil, filepath.Join(folder, "retry"))
		var refused *doctor.NoReadError
		_, err := doctor.Look(t.Context(), doctor.LookOptions{PID: pid, Patience: time.Millisecond, Kill: true})
		if !errors.As(err, &refused) || refused.Stderr != os.DevNull || state(t, pid) == "Z" {
			t.Errorf("%v; state %s", err, state(t, pid))
		}
	})
}

// waitsInGo reports whether the main thread of a process sleeps, as it does once its init does.
func waitsInGo(pid int) bool {
	call, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/syscall")
	children, _ := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/task")
	const threads = 3
	return err == nil && strings.HasPrefix(string(call), strconv.Itoa(syscall.SYS_FUTEX)+" ") && len(children) >= threads
}

func until(t *testing.T, done func() bool) {
	t.Helper()
	const limit = time.Minute
	for deadline := time.Now().Add(limit); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v", limit)
		}
	}
}

func TestProcessThatReachedMainIsNotAccused(t *testing.T) {
	t.Parallel()
	pid := start(t, nil, filepath.Join(build(t, "-tags=watch"), "slowmain"), "1h")
	report := lookUntil(t, pid, false, func(r doctor.Report) bool { return r.Verdict == doctor.Reached })
	if report.Verdict != doctor.Reached || report.Hang != nil {
		t.Errorf("%+v", report)
	}
}

func TestProcessThatIsNotThere(t *testing.T) {
	t.Parallel()
	const none = 1 << 22
	if _, err := doctor.Look(t.Context(), doctor.LookOptions{PID: none, Patience: time.Second}); err == nil || !strings.Contains(err.Error(), strconv.Itoa(none)) {
		t.Errorf("%v", err)
	}
}
