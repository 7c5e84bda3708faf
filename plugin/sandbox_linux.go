package plugin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/roster-go/roster/plugin/internal/shim"
)

// A confinement is the sandbox of one process on its way: the host's part of it, and
// the pipes to the shim, which does the rest.
type confinement struct {
	sandbox Sandbox
	spec    shim.Spec
	cmd     *exec.Cmd
	group   *cgroup // nil if none is wanted, or none is to be had
	given   []shim.Control

	specWriter, reportReader *os.File
	theirs                   []*os.File // the shim's ends
	reported                 chan struct{}
	report                   shim.Report // set before reported is closed
}

// confine prepares a command to run as the shim. It needs to be closed.
func confine(cmd *exec.Cmd, d Descriptor, exe *executable, socketDir string, s Sandbox) (*confinement, error) {
	c := &confinement{sandbox: s, spec: s.spec(d), cmd: cmd, reported: make(chan struct{})}
	c.spec.Args, c.spec.Sockets = cmd.Args, socketDir
	if exe.script { // its interpreter opens it once more
		c.spec.Path, c.spec.Read = exe.path, append(c.spec.Read, exe.path)
	}
	specReader, specWriter, err := os.Pipe()
	reportReader, reportWriter, err2 := os.Pipe()
	c.specWriter, c.reportReader, c.theirs = specWriter, reportReader, []*os.File{specReader, reportWriter}
	if err := errors.Join(err, err2); err != nil {
		c.close()
		return nil, fmt.Errorf("pipe: %w", err)
	}
	cmd.Path, cmd.Args = "/proc/self/exe", []string{shim.Name}
	cmd.ExtraFiles = []*os.File{exe.file, specReader, reportWriter}
	if s.Files {
		cmd.Env = append(cmd.Env, "TMPDIR="+socketDir)
	}
	c.want(c.runAs(socketDir))
	c.limitByGroup(d)
	return c, nil
}

func (c *confinement) want(control shim.Control) { c.given = append(c.given, control) }

// runAs makes the command run as the user that is wanted.
func (c *confinement) runAs(socketDir string) shim.Control {
	name := c.sandbox.User
	control := shim.Control{Name: shim.User, Wanted: name, State: shim.Unavailable}
	if name == "" {
		return shim.Control{Name: shim.User, State: shim.NotRequested}
	}
	account, err := user.Lookup(name)
	if err != nil {
		account, err = user.LookupId(name)
	}
	uid, err2 := strconv.ParseUint(name, 10, 32)
	gid := uid
	switch {
	case err == nil:
		uid, err = strconv.ParseUint(account.Uid, 10, 32)
		gid, err2 = strconv.ParseUint(account.Gid, 10, 32)
		if err := errors.Join(err, err2); err != nil {
			control.Detail = err.Error()
			return control
		}
	case err2 != nil:
		control.Detail = fmt.Sprintf("there is no user %q", name)
		return control
	}
	if os.Geteuid() != 0 {
		control.Detail = "the host does not run as root"
		if uint64(os.Geteuid()) == uid {
			control.State, control.Detail = shim.Enforced, "the host runs as that user"
		}
		return control
	}
	if err := os.Chown(socketDir, int(uid), int(gid)); err != nil {
		control.Detail = osFault("folder for sockets", err)
		return control
	}
	if err := os.Chmod(filepath.Dir(socketDir), 0o711); err != nil { //nolint:gosec // the user must pass through it, and can list nothing
		control.Detail = osFault("folder for sockets", err)
		return control
	}
	c.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	control.State = shim.Enforced
	if uid == 0 {
		control.State, control.Detail = shim.Degraded, "that user is root"
	}
	return control
}

// unshare makes the command start in namespaces of its own.
func (c *confinement) unshare() {
	attr := c.cmd.SysProcAttr
	attr.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC
	if c.sandbox.Network == NetworkNone {
		attr.Cloneflags |= syscall.CLONE_NEWNET
	}
	uid, gid := os.Geteuid(), os.Getegid()
	if attr.Credential != nil {
		uid, gid = int(attr.Credential.Uid), int(attr.Credential.Gid)
	}
	attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
	attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
	attr.GidMappingsEnableSetgroups = os.Geteuid() == 0
}

// start starts the shim: in namespaces if that is wanted and possible, else without.
func (c *confinement) start(start func(*exec.Cmd) error) error {
	defer c.closeTheirs()
	const wanted = "processes, users, IPC"
	if !c.sandbox.Namespaces {
		c.want(shim.Control{Name: shim.Namespaces, State: shim.NotRequested})
		return start(c.cmd)
	}
	bare := *c.cmd
	attr := *c.cmd.SysProcAttr
	bare.SysProcAttr = &attr
	c.unshare()
	err := start(c.cmd)
	if err == nil {
		c.want(shim.Control{Name: shim.Namespaces, Wanted: wanted, State: shim.Enforced})
		return nil
	}
	if !errors.Is(err, syscall.EPERM) && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EUSERS) {
		return err
	}
	*c.cmd = bare
	c.want(shim.Control{Name: shim.Namespaces, Wanted: wanted, State: shim.Unavailable, Detail: osFault("the kernel refuses them", err)})
	return start(c.cmd)
}

// limitByGroup makes a cgroup for the limits that take one, and asks the shim for what
// comes next to it where there is none.
func (c *confinement) limitByGroup(d Descriptor) {
	s := c.sandbox
	if s.Memory == 0 && s.Processes == 0 && s.CPUs == 0 {
		for _, name := range []string{shim.Memory, shim.Processes, shim.CPUs} {
			c.want(shim.Control{Name: name, State: shim.NotRequested})
		}
		return
	}
	c.group = newCgroup(d.Name)
	// limit reports whether the group cannot hold the plugin to a limit that is wanted.
	limit := func(name, wanted string, asked bool, set func() error) (missing bool) {
		if !asked {
			c.want(shim.Control{Name: name, State: shim.NotRequested})
			return false
		}
		err := set()
		if err == nil {
			c.want(shim.Control{Name: name, Wanted: wanted, State: shim.Enforced})
		} else if name == shim.CPUs { // there is nothing next to it
			c.want(shim.Control{Name: name, Wanted: wanted, State: shim.Unavailable, Detail: oneLine(err.Error())})
		}
		return err != nil
	}
	if limit(shim.Memory, fmt.Sprintf("%d bytes", s.Memory), s.Memory > 0, func() error { return c.group.memory(s.Memory) }) {
		c.spec.Limits[shim.LimitData] = s.Memory
	}
	if limit(shim.Processes, strconv.FormatUint(s.Processes, 10), s.Processes > 0, func() error { return c.group.processes(s.Processes) }) {
		c.spec.Limits[shim.LimitProcesses] = s.Processes
	}
	limit(shim.CPUs, strconv.FormatFloat(s.CPUs, 'g', -1, 64), s.CPUs > 0, func() error { return c.group.cpus(s.CPUs) })
}

// begin puts the started shim into its cgroup and tells it what to do. The report
// follows on its own.
func (c *confinement) begin(pid int) {
	if err := c.group.add(pid); err != nil {
		for i := range c.given {
			if g := &c.given[i]; g.State == shim.Enforced && (g.Name == shim.Memory || g.Name == shim.Processes || g.Name == shim.CPUs) {
				g.State, g.Detail = shim.Unavailable, oneLine(err.Error())
			}
		}
	}
	c.spec.Given = append([]shim.Control{
		{Name: shim.ProcessGroup, Wanted: "ended as a whole", State: shim.Enforced},
		{Name: shim.DiesWithHost, Wanted: "by the kernel", State: shim.Enforced},
	}, c.given...)
	go func() {
		defer close(c.reported)
		_ = json.NewEncoder(c.specWriter).Encode(c.spec) //nolint:errchkjson // a shim that is gone reports nothing
		_ = c.specWriter.Close()
		const limit = 1 << 20
		decoder := json.NewDecoder(io.LimitReader(c.reportReader, limit))
		for { // a second report says that the program could not be run
			var r shim.Report
			if decoder.Decode(&r) != nil {
				break
			}
			c.report = r
		}
		_ = c.reportReader.Close()
	}()
}

func (c *confinement) closeTheirs() {
	for _, f := range c.theirs {
		_ = f.Close()
	}
	c.theirs = nil
}

// close is for a confinement whose process did not start.
func (c *confinement) close() {
	c.closeTheirs()
	_ = c.specWriter.Close()
	_ = c.reportReader.Close()
	c.group.remove()
}

// ended clears up behind the process, and says if it was ended for want of memory.
func (c *confinement) ended() (note string) {
	<-c.reported
	if c.group.oomKills() > 0 {
		note = fmt.Sprintf(", out of memory: its limit is %d bytes", c.sandbox.Memory)
	}
	c.group.remove()
	return note
}

// outcome is what came of the sandbox, and why the program was not run if it was not.
func (c *confinement) outcome() (list []Control, refused string) {
	timer := time.NewTimer(killGrace)
	defer timer.Stop()
	select {
	case <-c.reported:
	case <-timer.C:
		return nil, "its report did not come"
	}
	refused = c.report.Refused
	if c.report.Controls == nil {
		refused = "the process that sets it up ended before it could report"
	}
	return controls(c.report.Controls), strings.TrimSpace(refused)
}

// unconfined are the controls of a process without a sandbox.
func unconfined() []Control {
	list := []Control{
		{Name: shim.ProcessGroup, Wanted: "ended as a whole", State: Enforced},
		{Name: shim.DiesWithHost, Wanted: "by the kernel", State: Enforced},
	}
	return append(list, notRequested()...)
}
