//go:build !linux

package plugin

import (
	"os/exec"
	"runtime"
	"strings"

	"github.com/roster-go/roster/plugin/internal/shim"
)

// A confinement is a sandbox that this system cannot give.
type confinement struct {
	sandbox Sandbox
	cmd     *exec.Cmd
}

// refusedSandbox is the error of a strict sandbox here.
type refusedSandbox struct{ missing []string }

func (e *refusedSandbox) Error() string {
	return "not enforced on " + runtime.GOOS + ": " + strings.Join(e.missing, ", ")
}

func confine(cmd *exec.Cmd, _ Descriptor, _ *executable, _ string, s Sandbox) (*confinement, error) {
	c := &confinement{sandbox: s, cmd: cmd}
	if !s.Strict {
		return c, nil
	}
	e := &refusedSandbox{}
	list, _ := c.outcome()
	for _, control := range list {
		if control.State == Unavailable || control.State == Degraded {
			e.missing = append(e.missing, control.Name)
		}
	}
	return nil, e
}

func (c *confinement) start(start func(*exec.Cmd) error) error { return start(c.cmd) }
func (c *confinement) begin(int)                               {}
func (c *confinement) close()                                  {}
func (c *confinement) ended() string                           { return "" }

func (c *confinement) outcome() (list []Control, refused string) {
	s := c.sandbox
	wanted := map[string]bool{
		shim.User: s.User != "", shim.Memory: s.Memory > 0, shim.Processes: s.Processes > 0, shim.CPUs: s.CPUs > 0,
		shim.Namespaces: s.Namespaces, shim.OpenFiles: s.OpenFiles > 0, shim.FileSize: s.FileSize > 0, shim.Files: s.Files,
		shim.Signals: s.Namespaces || s.Syscalls, shim.NetworkControl: s.Network != NetworkAny, shim.Syscalls: s.Syscalls,
	}
	list = unconfined()
	for i := range list {
		if wanted[list[i].Name] {
			list[i].Wanted, list[i].State, list[i].Detail = "yes", Unavailable, "there is no such thing on "+runtime.GOOS
		}
	}
	return list, ""
}

// unconfined are the controls of a process on this system.
func unconfined() []Control {
	list := []Control{
		{Name: shim.ProcessGroup, Wanted: "ended as a whole", State: Enforced},
		{Name: shim.DiesWithHost, Wanted: "by its standard input", State: Degraded, Detail: "a plugin that does not read it lives on"},
	}
	return append(list, notRequested()...)
}
