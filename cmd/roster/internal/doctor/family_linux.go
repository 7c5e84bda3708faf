package doctor

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	prSetChildSubreaper = 36
	prGetChildSubreaper = 37
)

// before are the children this process had before it started the program.
var before map[int]bool

// adopt makes this process the one that descendants fall to when their parents end, also those that
// have made a session of their own. The kernel ends the program when this process is killed, or the
// thread, so that is kept.
func adopt() (release func(), err error) {
	runtime.LockOSThread()
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prSetChildSubreaper, 1, 0); errno != 0 {
		runtime.UnlockOSThread()
		return nil, fmt.Errorf("cannot become the reaper of what the program leaves behind: %w", errno)
	}
	before = make(map[int]bool)
	for _, pid := range childrenOf(map[int]bool{os.Getpid(): true}) {
		before[pid] = true
	}
	return func() {
		_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, prSetChildSubreaper, 0, 0) // it succeeded with 1
		runtime.UnlockOSThread()
	}, nil
}

// bind puts the program into a group of its own, and has it end with this process.
func bind(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// sendToMain signals the program's main thread, which runs the inits: its stack can be shown then.
func sendToMain(cmd *exec.Cmd, signal syscall.Signal) {
	pid := uintptr(cmd.Process.Pid)
	_, _, _ = syscall.RawSyscall(syscall.SYS_TGKILL, pid, pid, uintptr(signal)) //nolint:dogsled // it may have ended
}

func killGroup(cmd *exec.Cmd) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it may have ended
	_ = cmd.Process.Kill()                              // it may have left its group
}

// endRest ends the descendants that are left. One that is about to start another may be faster
// than one look, so it looks until there are none.
func endRest() {
	me := map[int]bool{os.Getpid(): true}
	const limit = 5 * time.Second
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		all := childrenOf(me)
		left := false
		for _, pid := range all {
			if before[pid] {
				continue
			}
			left = true
			_ = syscall.Kill(pid, syscall.SIGKILL)               // it may have ended
			_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil) // only our own children can be waited for
		}
		if !left {
			return
		}
	}
}

// childrenOf lists the descendants of roots, parents first.
func childrenOf(roots map[int]bool) []int {
	parents := make(map[int]int)
	entries, _ := os.ReadDir("/proc") // without /proc nobody is found
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if parent, ok := parentOf(pid); ok {
			parents[pid] = parent
		}
	}
	found := make(map[int]bool)
	var list []int
	for more := true; more; {
		more = false
		for pid, parent := range parents {
			if !found[pid] && (roots[parent] || found[parent]) {
				found[pid], more = true, true
				list = append(list, pid)
			}
		}
	}
	return list
}

// parentOf reads the fourth field of /proc/PID/stat, behind a name that may contain anything.
func parentOf(pid int) (int, bool) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, false
	}
	fields := strings.Fields(afterLast(string(stat), ")"))
	const parent = 1
	if len(fields) <= parent {
		return 0, false
	}
	n, err := strconv.Atoi(fields[parent])
	return n, err == nil
}

// afterLast is what follows the last separator, "" if there is none.
func afterLast(s, separator string) string {
	if i := strings.LastIndex(s, separator); i >= 0 {
		return s[i+len(separator):]
	}
	return ""
}
