package shim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A host is a program of somebody else's, which cannot be asked to call a function
// first thing in main, and starting it again without that would run it twice.
func init() { //nolint:gochecknoinits // see above
	if len(os.Args) == 1 && os.Args[0] == Name {
		run()
	}
}

// exitRefused is the status of a shim that became nothing.
const exitRefused = 125

func run() {
	runtime.LockOSThread() // what follows is for this thread, which becomes the program
	report := os.NewFile(ReportFD, "report")
	spec, err := readSpec()
	if err != nil {
		fmt.Fprintln(os.Stderr, "plugin sandbox:", err)
		os.Exit(exitRefused) //nolint:forbidigo // there is no main to return to
	}
	r := spec.apply()
	if err := json.NewEncoder(report).Encode(r); err != nil || r.Refused != "" {
		os.Exit(exitRefused) //nolint:forbidigo // as above
	}
	err = spec.become()
	r.Refused = "the program cannot be run: " + err.Error()
	if err := json.NewEncoder(report).Encode(r); err != nil {
		fmt.Fprintln(os.Stderr, "plugin sandbox:", r.Refused)
	}
	os.Exit(exitRefused) //nolint:forbidigo // as above
}

func readSpec() (*Spec, error) {
	for fd := ProgramFD; fd <= ReportFD; fd++ {
		unix.CloseOnExec(fd)
	}
	text, err := io.ReadAll(os.NewFile(SpecFD, "spec"))
	if err != nil {
		return nil, fmt.Errorf("it is not told what to do: %w", err)
	}
	var s Spec
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("it is not told what to do: %w", err)
	}
	return &s, nil
}

// apply locks this thread in, each layer on its own, and proves each.
func (s *Spec) apply() Report {
	r := Report{Controls: s.Given}
	privileges := control(NoNewPrivileges, "set", unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
	r.Controls = append(r.Controls, privileges)
	r.Controls = append(r.Controls, s.limit()...)
	r.Controls = append(r.Controls, s.landlock()...)
	r.Controls = append(r.Controls, s.filter()...)
	for i := range r.Controls {
		s.prove(&r.Controls[i])
	}
	if !s.Strict {
		return r
	}
	var missing []string
	for _, c := range r.Controls {
		if c.State == Degraded || c.State == Unavailable {
			missing = append(missing, fmt.Sprintf("%s (%s: %s)", c.Name, c.State, c.Detail))
		}
	}
	if missing != nil {
		r.Refused = "not enforced: " + strings.Join(missing, ", ")
	}
	return r
}

// control is the outcome of one step.
func control(name, wanted string, err error) Control {
	if err != nil {
		return Control{name, wanted, Unavailable, errorText(err)}
	}
	return Control{name, wanted, Enforced, ""}
}

func errorText(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return text
}

// limit sets the resource limits. A core dump would show the plugin's memory to
// whoever reads files, so there is none.
func (s *Spec) limit() []Control {
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	resources := map[string]int{
		LimitFiles: unix.RLIMIT_NOFILE, LimitProcesses: unix.RLIMIT_NPROC,
		LimitFileSize: unix.RLIMIT_FSIZE, LimitData: unix.RLIMIT_DATA,
	}
	var list []Control
	for _, l := range []struct{ limit, control string }{
		{LimitFiles, OpenFiles}, {LimitFileSize, FileSize}, {LimitProcesses, Processes}, {LimitData, Memory},
	} {
		value, wanted := s.Limits[l.limit]
		if !wanted {
			if l.limit == LimitFiles || l.limit == LimitFileSize { // the host speaks of the others
				list = append(list, Control{Name: l.control, State: NotRequested})
			}
			continue
		}
		c := control(l.control, strconv.FormatUint(value, 10), unix.Setrlimit(resources[l.limit], &unix.Rlimit{Cur: value, Max: value}))
		switch {
		case c.State != Enforced:
		case l.limit == LimitProcesses && os.Getuid() == 0:
			c.State, c.Detail = Unavailable, "there is no cgroup for it, and the kernel does not hold root to the limit"
		case l.limit == LimitProcesses:
			c.State, c.Detail = Degraded, "there is no cgroup for it: all processes of the user are counted"
		case l.limit == LimitData:
			c.State, c.Detail = Degraded, "there is no cgroup for it: private writable mappings are limited, not memory in use"
		}
		list = append(list, c)
	}
	return list
}

// become turns this process into the program.
func (s *Spec) become() error {
	if s.Path != "" {
		return syscall.Exec(s.Path, s.Args, os.Environ()) //nolint:wrapcheck // the caller says what it is
	}
	path, err := unix.BytePtrFromString("")
	argv, err2 := syscall.SlicePtrFromStrings(s.Args)
	envv, err3 := syscall.SlicePtrFromStrings(os.Environ())
	if err := errors.Join(err, err2, err3); err != nil {
		return err
	}
	_, _, errno := unix.RawSyscall6(unix.SYS_EXECVEAT, ProgramFD, uintptr(unsafe.Pointer(path)), //nolint:gosec // as syscall.Exec does
		uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&envv[0])), unix.AT_EMPTY_PATH, 0) //nolint:gosec // as above
	return errno //nolint:wrapcheck // as above
}
