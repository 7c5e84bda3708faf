package shim

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// dns is the port of name servers. Whoever may ask them needs UDP.
const dns = 53

// prove tries what a control is to prevent. One that does not prevent it is not
// enforced, whatever the kernel said when it was set.
func (s *Spec) prove(c *Control) {
	if c.State != Enforced && c.State != Degraded {
		return
	}
	var leak string
	switch c.Name {
	case NoNewPrivileges:
		if set, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err != nil || set != 1 {
			leak = "the kernel says that it is not set"
		}
	case Files:
		leak = s.leakOfFiles()
	case NetworkControl:
		leak = s.leakOfNetwork()
	case Signals:
		if err := unix.Kill(s.Host, 0); err == nil {
			leak = "a signal to the host is possible"
		}
	case Syscalls:
		leak = leakOfSyscalls()
	}
	if leak != "" {
		c.State, c.Detail = Unavailable, "it was set, but "+leak
	}
}

// leakOfFiles lists the root folder and makes a folder in it, unless it is granted.
func (s *Spec) leakOfFiles() string {
	root := string(filepath.Separator)
	if slices.Contains(s.Write, root) {
		return ""
	}
	probe := fmt.Sprintf("/.roster-probe-%d", os.Getpid())
	if err := unix.Mkdir(probe, 0o700); err == nil {
		_ = unix.Rmdir(probe)
		return "a folder can be made in " + root
	}
	if slices.Contains(s.Read, root) {
		return ""
	}
	fd, err := unix.Open(root, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err == nil {
		_ = unix.Close(fd)
		return root + " can be read"
	}
	return ""
}

func (s *Spec) leakOfNetwork() string {
	if s.Network == NetworkPorts {
		return s.leakOfPorts()
	}
	for _, family := range []int{unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK} {
		fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err == nil {
			_ = unix.Close(fd)
			return fmt.Sprintf("a socket of family %d can be made", family)
		}
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return "" // even less than it needs
	}
	defer func() { _ = unix.Close(fd) }()
	err = unix.Connect(fd, &unix.SockaddrUnix{Name: "/roster-probe"})
	if !errors.Is(err, unix.EPERM) {
		return "sockets in the file system can be connected to"
	}
	return ""
}

func (s *Spec) leakOfPorts() string {
	for _, kind := range []int{unix.IPPROTO_MPTCP, unix.IPPROTO_TCP} {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, kind)
		if err != nil {
			continue
		}
		const discard = 9
		err = unix.Connect(fd, &unix.SockaddrInet4{Port: discard, Addr: [4]byte{127, 0, 0, 1}})
		_ = unix.Close(fd)
		if !slices.Contains(s.Ports, discard) && !errors.Is(err, unix.EACCES) {
			return fmt.Sprintf("port %d is in reach", discard)
		}
	}
	if slices.Contains(s.Ports, dns) {
		return ""
	}
	if fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err == nil {
		_ = unix.Close(fd)
		return "UDP is open"
	}
	return ""
}

func leakOfSyscalls() string {
	if canCall32 && call32() > 0 {
		return "system calls of 32-bit programs go through"
	}
	if err := unix.Unshare(unix.CLONE_NEWUTS); !errors.Is(err, unix.EPERM) {
		return "unshare goes through"
	}
	// Root may not unshare for other reasons; nobody is refused a number that is wrong.
	if _, _, e := unix.RawSyscall(unix.SYS_PTRACE, ^uintptr(0), 0, 0); !errors.Is(e, unix.EPERM) {
		return "ptrace goes through"
	}
	return ""
}
