package shim

import "golang.org/x/sys/unix"

const (
	architecture   = unix.AUDIT_ARCH_X86_64
	foreignNumbers = 0x40000000 // from here on they are those of the x32 interface
)

var dangerousHere = []uint32{unix.SYS_IOPL, unix.SYS_IOPERM, unix.SYS_MODIFY_LDT, unix.SYS_NFSSERVCTL, unix.SYS_USELIB, unix.SYS_CREATE_MODULE}

// call32 is the system call getpid in the way of 32-bit programs. It returns what
// the kernel does: the process id, or a negative error.
func call32() int64

// canCall32 says that there is a 32-bit way.
const canCall32 = true
