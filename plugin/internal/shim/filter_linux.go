//go:build linux && (amd64 || arm64)

package shim

import (
	"fmt"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// dangerous are system calls that no plugin needs: they change what other processes
// see, look into them, load code into the kernel, or go round the other layers.
// io_uring is among them because it connects without the system call connect.
var dangerous = append([]uint32{
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_KCMP, unix.SYS_PIDFD_GETFD,
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_TREE,
	unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR,
	unix.SYS_SETNS, unix.SYS_UNSHARE,
	unix.SYS_KEXEC_LOAD, unix.SYS_KEXEC_FILE_LOAD, unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE,
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_KEYCTL,
	unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
	unix.SYS_REBOOT, unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_ACCT, unix.SYS_QUOTACTL, unix.SYS_SYSLOG, unix.SYS_VHANGUP,
	unix.SYS_NAME_TO_HANDLE_AT, unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_LOOKUP_DCOOKIE,
	unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_CLOCK_ADJTIME, unix.SYS_ADJTIMEX,
	unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME,
}, dangerousHere...)

// Offsets in the kernel's struct seccomp_data. Arguments have 64 bits, of which the
// low half comes first on these architectures.
const (
	offsetNumber       = 0
	offsetArchitecture = 4
	offsetArguments    = 16
)

// newSpaces are the flags of clone that make namespaces.
const newSpaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC |
	unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET

// filter installs the filter of system calls, for the network and for what is
// dangerous.
func (s *Spec) filter() []Control {
	network := s.networkControl()
	calls := Control{Name: Syscalls, State: NotRequested}
	if s.Syscalls {
		calls = Control{Syscalls, "none of the dangerous ones", Enforced, ""}
	}
	if !s.Syscalls && s.Network == NetworkAny {
		return []Control{network, calls}
	}
	err := s.install()
	for _, c := range []*Control{&network, &calls} {
		if err != nil && c.State != NotRequested {
			c.State, c.Detail = Unavailable, errorText(err)
		}
	}
	return []Control{network, calls}
}

func (s *Spec) networkControl() Control {
	switch s.Network {
	case NetworkNone:
		return Control{NetworkControl, "none", Enforced, ""}
	case NetworkPorts:
		c := control(NetworkControl, fmt.Sprintf("TCP to the ports %v", s.Ports), s.landlockPorts())
		switch {
		case c.State != Enforced:
		case slices.Contains(s.Ports, dns):
			c.State, c.Detail = Degraded, "by port, not by address; UDP is open, for names"
		default:
			c.State, c.Detail = Degraded, "by port, not by address; sockets in the file system are in reach"
		}
		return c
	default:
		return Control{Name: NetworkControl, State: NotRequested}
	}
}

func (s *Spec) install() error {
	raw, err := bpf.Assemble(s.program())
	if err != nil {
		return fmt.Errorf("the filter: %w", err)
	}
	filter := make([]syscall.SockFilter, len(raw))
	for i, r := range raw {
		filter[i] = syscall.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	program := syscall.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	const setModeFilter = 1
	_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, setModeFilter, 0, uintptr(unsafe.Pointer(&program))) //nolint:gosec // the kernel reads it
	if errno != 0 {
		return fmt.Errorf("seccomp: %w", errno)
	}
	return nil
}

// program is the filter. A call by the numbers of another architecture, such as a
// 32-bit one on a 64-bit kernel, is refused: the rest would not recognise it.
func (s *Spec) program() []bpf.Instruction {
	allow, refuse := bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW}, errno(unix.EPERM)
	const word = 4
	number := bpf.LoadAbsolute{Off: offsetNumber, Size: word}
	argument := func(n uint32) bpf.Instruction { return bpf.LoadAbsolute{Off: offsetArguments + 8*n, Size: word} }
	program := []bpf.Instruction{
		bpf.LoadAbsolute{Off: offsetArchitecture, Size: word},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: architecture, SkipTrue: 1},
		refuse,
		number,
		bpf.JumpIf{Cond: bpf.JumpLessThan, Val: foreignNumbers, SkipTrue: 1},
		refuse,
	}
	// on runs then for one system call, and goes on behind it with the number loaded.
	on := func(call uint32, then ...bpf.Instruction) {
		program = append(program, bpf.JumpIf{Cond: bpf.JumpEqual, Val: call, SkipFalse: uint8(len(then) + 1)})
		program = append(program, then...)
		program = append(program, number)
	}
	if s.Syscalls {
		for _, call := range dangerous {
			on(call, refuse)
		}
		on(unix.SYS_CLONE, argument(0), bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: newSpaces, SkipFalse: 1}, refuse)
		// Its flags are in memory, where a filter cannot look; libraries go back to clone.
		on(unix.SYS_CLONE3, errno(unix.ENOSYS))
	}
	unixOnly := bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.AF_UNIX, SkipTrue: 1}
	switch s.Network {
	case NetworkNone:
		on(unix.SYS_SOCKET, argument(0), unixOnly, refuse)
		on(unix.SYS_CONNECT, refuse)
		on(unix.SYS_IO_URING_SETUP, refuse)
	case NetworkPorts:
		on(unix.SYS_SOCKET, s.portSockets(argument, allow, refuse)...)
		on(unix.SYS_IO_URING_SETUP, refuse)
	case NetworkAny:
	}
	return append(program, allow)
}

// portSockets lets through sockets of the file system, of TCP, of the kernel's own
// tables, and of UDP if names are to be asked for. Multipath TCP is refused, since
// Landlock does not look at it.
func (s *Spec) portSockets(argument func(uint32) bpf.Instruction, allow, refuse bpf.Instruction) []bpf.Instruction {
	// equal runs the next instruction if the loaded value is this one.
	equal := func(value uint32) bpf.Instruction {
		return bpf.JumpIf{Cond: bpf.JumpEqual, Val: value, SkipFalse: 1}
	}
	const typeBits, family, kind, protocol = 0xf, 0, 1, 2
	list := []bpf.Instruction{
		argument(family),
		equal(unix.AF_UNIX), allow,
		equal(unix.AF_NETLINK), allow,
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.AF_INET, SkipTrue: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.AF_INET6, SkipTrue: 1},
		refuse,
		argument(protocol),
		equal(unix.IPPROTO_MPTCP), refuse,
		argument(kind),
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: typeBits},
		equal(unix.SOCK_STREAM), allow,
	}
	if slices.Contains(s.Ports, dns) {
		list = append(list, equal(unix.SOCK_DGRAM), allow)
	}
	return append(list, refuse)
}

func errno(e syscall.Errno) bpf.Instruction {
	return bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(e)}
}
