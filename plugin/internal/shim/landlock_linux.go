package shim

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Landlock is used through its system calls and for this thread alone, the one that
// becomes the program: to restrict all threads takes the runtime's help, which it
// does not give before main.
//
// The rights are those of the kernel's documentation,
// https://docs.kernel.org/userspace-api/landlock.html.

// Versions of Landlock's interface that brought something.
const (
	landlockRefer    = 2
	landlockTruncate = 3 // without which files can be emptied
	landlockTCP      = 4
	landlockDevices  = 5
	landlockSignals  = 6
)

const (
	rightsToRead = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	rightsOfFile = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE |
		unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	rightsOfOne = unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1 // all of the first version
)

// What every program may read and run, and what it may change.
var (
	systemPaths = []string{
		"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64",
		"/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/alternatives", "/etc/python3",
		"/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/localtime", "/etc/timezone", "/etc/resolv.conf", "/etc/hosts",
		"/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols", "/etc/mime.types", "/etc/passwd", "/etc/group",
		"/proc/self", "/proc/meminfo", "/proc/cpuinfo", "/proc/stat", "/proc/version", "/proc/sys/kernel/osrelease",
		"/proc/sys/vm/overcommit_memory", "/proc/sys/net/core/somaxconn",
		"/sys/devices/system/cpu", "/sys/kernel/mm/transparent_hugepage", "/dev/random", "/dev/urandom",
	}
	systemDevices = []string{"/dev/null", "/dev/zero", "/dev/full"}
)

// landlockVersion is that of the kernel, 0 if it has none.
func landlockVersion() int {
	version, _, errno := unix.RawSyscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(version)
}

// missing is what an older kernel does not know.
func missing(version, wanted int) string {
	if version == 0 {
		return "this kernel has no Landlock, or it is not enabled"
	}
	return fmt.Sprintf("this kernel has version %d of Landlock, %d is needed", version, wanted)
}

// landlock restricts files and signals. Each has a ruleset of its own, so that one
// that this kernel does not know leaves the other alone.
func (s *Spec) landlock() []Control {
	version := landlockVersion()
	return []Control{s.landlockFiles(version), s.landlockSignals(version)}
}

func (s *Spec) landlockFiles(version int) Control {
	const wanted = "read and write what is listed"
	switch {
	case !s.Files:
		return Control{Name: Files, State: NotRequested}
	case version == 0:
		return Control{Files, wanted, Unavailable, missing(version, landlockTruncate)}
	}
	rights := uint64(rightsOfOne)
	for since, right := range map[int]uint64{
		landlockRefer: unix.LANDLOCK_ACCESS_FS_REFER, landlockTruncate: unix.LANDLOCK_ACCESS_FS_TRUNCATE,
		landlockDevices: unix.LANDLOCK_ACCESS_FS_IOCTL_DEV,
	} {
		if version >= since {
			rights |= right
		}
	}
	set, err := newRuleset(unix.LandlockRulesetAttr{Handled_access_fs: rights})
	if err != nil {
		return control(Files, wanted, err)
	}
	set.rights = rights
	set.paths(rightsToRead, true, systemPaths...)
	set.paths(rightsOfFile, true, systemDevices...)
	set.paths(rightsToRead, false, fmt.Sprintf("/proc/self/fd/%d", ProgramFD))
	set.paths(rightsToRead, false, s.Read...)
	set.paths(rights, false, append([]string{s.Sockets}, s.Write...)...)
	c := control(Files, wanted, set.restrict())
	if c.State == Enforced && version < landlockTruncate {
		c.State, c.Detail = Degraded, missing(version, landlockTruncate)+": files can be emptied"
	}
	return c
}

func (s *Spec) landlockSignals(version int) Control {
	const wanted = "none to other processes"
	switch {
	case !s.Signals:
		return Control{Name: Signals, State: NotRequested}
	case version >= landlockSignals:
		set, err := newRuleset(unix.LandlockRulesetAttr{
			Scoped: unix.LANDLOCK_SCOPE_SIGNAL | unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET,
		})
		if err == nil {
			err = set.restrict()
		}
		return control(Signals, wanted, err)
	case s.given(Namespaces):
		return Control{Signals, wanted, Enforced, "by the process namespace"}
	default:
		return Control{Signals, wanted, Unavailable, missing(version, landlockSignals)}
	}
}

func (s *Spec) given(name string) bool {
	for _, c := range s.Given {
		if c.Name == name {
			return c.State == Enforced
		}
	}
	return false
}

// landlockPorts lets TCP connect to some ports only, and listen on none.
func (s *Spec) landlockPorts() error {
	version := landlockVersion()
	if version < landlockTCP {
		return errors.New(missing(version, landlockTCP))
	}
	set, err := newRuleset(unix.LandlockRulesetAttr{
		Handled_access_net: unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP,
	})
	if err != nil {
		return err
	}
	for _, port := range s.Ports {
		set.port(port)
	}
	return set.restrict()
}

// A ruleset is a set of rules in the making. The first error stays.
type ruleset struct {
	fd     int
	rights uint64 // to files that are handled
	err    error
}

func newRuleset(attr unix.LandlockRulesetAttr) (*ruleset, error) {
	fd, _, errno := unix.RawSyscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0) //nolint:gosec // the kernel reads it
	if errno != 0 {
		return nil, fmt.Errorf("Landlock: a ruleset: %w", errno) //nolint:staticcheck // a name
	}
	return &ruleset{fd: int(fd)}, nil
}

// paths grants rights to files and to all below folders.
func (r *ruleset) paths(rights uint64, mayBeMissing bool, paths ...string) {
	for _, path := range paths {
		if r.err != nil {
			return
		}
		fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
		if errors.Is(err, unix.ENOENT) && mayBeMissing {
			continue
		}
		if err != nil {
			r.err = &os.PathError{Op: "open", Path: path, Err: err}
			return
		}
		r.err = r.path(fd, path, rights)
		_ = unix.Close(fd)
	}
}

func (r *ruleset) path(fd int, path string, rights uint64) error {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return &os.PathError{Op: "stat", Path: path, Err: err}
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= rightsOfFile
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: rights & r.rights, Parent_fd: int32(fd)}
	_, _, errno := unix.RawSyscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(r.fd), unix.LANDLOCK_RULE_PATH_BENEATH,
		uintptr(unsafe.Pointer(&rule)), 0, 0, 0) //nolint:gosec // the kernel reads it
	if errno != 0 {
		return &os.PathError{Op: "Landlock: a rule for", Path: path, Err: errno}
	}
	return nil
}

// port grants connections to a TCP port.
func (r *ruleset) port(port uint16) {
	if r.err != nil {
		return
	}
	rule := struct{ access, port uint64 }{unix.LANDLOCK_ACCESS_NET_CONNECT_TCP, uint64(port)}
	const netPort = 2 // LANDLOCK_RULE_NET_PORT
	_, _, errno := unix.RawSyscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(r.fd), netPort,
		uintptr(unsafe.Pointer(&rule)), 0, 0, 0) //nolint:gosec // the kernel reads it
	if errno != 0 {
		r.err = fmt.Errorf("Landlock: a rule for port %d: %w", port, errno) //nolint:staticcheck // a name
	}
}

// restrict holds this thread to the rules, for good.
func (r *ruleset) restrict() error {
	defer func() { _ = unix.Close(r.fd) }()
	if r.err != nil {
		return r.err
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(r.fd), 0, 0); errno != 0 {
		return fmt.Errorf("Landlock: %w", errno) //nolint:staticcheck // a name
	}
	return nil
}
